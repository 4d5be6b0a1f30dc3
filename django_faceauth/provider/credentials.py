"""API credentials: a secret key, or OAuth 2.0 client credentials."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

import requests
from requests.auth import AuthBase

from django_faceauth.exceptions import MalformedAnswer
from django_faceauth.provider.transport import Transport
from django_faceauth.secret import Secret

#: A token is renewed this many seconds before it expires, so that it does not on its way.
EARLY: Final = 60.0

#: The part of the platform that a token is for, unless another one is asked for.
IDENTITY_SCOPE: Final = "identity-verification"


class Credentials(Protocol):
    """What the client needs of its credentials."""

    def token(self) -> Secret:
        """Return the bearer token to send; may request one from the provider."""

    def renew(self, rejected: Secret) -> bool:
        """Drop a token that was answered with 401; return whether to try again."""

    def for_scope(self, scope: str) -> Credentials:
        """Return the credentials of the same account for another part of the platform."""


@dataclass(frozen=True)
class SecretKey:
    """A fixed API key (`sk_…`)."""

    key: Secret

    def token(self) -> Secret:
        return self.key

    def renew(self, rejected: Secret) -> bool:  # noqa: ARG002 - the protocol's signature
        return False  # there is only this key

    def for_scope(self, scope: str) -> SecretKey:  # noqa: ARG002 - the protocol's signature
        """Return the key: the provider's dashboard sets what it may be used for."""
        return self


@dataclass
class ClientCredentials:
    """Tokens from the provider's OAuth endpoint, cached until shortly before they expire.

    Safe to share between threads: of many that need a token, one requests it.
    """

    transport: Transport
    url: str
    client_id: str
    client_secret: Secret
    clock: Callable[[], float] = time.monotonic
    scope: str = IDENTITY_SCOPE
    _token: Secret | None = field(default=None, init=False)
    _expires: float = field(default=0.0, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def token(self) -> Secret:
        """Return a token that is valid for a while; raise a `ProviderError`."""
        with self._lock:
            if self._token is None or self.clock() >= self._expires:
                self._token, self._expires = self._request_token()
            return self._token

    def renew(self, rejected: Secret) -> bool:
        """Forget `rejected`, unless another thread has already replaced it."""
        with self._lock:
            if self._token == rejected:
                self._token = None
        return True

    def for_scope(self, scope: str) -> ClientCredentials:
        """Return the credentials of the same client, with tokens of their own."""
        return replace(self, scope=scope)

    def _request_token(self) -> tuple[Secret, float]:
        requested_at = self.clock()
        form = _TokenForm(self.client_id, self.client_secret, self.scope)
        answer = self.transport.send("token", "POST", self.url, auth=form)
        is_text = isinstance(answer.get("access_token"), str)
        token = Secret(answer["access_token"] if is_text else "")
        is_number = isinstance(answer.get("expires_in"), int | float)
        lifetime = answer["expires_in"] if is_number else 0.0
        del answer  # error reports print the variables of this frame
        if not token or lifetime <= 0:
            raise MalformedAnswer("token", cause="no token")
        # A very short life is halved rather than cut, or each call would request a token.
        return token, requested_at + max(lifetime - EARLY, lifetime / 2)


class _TokenForm(AuthBase):
    """Writes the form while the request is sent: its secret is in no frame of ours."""

    def __init__(self, client_id: str, client_secret: Secret, scope: str) -> None:
        self._client_id = client_id
        self._client_secret = client_secret
        self._scope = scope

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._client_id,
            "client_secret": self._client_secret.reveal(),
            "scope": self._scope,
        }
        request.prepare_body(form, None)
        return request
