"""The wrapper of secrets (P-05)."""

from __future__ import annotations

import copy
import json
import logging
import pickle
from pprint import pformat

import pytest

from django_faceauth.secret import Secret

CANARY = "canary-secret"


@pytest.fixture
def secret() -> Secret:
    return Secret(CANARY)


def test_only_reveal_shows_the_text(secret: Secret, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        logging.getLogger(__name__).warning("%s %r", secret, secret)

    shown = [
        *(repr(secret), str(secret), f"{secret} {secret!r} {secret!a}", f"{secret}"),
        *("{} {!r}".format(*[secret, secret]), format(secret)),
        *(pformat({"key": secret, "keys": [secret]}), repr(secret.reveal), repr([secret])),
        *(ascii(secret), caplog.text, repr(vars(type(secret)))),
    ]
    assert CANARY not in " ".join(shown)
    assert str(secret) == repr(secret) == "***"
    assert secret.reveal() == CANARY


def test_a_secret_has_no_attributes_and_is_not_json(secret: Secret) -> None:
    with pytest.raises(TypeError):
        vars(secret)
    with pytest.raises(AttributeError):
        secret.other = 1  # type: ignore[attr-defined]
    with pytest.raises(TypeError) as caught:
        json.dumps({"key": secret})
    assert CANARY not in str(caught.value)


def test_a_secret_equals_secrets_with_the_same_text_alone(secret: Secret) -> None:
    """Also with lone surrogates, from an environment that is not UTF-8."""
    for text in ("a", "é", "sk_\udcff"):
        assert Secret(text) == Secret(text)
        assert hash(Secret(text)) == hash(Secret(text))
        assert Secret(text) != Secret(text + "b")
    assert secret != CANARY
    assert secret != None  # noqa: E711 - the comparison is what is tested
    assert {secret: 1}.get(CANARY) is None  # type: ignore[call-overload]


def test_an_empty_secret_is_false(secret: Secret) -> None:
    assert secret
    assert not Secret("")


def test_a_copy_does_not_show_itself_either(secret: Secret) -> None:
    assert repr(copy.deepcopy(secret)) == "***"
    assert copy.copy(secret) == secret
    assert pickle.loads(pickle.dumps(secret)) == secret
