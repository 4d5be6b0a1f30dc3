"""Webhook signatures."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_faceauth.exceptions import SignatureInvalid
from django_faceauth.provider import signatures
from django_faceauth.secret import Secret

# Made for this project with another implementation of HMAC-SHA256.
KEY = Secret("faceauth-test-key-1")
BODY = (
    '{"id":"evt_test0000000000000000000001","type":"face_authentication_checks_completed",'
    '"version":"1.2.0","created_on":"2026-01-02T03:04:05.678901Z","data":'
    '{"face_authentication_id":"fav_00000000000000000000000001","status":"approved",'
    '"note":"© é"}}'
).encode()
SIGNATURE = "23277772935c287d1c883e6c09c14f6adaf86e471a96e695d1eb1470bd766fb0"
EMPTY_SIGNATURE = "be694e59accdff78b5f784e6e54dc11e83fa4ec3bf4b9891a3489480044203af"

#: The header of the provider's other dialect: time, key id, ECDSA in base64.
OTHER_DIALECT = "1711537367.593334:1-test-v1:" + b64encode(b"0" * 139).decode()


def refusal(body, signature, *keys):
    with pytest.raises(SignatureInvalid) as caught:
        signatures.verify(body, signature, keys=keys)
    return caught.value.reason


@pytest.mark.parametrize(("body", "signature"), [(BODY, SIGNATURE), (b"", EMPTY_SIGNATURE)])
def test_the_vectors(body, signature):
    assert signatures.sign(body, KEY) == signature
    assert signatures.verify(body, signature, keys=[KEY]) == 0
    assert signatures.verify(body, signature.upper(), keys=[KEY]) == 0


@pytest.mark.parametrize("place", range(0, len(BODY), 31))
def test_one_other_bit_is_another_body(place):
    tampered = bytearray(BODY)
    tampered[place] ^= 1

    assert refusal(bytes(tampered), SIGNATURE, KEY) == "no_match"


@pytest.mark.parametrize("number", [0, 2, 4])
def test_every_key_is_compared_in_constant_time(monkeypatch, number):
    """Whichever matches (W-02); the result is its index, never the key (W-15)."""
    compared = []

    def counting(first, second):
        compared.append((first, second))
        return compare(first, second)

    compare = hmac.compare_digest
    keys = [Secret(f"key number {n}") for n in range(5)]
    monkeypatch.setattr(hmac, "compare_digest", counting)

    assert signatures.verify(BODY, signatures.sign(BODY, keys[number]), keys=keys) == number

    assert len(compared) == 5
    assert all(isinstance(digest, bytes) for pair in compared for digest in pair)


@pytest.mark.parametrize(
    ("signature", "reason"),
    [
        ("", "missing"),
        (" ", "malformed"),
        (SIGNATURE + "\n", "malformed"),
        (f"sha256={SIGNATURE}", "malformed"),
        (SIGNATURE[:-1], "malformed"),
        (SIGNATURE + "0", "malformed"),
        (SIGNATURE[:-1] + "g", "malformed"),
        (SIGNATURE[:-1] + "٣", "malformed"),
        (f"{SIGNATURE},{SIGNATURE}", "malformed"),
        (b64encode(bytes.fromhex(SIGNATURE)).decode(), "malformed"),
        (OTHER_DIALECT, "malformed"),
        ("0" * 64, "no_match"),
        (hashlib.sha256(BODY).hexdigest(), "no_match"),
        (hashlib.sha256(KEY.reveal().encode() + BODY).hexdigest(), "no_match"),
    ],
)
def test_anything_else_is_rejected(signature, reason):
    """The scheme is fixed: the header of the other dialect is just malformed (W-03, TH-10)."""
    assert refusal(BODY, signature, KEY) == reason
    assert refusal(BODY, SIGNATURE) == "no_match"  # without a key


@given(body=st.binary(), signature=st.text(), key=st.text())
def test_any_input_ends_in_a_refusal_of_ours(body, signature, key):
    """No input raises anything else (W-22, TH-16); what was signed is accepted as it is (W-01)."""
    secret = Secret(key)
    assert signatures.verify(body, signatures.sign(body, secret), keys=[secret]) == 0
    assert refusal(body, signature, secret) in {"missing", "malformed", "no_match"}
