"""Webhook signatures.

HMAC-SHA256 over the raw bytes, in hexadecimal, keyed with the text that the site and the
workflow share. The scheme is fixed here and never read from the header, in which the
provider's other dialect puts something else. There is no way to switch this off.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Final

from django_faceauth.exceptions import SignatureInvalid
from django_faceauth.secret import Secret

HEADER: Final = "Cko-Signature"


def sign(body: bytes, key: Secret) -> str:
    """Return the signature of `body`, as the header carries it."""
    return _digest(body, key).hex()


def verify(body: bytes, signature: str, *, keys: Sequence[Secret]) -> int:
    """Return the index of the key that signed `body`; raise `SignatureInvalid`.

    `signature` is the value of the header, empty when there is none. Every key is compared,
    each in constant time, so that the duration reveals nothing.
    """
    if not re.fullmatch(r"[0-9a-fA-F]{64}", signature):
        raise SignatureInvalid("malformed" if signature else "missing")
    given = bytes.fromhex(signature)
    matches = [hmac.compare_digest(_digest(body, key), given) for key in keys]
    if not any(matches):
        raise SignatureInvalid("no_match")
    return matches.index(True)


def _digest(body: bytes, key: Secret) -> bytes:
    return hmac.digest(key.reveal().encode("utf-8", "surrogatepass"), body, hashlib.sha256)
