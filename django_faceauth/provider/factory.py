"""Builds the client that the settings describe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.utils.module_loading import import_string

from django_faceauth.conf import PREFIX, conf
from django_faceauth.exceptions import ConfigurationError
from django_faceauth.provider.url_validation import is_api_url

if TYPE_CHECKING:
    from requests.adapters import BaseAdapter

    from django_faceauth.provider.client import Client

__all__ = ["answered_by", "get_client"]

ASSEMBLY: Final = "django_faceauth.provider.assembly.assemble"

_adapters: list[BaseAdapter] = []


def get_client() -> Client:
    """Return the client of this site; raises `ConfigurationError`.

    The same settings give the same client, so that connections and OAuth tokens are
    used again; changed settings give another one at once.
    """
    # With the first call: `requests` takes its time, and many processes never make one.
    assemble: Callable[..., Client] = import_string(ASSEMBLY)
    return assemble(
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


def _api_url(name: str, url: str) -> str:
    if not is_api_url(url, debug=settings.DEBUG):
        raise ConfigurationError(f"{PREFIX}{name} is not an HTTPS address of the provider.")
    return url
