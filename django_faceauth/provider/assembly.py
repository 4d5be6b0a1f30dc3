"""Puts a client together, out of modules that bring `requests` with them."""

from __future__ import annotations

from functools import lru_cache

from requests.adapters import BaseAdapter

from django_faceauth.conf import PREFIX
from django_faceauth.exceptions import ConfigurationError
from django_faceauth.provider.client import Client
from django_faceauth.provider.credentials import ClientCredentials, Credentials, SecretKey
from django_faceauth.provider.transport import Transport
from django_faceauth.secret import Secret


@lru_cache(maxsize=4)
def assemble(
    base_url: str,
    secret_key: Secret | None,
    client_id: str,
    client_secret: Secret | None,
    token_url: str,
    timeout: tuple[float, float],
    certificate: str | tuple[str, str] | None,
    adapter: BaseAdapter | None,
) -> Client:
    """Return a client with its credentials and its transport; raises `ConfigurationError`."""
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
