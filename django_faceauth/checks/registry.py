"""How findings are registered, and how settings are read for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, Final

from django.core.checks import CheckMessage, register

from django_faceauth.conf import conf
from django_faceauth.exceptions import ConfigurationError

TAG: Final = "faceauth"
#: A capture takes people a minute or two.
SHORT: Final = timedelta(seconds=120)
#: By the end of a longer window, another person may be using the session (G-14).
LONG: Final = timedelta(hours=1)

Finding = Iterator[CheckMessage]
Check = Callable[..., list[CheckMessage]]


def check(function: Callable[[], Finding]) -> Check:
    """Register a function that yields findings."""
    return register(_listed(function), TAG)


def check_of_deployment(function: Callable[[], Finding]) -> Check:
    """Register a function that yields findings for `check --deploy`."""
    return register(_listed(function), TAG, deploy=True)


def _listed(function: Callable[[], Finding]) -> Check:
    def run(**_kwargs: Any) -> list[CheckMessage]:
        return list(function())

    run.__name__, run.__doc__ = function.__name__, function.__doc__
    return run


def value(name: str) -> Any:
    """Return a setting, or None when it cannot be read: E001 says so already."""
    try:
        return getattr(conf, name)
    except ConfigurationError:
        return None
