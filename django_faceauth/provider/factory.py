"""Build the client that the settings describe."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

from django.conf import settings

from django_faceauth.conf import PREFIX, conf
from django_faceauth.exceptions import ConfigurationError
from django_faceauth.provider.url_validation import is_api_url
from django_faceauth.secret import Secret

if TYPE_CHECKING:
    from requests.adapters import BaseAdapter

    from django_faceauth.provider.client import Client
    from django_faceauth.provider.credentials import Credentials
    from django_faceauth.provider.workflows import WorkflowsClient

__all__ = ["answered_by", "get_client", "get_workflows_client"]

_adapters: list[BaseAdapter] = []


def get_client() -> Client:
    """Return the client of this site; raise `ConfigurationError`.

    The same settings return the same client, so that connections and OAuth tokens are
    reused; changed settings return a new one at once.
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


def get_workflows_client() -> WorkflowsClient:
    """Return the client of the workflows API, with the account and the rest of `get_client`."""
    # As slow to load as the other.
    from django_faceauth.provider.workflows import SCOPE, WorkflowsClient

    url, client = _api_url("WORKFLOWS_URL", conf.WORKFLOWS_URL), get_client()
    return WorkflowsClient(url, client.credentials.for_scope(SCOPE), client.transport)


@contextmanager
def answered_by(adapter: BaseAdapter) -> Iterator[None]:
    """Let `adapter` answer all calls in place of the network. For tests."""
    _adapters.append(adapter)
    try:
        yield
    finally:
        _adapters.pop()


def _api_url(name: str, url: str) -> str:
    if not is_api_url(url, debug=settings.DEBUG):
        raise ConfigurationError(f"{PREFIX}{name} must be an HTTPS URL of the provider.")
    return url


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
    # Imported with the first call: `requests` is slow to load, and many processes never call.
    from django_faceauth.provider import client, credentials, transport

    sender = transport.Transport(timeout=timeout, certificate=certificate, adapter=adapter)
    if secret_key and (client_id or client_secret):
        raise ConfigurationError(f"Set {PREFIX}SECRET_KEY or the OAuth credentials, not both.")
    login: Credentials
    if secret_key:
        login = credentials.SecretKey(secret_key)
    elif client_id and client_secret:
        login = credentials.ClientCredentials(sender, token_url, client_id, client_secret)
    else:
        raise ConfigurationError(
            f"Set {PREFIX}SECRET_KEY, or {PREFIX}OAUTH_CLIENT_ID and {PREFIX}OAUTH_CLIENT_SECRET."
        )
    return client.Client(base_url, login, sender)
