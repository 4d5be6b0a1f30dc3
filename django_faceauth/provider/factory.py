"""Builds the client that the settings describe."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from requests.adapters import BaseAdapter

from django_faceauth.conf import PREFIX, conf
from django_faceauth.exceptions import ConfigurationError
from django_faceauth.provider.addresses import is_api_url
from django_faceauth.provider.client import Client
from django_faceauth.provider.credentials import ClientCredentials, Credentials, SecretKey
from django_faceauth.provider.transport import Transport
from django_faceauth.redaction import Secret

_adapters: list[BaseAdapter] = []


def get_client() -> Client:
    """Return the client of this site; raises `ConfigurationError`.

    The same settings give the same client, so that connections and OAuth tokens are
    used again; changed settings give another one at once.
    """
    return _build(
        _api_url("BASE_URL", conf.BASE_URL),
        conf.SECRET_KEY,
        conf.OAUTH_CLIENT_ID,
        conf.OAUTH_CLIENT_SECRET,
        _api_url("TOKEN_URL", conf.TOKEN_URL),
        conf.TIMEOUT,
        conf.CLIENT_CERTIFICATE,
        _adapters[-1] if _adapters else None,
    )


@contextmanager
def answered_by(adapter: BaseAdapter) -> Iterator[None]:
    """Let `adapter` answer all calls in place of the network. For tests."""
    _adapters.append(adapter)
    try:
        yield
    finally:
        _adapters.pop()


@lru_cache(maxsize=4)
def _build(
    base_url: str,
    secret_key: Secret | None,
    client_id: str,
    client_secret: Secret | None,
    token_url: str,
    timeout: tuple[float, float],
    certificate: str | tuple[str, str] | None,
    adapter: BaseAdapter | None,
) -> Client:
    transport = Transport(timeout=timeout, certificate=certificate, adapter=adapter)
    credentials = _credentials(secret_key, client_id, client_secret, token_url, transport)
    return Client(base_url, credentials, transport)


def _credentials(
    secret_key: Secret | None,
    client_id: str,
    client_secret: Secret | None,
    token_url: str,
    transport: Transport,
) -> Credentials:
    if secret_key and (client_id or client_secret):
        raise ConfigurationError(f"Set {PREFIX}SECRET_KEY or the OAuth credentials, not both.")
    if secret_key:
        return SecretKey(secret_key)
    if client_id and client_secret:
        return ClientCredentials(transport, token_url, client_id, client_secret)
    raise ConfigurationError(
        f"Set {PREFIX}SECRET_KEY, or {PREFIX}OAUTH_CLIENT_ID and {PREFIX}OAUTH_CLIENT_SECRET."
    )


def _api_url(name: str, url: str) -> str:
    if not is_api_url(url, debug=conf.DEBUG):
        raise ConfigurationError(f"{PREFIX}{name} is not an HTTPS address of the provider.")
    return url
