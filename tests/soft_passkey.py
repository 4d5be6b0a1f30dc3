"""A passkey without a device: what an authenticator and its browser send."""

from __future__ import annotations

import json
from typing import Any

from allauth.core import context
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth
from allauth.mfa.webauthn.internal.auth import WebAuthn
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.contrib.auth.models import User
from django.http import HttpRequest
from fido2.cose import ES256
from fido2.utils import sha256, websafe_encode
from fido2.webauthn import (
    Aaguid,
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

FLAGS = AuthenticatorData.FLAG
ORIGIN = "http://testserver"


class SoftPasskey:
    """A key pair; `add_to` registers it with django-allauth's own functions."""

    def __init__(self, rp_id: str = "testserver") -> None:
        self.id = b"passkey" * 4
        self.rp_hash = sha256(rp_id.encode())
        self.key = ec.generate_private_key(ec.SECP256R1())

    def add_to(self, user: User, request: HttpRequest) -> Authenticator:
        """Register the key as one of the user's, as the page of django-allauth does."""
        with context.request_context(request):
            options = auth.begin_registration(user, passwordless=False)
            public = ES256.from_cryptography_key(self.key.public_key())
            credential = AttestedCredentialData.create(Aaguid.NONE, self.id, public)
            data = AuthenticatorData.create(
                self.rp_hash, FLAGS.UP | FLAGS.UV | FLAGS.AT, 0, credential
            )
            client = self._client("webauthn.create", options["publicKey"]["challenge"])
            response = {
                "clientDataJSON": websafe_encode(client),
                "attestationObject": websafe_encode(AttestationObject.create("none", data, {})),
            }
            sent = self._credential(response)
            auth.complete_registration(sent)
            return WebAuthn.add(user, "key", sent).instance

    def signs(self, options: dict[str, Any], flags: int = FLAGS.UP | FLAGS.UV) -> str:
        """Return what a page sends after `navigator.credentials.get`."""
        data = AuthenticatorData.create(self.rp_hash, flags, 1)
        client = self._client("webauthn.get", options["challenge"])
        signature = self.key.sign(data + sha256(client), ec.ECDSA(hashes.SHA256()))
        response = {
            "clientDataJSON": websafe_encode(client),
            "authenticatorData": websafe_encode(data),
            "signature": websafe_encode(signature),
        }
        return json.dumps(self._credential(response))

    def _client(self, kind: str, challenge: Any) -> bytes:
        return CollectedClientData.create(kind, challenge, ORIGIN)

    def _credential(self, response: dict[str, str]) -> dict[str, Any]:
        name = websafe_encode(self.id)
        return {
            "id": name,
            "rawId": name,
            "type": "public-key",
            "clientExtensionResults": {},
            "response": response,
        }
