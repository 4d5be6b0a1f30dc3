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


def test_only_reveal_gives_the_text(secret: Secret) -> None:
    assert secret.reveal() == CANARY


def test_no_way_of_printing_shows_the_text(
    secret: Secret, caplog: pytest.LogCaptureFixture
) -> None:
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


def test_a_secret_has_no_attributes_to_print(secret: Secret) -> None:
    with pytest.raises(TypeError):
        vars(secret)
    with pytest.raises(AttributeError):
        secret.other = 1  # type: ignore[attr-defined]


def test_a_secret_is_not_json(secret: Secret) -> None:
    with pytest.raises(TypeError) as caught:
        json.dumps({"key": secret})

    assert CANARY not in str(caught.value)


def test_secrets_with_the_same_text_are_equal() -> None:
    assert Secret("a") == Secret("a")
    assert hash(Secret("a")) == hash(Secret("a"))
    assert Secret("é") == Secret("é")
    assert Secret("a") != Secret("b")
    assert Secret("a") != Secret("ab")


def test_a_secret_equals_nothing_but_a_secret(secret: Secret) -> None:
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


def test_a_secret_that_is_no_proper_text_compares_without_an_error():
    """An environment that is not UTF-8 gives lone surrogates."""
    assert Secret("sk_\udcff") == Secret("sk_\udcff")
    assert Secret("sk_\udcff") != Secret("sk_")
