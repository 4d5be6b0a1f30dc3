"""Parse the values of settings.

Each function returns the parsed value, or raises `InvalidValue`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from typing import Any, Final, NamedTuple, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.module_loading import import_string

from django_faceauth.durations import Limit, as_duration, as_limit, as_period
from django_faceauth.secret import Secret

#: Characters of a URL (RFC 3986, section 2), without the apostrophe: URLs are quoted in pages.
URL: Final = r"[A-Za-z][A-Za-z0-9+.-]*:[!#-&(-;=?-\[\]_a-z~]+"

#: Schemes that a browser would run, render itself, or read from its own disk.
UNSAFE_SCHEMES: Final = frozenset(
    {"about", "blob", "data", "file", "filesystem", "javascript", "vbscript", "view-source"}
)

#: Shorter keys could be guessed.
SHORTEST_WEBHOOK_KEY: Final = 32


class RateLimits(NamedTuple):
    """The value of `FACEAUTH_RATE_LIMITS`; the settings reference explains each limit."""

    unsuccessful: tuple[Limit, ...]
    unsuccessful_session: tuple[Limit, ...]
    successful: tuple[Limit, ...]
    site: Limit | None
    lockout: Limit | None
    enrolment: tuple[Limit, ...]


class InvalidValue(Exception):
    """Says what is wrong with a value; the name of the setting goes before it."""


def string(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidValue("must be a string.")
    return value


def string_like(pattern: str, error: str) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        text = string(value)
        if not re.fullmatch(pattern, text):
            raise InvalidValue(error)
        return text

    return parse


def switch(value: Any) -> bool:
    return value is True  # the string "False" would be true


def _result(value: Any) -> Any:
    """Return the value, or what it returns if it is a callable."""
    try:
        return value() if callable(value) else value
    except Exception as error:
        # The error of a vault may hold its secrets.
        raise InvalidValue(f"failed: {type(error).__name__}.") from None


def secret(value: Any) -> Secret | None:
    text = _result(value)
    if not isinstance(text, str | None):
        raise InvalidValue("must be a string or a callable.")
    return Secret(text.strip()) if text and text.strip() else None  # files end in a newline


def _list(value: Any) -> tuple[Any, ...]:
    values = _result(value)
    # A string is a sequence of strings, too: "example.com" must not become eleven hosts.
    if not isinstance(values, list | tuple):
        raise InvalidValue("must be a list.")
    return tuple(values)


def strings(value: Any) -> tuple[str, ...]:
    values = _list(value)
    if not all(isinstance(text, str) for text in values):
        raise InvalidValue("must be a list of strings.")
    return values


def duration(value: Any) -> timedelta:
    try:
        parsed = as_duration(value)
    except (TypeError, ValueError, OverflowError):
        raise InvalidValue("must be seconds or a timedelta.") from None
    if parsed < timedelta(0):
        raise InvalidValue("must not be negative.")
    return parsed


def callable_or_path(value: Any) -> Callable[..., Any] | None:
    """Return a callable, or the one that a dotted path names."""
    return cast(Callable[..., Any], value) if callable(value) else callable_at(value)


def callable_at(value: Any) -> Callable[..., Any] | None:
    path = string(value)
    if not path:
        return None
    try:
        found = import_string(path)
    except ImportError:
        raise InvalidValue("cannot be imported.") from None
    if not callable(found):
        raise InvalidValue("must be the path of a callable.")
    return cast(Callable[..., Any], found)


def one_of(names: Collection[str]) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        name = string(value)
        if name not in names:
            raise InvalidValue(f"must be one of {', '.join(names)}.")
        return name

    return parse


def some_of(names: Collection[str]) -> Callable[[Any], tuple[str, ...]]:
    def parse(value: Any) -> tuple[str, ...]:
        given = strings(value)
        if not {*given} <= {*names}:
            raise InvalidValue(f"must be a list of {', '.join(names)}.")
        return given

    return parse


def root_url(value: Any) -> str:
    return string(value).rstrip("/")


def certificate(value: Any) -> str | tuple[str, str] | None:
    if value is None or isinstance(value, str):
        return value
    paths = strings(value)
    if len(paths) != 2:
        raise InvalidValue("must be one path or two.")
    return paths[0], paths[1]


def timeout(value: Any) -> tuple[float, float]:
    try:
        connect, read = map(float, value)
    except (TypeError, ValueError):
        connect = read = 0.0
    if not (connect > 0 and read > 0):
        raise InvalidValue("must be a pair of seconds.")
    return connect, read


def webhook_keys(value: Any) -> tuple[Secret, ...]:
    keys = tuple(secret(key) or Secret("") for key in _list(value))
    if any(len(key.reveal()) < SHORTEST_WEBHOOK_KEY for key in keys):
        raise InvalidValue(f"holds a key of less than {SHORTEST_WEBHOOK_KEY} characters.")
    return keys


def whole_number(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise InvalidValue("must be a whole number.")
    return value


def rate(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise InvalidValue("must be a number above 0.")
    return float(value)


def _with_defaults(defaults: Mapping[str, Any], value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or value.keys() - defaults.keys():
        raise InvalidValue(f"must name some of {', '.join(defaults)}.")
    return {**defaults, **value}


def retention(defaults: Mapping[str, str | None], value: Any) -> Mapping[str, timedelta | None]:
    periods = _with_defaults(defaults, value)
    try:
        return {
            name: None if given is None else as_period(given) for name, given in periods.items()
        }
    except (TypeError, ValueError):
        raise InvalidValue("must hold periods such as 30d, or None.") from None


def rate_limits(defaults: Mapping[str, Any], value: Any) -> RateLimits:
    limits = _with_defaults(defaults, value)
    site, lockout = limits["site"], limits["lockout"]
    if not isinstance(lockout, list | tuple | None):
        raise InvalidValue('must have a pair for "lockout", as (5, "30m").')
    return RateLimits(
        unsuccessful=_limits("unsuccessful", limits["unsuccessful"]),
        unsuccessful_session=_limits("unsuccessful_session", limits["unsuccessful_session"]),
        successful=_limits("successful", limits["successful"]),
        site=None if site in (None, "") else _limit("site", site),
        lockout=_limit("lockout", "/".join(map(str, lockout))) if lockout else None,
        enrolment=_limits("enrolment", limits["enrolment"]),
    )


def _limits(name: str, texts: Any) -> tuple[Limit, ...]:
    if not isinstance(texts, list | tuple | None):
        raise InvalidValue(f'must have a list for "{name}", as ["3/10m"].')
    return tuple(_limit(name, text) for text in texts or ())


def _limit(name: str, text: Any) -> Limit:
    try:
        return as_limit(text)
    except (TypeError, ValueError):
        raise InvalidValue(f'must have limits such as 3/10m for "{name}".') from None


def redirects(value: Any) -> tuple[str, ...]:
    urls = strings(value)
    if not all(_is_safe_url(url, debug=settings.DEBUG) for url in urls):
        raise InvalidValue("holds an unsafe URL.")
    return urls


def dashboard_url(value: Any) -> str:
    url = string(value)
    is_link = url.startswith("https://") and _is_safe_url(url.replace("{id}", ""), debug=False)
    if url and not (is_link and "{id}" in url):
        raise InvalidValue("must be https://… with {id} in it.")
    return url


def site_url(value: Any) -> str:
    url = root_url(value)
    parts = urlsplit(url)
    is_known = parts.scheme in {"https", "http" if settings.DEBUG else "https"} and parts.hostname
    if url and not is_known:
        raise InvalidValue("must begin with https:// and a host.")
    return url


def _is_safe_url(url: str, *, debug: bool) -> bool:
    """Return whether a browser may be sent to `url`: a page over HTTPS, or an app by its scheme."""
    try:
        parts = urlsplit(url)
    except ValueError:  # an incomplete IPv6 address, for example
        return False
    if not re.fullmatch(URL, url) or parts.scheme in UNSAFE_SCHEMES:
        return False
    if parts.scheme not in {"http", "https"}:
        return True
    is_host = bool(parts.hostname) and "@" not in parts.netloc
    return is_host and (debug or parts.scheme == "https")
