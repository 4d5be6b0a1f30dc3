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


def test_only_reveal_shows_the_text(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(CANARY)
    with caplog.at_level(logging.DEBUG):
        logging.getLogger(__name__).warning("%s %r", secret, secret)
    with pytest.raises(TypeError) as caught:
        json.dumps({"key": secret})
    with pytest.raises(TypeError):
        vars(secret)
    with pytest.raises(AttributeError):
        secret.other = 1  # type: ignore[attr-defined]

    shown = [
        *(repr(secret), str(secret), f"{secret} {secret!r} {secret!a}", f"{secret}"),
        *("{} {!r}".format(*[secret, secret]), format(secret), str(caught.value)),
        *(pformat({"key": secret, "keys": [secret]}), repr(secret.reveal), repr([secret])),
        *(ascii(secret), caplog.text, repr(vars(type(secret)))),
    ]
    assert CANARY not in " ".join(shown)
    assert str(secret) == repr(secret) == repr(copy.deepcopy(secret)) == "***"
    assert secret.reveal() == CANARY


@pytest.mark.parametrize("text", ["a", "é", "sk_\udcff"])
def test_secrets_are_equal_if_their_texts_are(text: str) -> None:
    """An environment that is not UTF-8 gives lone surrogates."""
    secret = Secret(text)

    assert secret == Secret(text) == copy.copy(secret)
    assert hash(secret) == hash(Secret(text))
    assert secret != Secret(f"{text}b")
    assert secret != text
    assert secret != None  # noqa: E711 - the comparison is what is tested
    assert {secret: 1}.get(text) is None  # type: ignore[call-overload]


def test_secrets_can_be_pickled_and_empty() -> None:
    assert pickle.loads(pickle.dumps(Secret(CANARY))) == Secret(CANARY)
    assert Secret(CANARY)
    assert not Secret("")
