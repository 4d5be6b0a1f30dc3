"""Read and validate the settings of this package.

`Conf`, at the end, lists them: `conf.<name>` is `FACEAUTH_<name>`, read at access so that
`override_settings` works. Malformed values raise `ConfigurationError`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, Final, Generic, TypeVar, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.module_loading import import_string

from django_faceauth.durations import Limit, as_duration, as_limit, as_period
from django_faceauth.exceptions import ConfigurationError
from django_faceauth.secret import Secret

T = TypeVar("T")
Network = IPv4Network | IPv6Network

PREFIX: Final = "FACEAUTH_"

#: One value in a quoted header parameter (RFC 9470, section 3).
ACR: Final = re.compile(r"[!#-\[\]-~]+", re.ASCII)

#: Characters of a URL (RFC 3986, section 2), without the apostrophe: URLs are quoted in pages.
URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!#-&(-;=?-\[\]_a-z~]+", re.ASCII)

#: Schemes that a browser would run, render itself, or read from its own disk.
UNSAFE_SCHEMES: Final = frozenset(
    {"about", "blob", "data", "file", "filesystem", "javascript", "vbscript", "view-source"}
)

VERSION: Final = re.compile(r"[A-Za-z0-9._:/+-]{0,64}")

#: Shorter keys could be guessed.
SHORTEST_WEBHOOK_KEY: Final = 32

#: How long rows are kept; None is for ever.
RETENTION: Final[Mapping[str, str | None]] = {
    "events": "30d",
    "tombstones": "400d",
    "flows": "90d",
    "limits": "90d",
    "consents": "1096d",  # three years, one of them a leap year
    "audit": None,
}

#: How often users may start an attempt. A session has fewer unsuccessful starts a day than its
#: user, so that a thief in one session does not lock the owner out of the others.
RATE_LIMITS: Final[Mapping[str, Any]] = {
    "unsuccessful": ["3/10m", "10/d"],
    "unsuccessful_session": ["3/10m", "6/d"],
    "successful": ["30/h", "100/d"],
    "site": "1000/h",
    "lockout": (5, "30m"),
}

SANDBOX: Final = "sandbox"
LIVE: Final = "live"

PROVIDER_HOSTS: Final = (".checkout.com", ".ubble.ai")

# Source: the provider's API reference, "hosts".
BASE_URLS: Final = {
    SANDBOX: "https://identity-verification.sandbox.checkout.com",
    LIVE: "https://identity-verification.checkout.com",
}
TOKEN_URLS: Final = {
    SANDBOX: "https://access.sandbox.checkout.com/connect/token",
    LIVE: "https://access.checkout.com/connect/token",
}


@dataclass(frozen=True, slots=True)
class RateLimits:
    """The value of `FACEAUTH_RATE_LIMITS`; the settings reference explains each limit."""

    unsuccessful: tuple[Limit, ...]
    unsuccessful_session: tuple[Limit, ...]
    successful: tuple[Limit, ...]
    site: Limit | None
    lockout: Limit | None


class InvalidValue(Exception):
    """Says what is wrong with a value; the name of the setting goes before it."""


class Setting(Generic[T]):
    """A setting: how its value is parsed, and its default or a function that returns it."""

    def __init__(self, parse: Callable[[Any], T], default: Any = None) -> None:
        self.parse = parse
        self.default = default

    def __set_name__(self, _owner: type, name: str) -> None:
        self.name = PREFIX + name

    def __get__(self, _conf: object, _owner: type) -> T:
        default = self.default() if callable(self.default) else self.default
        try:
            return self.parse(getattr(settings, self.name, default))
        except InvalidValue as error:
            raise ConfigurationError(f"{self.name} {error}") from None


# -- parsers


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidValue("must be a string.")
    return value


def _text_like(pattern: re.Pattern[str], error: str) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        text = _text(value)
        if not pattern.fullmatch(text):
            raise InvalidValue(error)
        return text

    return parse


def _switch(value: Any) -> bool:
    return value is True  # the string "False" would be true


def _simulator_switch(value: Any) -> bool:
    return settings.DEBUG or _switch(value)


def _result(value: Any) -> Any:
    """Return the value, or what it returns if it is a callable."""
    try:
        return value() if callable(value) else value
    except Exception as error:
        # The error of a vault may hold its secrets.
        raise InvalidValue(f"failed: {type(error).__name__}.") from None


def _secret(value: Any) -> Secret | None:
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


def _texts(value: Any) -> tuple[str, ...]:
    values = _list(value)
    if not all(isinstance(text, str) for text in values):
        raise InvalidValue("must be a list of strings.")
    return values


def _duration(value: Any) -> timedelta:
    try:
        duration = as_duration(value)
    except (TypeError, ValueError, OverflowError):
        raise InvalidValue("must be seconds or a timedelta.") from None
    if duration < timedelta(0):
        raise InvalidValue("must not be negative.")
    return duration


def _callable(value: Any) -> Callable[..., Any] | None:
    path = _text(value)
    if not path:
        return None
    try:
        found = import_string(path)
    except ImportError:
        raise InvalidValue("cannot be imported.") from None
    if not callable(found):
        raise InvalidValue("must be the path of a callable.")
    return cast(Callable[..., Any], found)


def _environment(value: Any) -> str:
    name = _text(value)
    if name not in BASE_URLS:
        raise InvalidValue(f"must be one of {', '.join(BASE_URLS)}.")
    return name


def _root_url(value: Any) -> str:
    return _text(value).rstrip("/")


def _certificate(value: Any) -> str | tuple[str, str] | None:
    if value is None or isinstance(value, str):
        return value
    paths = _texts(value)
    if len(paths) != 2:
        raise InvalidValue("must be one path or two.")
    return paths[0], paths[1]


def _timeout(value: Any) -> tuple[float, float]:
    try:
        connect, read = map(float, value)
    except (TypeError, ValueError):
        connect = read = 0.0
    if not (connect > 0 and read > 0):
        raise InvalidValue("must be a pair of seconds.")
    return connect, read


def _webhook_keys(value: Any) -> tuple[Secret, ...]:
    keys = tuple(_secret(key) or Secret("") for key in _list(value))
    if any(len(key.reveal()) < SHORTEST_WEBHOOK_KEY for key in keys):
        raise InvalidValue(f"holds a key of less than {SHORTEST_WEBHOOK_KEY} characters.")
    return keys


def _networks(value: Any) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(text) for text in _texts(value))
    except ValueError:
        raise InvalidValue("must be a list of IP networks.") from None


def _whole_number(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise InvalidValue("must be a whole number.")
    return value


def _rate(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise InvalidValue("must be a number above 0.")
    return float(value)


def _with_defaults(value: Any, defaults: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(value, Mapping) or value.keys() - defaults.keys():
        raise InvalidValue(f"must name some of {', '.join(defaults)}.")
    return {**defaults, **value}


def _retention(value: Any) -> Mapping[str, timedelta | None]:
    texts = _with_defaults(value, RETENTION)
    try:
        return {name: None if text is None else as_period(text) for name, text in texts.items()}
    except (TypeError, ValueError):
        raise InvalidValue("must hold periods such as 30d, or None.") from None


def _rate_limits(value: Any) -> RateLimits:
    limits = _with_defaults(value, RATE_LIMITS)
    site, lockout = limits["site"], limits["lockout"]
    if not isinstance(lockout, list | tuple | None):
        raise InvalidValue('must have a pair for "lockout", as (5, "30m").')
    return RateLimits(
        unsuccessful=_limits("unsuccessful", limits["unsuccessful"]),
        unsuccessful_session=_limits("unsuccessful_session", limits["unsuccessful_session"]),
        successful=_limits("successful", limits["successful"]),
        site=None if site in (None, "") else _limit("site", site),
        lockout=_limit("lockout", "/".join(map(str, lockout))) if lockout else None,
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


def _redirects(value: Any) -> tuple[str, ...]:
    urls = _texts(value)
    if not all(_is_safe_url(url, debug=settings.DEBUG) for url in urls):
        raise InvalidValue("holds an unsafe URL.")
    return urls


def _dashboard_url(value: Any) -> str:
    url = _text(value)
    is_link = url.startswith("https://") and _is_safe_url(url.replace("{id}", ""), debug=False)
    if url and not (is_link and "{id}" in url):
        raise InvalidValue("must be https://… with {id} in it.")
    return url


def _site_url(value: Any) -> str:
    url = _root_url(value)
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
    if not URL.fullmatch(url) or parts.scheme in UNSAFE_SCHEMES:
        return False
    if parts.scheme not in {"http", "https"}:
        return True
    is_host = bool(parts.hostname) and "@" not in parts.netloc
    return is_host and (debug or parts.scheme == "https")


# -- settings


class Conf:
    """Typed access to the settings of this package; the reference explains them."""

    __slots__ = ()

    # Account at the provider

    #: Secret API key (`str` or a callable that returns one).
    SECRET_KEY = Setting(_secret)
    #: Client id and secret (`str` or a callable) for OAuth, instead of a secret key.
    OAUTH_CLIENT_ID = Setting(_text, "")
    OAUTH_CLIENT_SECRET = Setting(_secret)
    #: Id of the user journey (`usj_…`) that configures the service.
    USER_JOURNEY_ID = Setting(_text, "")

    # Hosts

    #: `"sandbox"` or `"live"`.
    ENVIRONMENT = Setting(_environment, SANDBOX)
    #: Root of the provider's API, without a trailing slash.
    BASE_URL = Setting(_root_url, lambda: BASE_URLS[conf.ENVIRONMENT])
    #: URL of the OAuth token endpoint.
    TOKEN_URL = Setting(_text, lambda: TOKEN_URLS[conf.ENVIRONMENT])
    #: Hosts that the browser may be sent to for the capture. A leading dot includes subdomains;
    #: `host:port` allows plain HTTP, with DEBUG only.
    CAPTURE_HOSTS = Setting(_texts, PROVIDER_HOSTS)
    #: Hosts that captured faces may be fetched from, for staff; the same rules.
    ASSET_HOSTS = Setting(_texts, PROVIDER_HOSTS)
    #: TLS client certificate: path of a PEM file, or `(certificate, key)`.
    CLIENT_CERTIFICATE = Setting(_certificate)
    #: Seconds to wait for a connection and for a response.
    TIMEOUT = Setting(_timeout, (3, 10))

    # Webhooks

    #: Keys that may sign webhooks (a list of `str` or callables, or a callable).
    WEBHOOK_SECRET_KEYS = Setting(_webhook_keys, ())
    #: The `Authorization` header that webhooks must also send.
    WEBHOOK_AUTHORIZATION_KEY = Setting(_secret)
    #: Networks that webhooks must come from, in addition to the signature (default: any).
    WEBHOOK_NETWORKS = Setting(_networks, ())
    #: Number of proxies of the site that append to `X-Forwarded-For`.
    TRUSTED_PROXIES = Setting(_whole_number, 0)

    # Background work

    #: Whether Celery processes webhook events.
    CELERY = Setting(_switch, False)
    #: Most API calls a second to the provider by all processes together.
    POLL_RATE = Setting(_rate, 20)

    # Durations

    #: How long a captured face counts.
    MAX_AGE = Setting(_duration, 300)
    #: Time from the start of an attempt to the end of its capture.
    CAPTURE_WINDOW = Setting(_duration, 600)
    #: Whether staff of the provider decide about faces.
    SLOW_REVIEW = Setting(_switch, False)
    #: How long rows are kept. Keys that are not given keep their defaults.
    RETENTION = Setting(_retention, {})

    # Rate limits

    #: How many attempts may be started. Keys that are not given keep their defaults; None, an
    #: empty list or an empty string lifts a limit.
    RATE_LIMITS = Setting(_rate_limits, {})

    # API

    #: Authentication context class of a face check.
    ACR = Setting(_text_like(ACR, "must be printable, without quotes or spaces."), "face")
    #: Path of the callable that names the credential of an API request.
    CREDENTIAL = Setting(_callable, "")
    #: Complete URLs that clients may have the browser sent to.
    REDIRECT_ALLOWLIST = Setting(_redirects, ())

    # Impersonation and review

    #: Session keys that mark a session in which staff act as the user.
    IMPERSONATION_KEYS = Setting(_texts, ())
    #: URL of an authentication in the provider's dashboard, with `{id}` in it.
    DASHBOARD_URL = Setting(_dashboard_url, "")
    #: Path of the callable that reduces the provider's data before it is stored.
    SCRUB = Setting(_callable, "")

    # Pages and mails

    #: URL name or path of the page for users who cannot show their face.
    FALLBACK = Setting(_text, "")
    #: Version of the text that users agree to before their first attempt. Empty means that the
    #: site takes consent elsewhere.
    CONSENT_VERSION = Setting(
        _text_like(VERSION, "must be at most 64 letters, digits and . _ : / + -"), ""
    )
    #: Whether users are mailed when their face opened a gate.
    NOTICES = Setting(_switch, False)
    #: Root of the site for links in mails, such as `https://bank.example`.
    SITE_URL = Setting(_site_url, "")

    # Simulator

    #: Whether the simulator runs without DEBUG, too.
    SIMULATOR_ENABLED = Setting(_simulator_switch, False)
    #: URL that the simulator sends webhooks to.
    SIMULATOR_WEBHOOK_URL = Setting(_text, "")
    #: How long the simulator checks a face.
    SIMULATOR_CHECK_SECONDS = Setting(_duration, 2)


conf: Final[Conf] = Conf()

_SETTINGS: Final = {name: item for name, item in vars(Conf).items() if isinstance(item, Setting)}
KNOWN: Final = frozenset(_SETTINGS)
SWITCHES: Final = frozenset(name for name, item in _SETTINGS.items() if item.default is False)


def given() -> frozenset[str]:
    """Return the names of the `FACEAUTH_*` settings of this site, without the prefix."""
    names = (name.removeprefix(PREFIX) for name in dir(settings) if name.startswith(PREFIX))
    return frozenset(names) - {"BEAT_SCHEDULE"}  # which settings modules import from here


def misread() -> frozenset[str]:
    """Return the switches that are not `bool`, and so are off."""
    return frozenset(
        name for name in SWITCHES if not isinstance(getattr(settings, PREFIX + name, False), bool)
    )
