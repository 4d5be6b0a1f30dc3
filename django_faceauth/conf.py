"""Read and validate the settings of this package.

Each property of `conf` is the setting `FACEAUTH_<name>`, read at access so that
`override_settings` works. Malformed values raise `ConfigurationError`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, Final, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.module_loading import import_string

from django_faceauth.durations import Limit, as_duration, as_limit, as_period
from django_faceauth.exceptions import ConfigurationError
from django_faceauth.secret import Secret

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


class Conf:
    """Typed access to the settings of this package."""

    # -- account at the provider

    @property
    def SECRET_KEY(self) -> Secret | None:
        """Secret API key (`str` or a callable that returns one)."""
        return _secret("SECRET_KEY")

    @property
    def OAUTH_CLIENT_ID(self) -> str:
        """Client id for OAuth client credentials, instead of a secret key (`str`)."""
        return _text("OAUTH_CLIENT_ID")

    @property
    def OAUTH_CLIENT_SECRET(self) -> Secret | None:
        """Client secret for OAuth client credentials (`str` or a callable)."""
        return _secret("OAUTH_CLIENT_SECRET")

    @property
    def USER_JOURNEY_ID(self) -> str:
        """Id of the user journey (`usj_…`) that configures the service (`str`)."""
        return _text("USER_JOURNEY_ID")

    # -- hosts

    @property
    def ENVIRONMENT(self) -> str:
        """`"sandbox"` (default) or `"live"`."""
        name = _text("ENVIRONMENT", SANDBOX)
        if name not in BASE_URLS:
            raise ConfigurationError(f"{PREFIX}ENVIRONMENT must be one of {', '.join(BASE_URLS)}.")
        return name

    @property
    def BASE_URL(self) -> str:
        """Root of the provider's API, without a trailing slash (`str`)."""
        return _text("BASE_URL", BASE_URLS[self.ENVIRONMENT]).rstrip("/")

    @property
    def TOKEN_URL(self) -> str:
        """URL of the OAuth token endpoint (`str`)."""
        return _text("TOKEN_URL", TOKEN_URLS[self.ENVIRONMENT])

    @property
    def CAPTURE_HOSTS(self) -> tuple[str, ...]:
        """Hosts that the browser may be sent to for the capture (`list[str]`).

        A leading dot includes subdomains. `host:port` allows plain HTTP, with DEBUG only.
        """
        return _texts("CAPTURE_HOSTS", PROVIDER_HOSTS)

    @property
    def ASSET_HOSTS(self) -> tuple[str, ...]:
        """Hosts that captured faces may be fetched from, for staff (`list[str]`).

        The rules are those of `CAPTURE_HOSTS`.
        """
        return _texts("ASSET_HOSTS", PROVIDER_HOSTS)

    @property
    def CLIENT_CERTIFICATE(self) -> str | tuple[str, str] | None:
        """TLS client certificate: path of a PEM file, or `(certificate, key)`."""
        value = _read("CLIENT_CERTIFICATE", None)
        if value is None or isinstance(value, str):
            return value
        paths = _texts("CLIENT_CERTIFICATE", ())
        if len(paths) != 2:
            raise ConfigurationError(f"{PREFIX}CLIENT_CERTIFICATE must be one path or two.")
        return paths[0], paths[1]

    @property
    def TIMEOUT(self) -> tuple[float, float]:
        """Seconds to wait for a connection and for a response (`(float, float)`)."""
        try:
            connect, read = map(float, _read("TIMEOUT", (3, 10)))
        except (TypeError, ValueError):
            connect = read = 0.0
        if not (connect > 0 and read > 0):
            raise ConfigurationError(f"{PREFIX}TIMEOUT must be a pair of seconds.")
        return connect, read

    # -- webhooks

    @property
    def WEBHOOK_SECRET_KEYS(self) -> tuple[Secret, ...]:
        """Keys that may sign webhooks (`list` of `str` or callables, or a callable)."""
        name = "WEBHOOK_SECRET_KEYS"
        keys = [_as_secret(name, value) or Secret("") for value in _list(name, ())]
        if any(len(key.reveal()) < SHORTEST_WEBHOOK_KEY for key in keys):
            raise ConfigurationError(
                f"{PREFIX}{name} holds a key of less than {SHORTEST_WEBHOOK_KEY} characters."
            )
        return tuple(keys)

    @property
    def WEBHOOK_AUTHORIZATION_KEY(self) -> Secret | None:
        """The `Authorization` header that webhooks must also send (`str` or callable)."""
        return _secret("WEBHOOK_AUTHORIZATION_KEY")

    @property
    def WEBHOOK_NETWORKS(self) -> tuple[Network, ...]:
        """Networks that webhooks must come from, in CIDR notation (`list[str]`, default: any).

        This is required in addition to the signature.
        """
        try:
            return tuple(ip_network(text) for text in _texts("WEBHOOK_NETWORKS", ()))
        except ValueError:
            raise ConfigurationError(
                f"{PREFIX}WEBHOOK_NETWORKS must be a list of IP networks."
            ) from None

    @property
    def TRUSTED_PROXIES(self) -> int:
        """Number of proxies of the site that append to `X-Forwarded-For` (default 0)."""
        value = _read("TRUSTED_PROXIES", 0)
        if type(value) is not int or value < 0:
            raise ConfigurationError(f"{PREFIX}TRUSTED_PROXIES must be a whole number.")
        return value

    # -- background work

    @property
    def CELERY(self) -> bool:
        """Whether Celery processes webhook events (`bool`, default False)."""
        return _read("CELERY", False) is True

    @property
    def POLL_RATE(self) -> float:
        """Most API calls a second to the provider by all processes together (default 20)."""
        value = _read("POLL_RATE", 20)
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            raise ConfigurationError(f"{PREFIX}POLL_RATE must be a number above 0.")
        return float(value)

    # -- durations

    @property
    def MAX_AGE(self) -> timedelta:
        """How long a captured face counts (seconds or `timedelta`, default 300 s)."""
        return _duration("MAX_AGE", 300)

    @property
    def CAPTURE_WINDOW(self) -> timedelta:
        """Time from the start of an attempt to the end of its capture (default 600 s)."""
        return _duration("CAPTURE_WINDOW", 600)

    @property
    def SLOW_REVIEW(self) -> bool:
        """Whether staff of the provider decide about faces (`bool`, default False)."""
        return _read("SLOW_REVIEW", False) is True

    @property
    def RETENTION(self) -> Mapping[str, timedelta | None]:
        """How long rows are kept (`dict` of periods such as `"30d"`, or None for ever).

        Keys that are not given keep their defaults.
        """
        given = _read("RETENTION", {})
        if not isinstance(given, Mapping) or given.keys() - RETENTION.keys():
            names = ", ".join(RETENTION)
            raise ConfigurationError(f"{PREFIX}RETENTION must name some of {names}.")
        texts = {**RETENTION, **given}
        try:
            return {name: None if text is None else as_period(text) for name, text in texts.items()}
        except (TypeError, ValueError):
            raise ConfigurationError(
                f"{PREFIX}RETENTION must hold periods such as 30d, or None."
            ) from None

    # -- rate limits

    @property
    def RATE_LIMITS(self) -> RateLimits:
        """How many attempts may be started (`dict`; keys that are not given keep their defaults).

        None, an empty list or an empty string lifts a limit.
        """
        given = _read("RATE_LIMITS", {})
        if not isinstance(given, Mapping) or given.keys() - RATE_LIMITS.keys():
            names = ", ".join(RATE_LIMITS)
            raise ConfigurationError(f"{PREFIX}RATE_LIMITS must name some of {names}.")
        limits = {**RATE_LIMITS, **given}
        site, lockout = limits["site"], limits["lockout"]
        if not isinstance(lockout, list | tuple | None):
            raise ConfigurationError(
                f'{PREFIX}RATE_LIMITS["lockout"] must be a pair, as (5, "30m").'
            )
        return RateLimits(
            unsuccessful=_limits("unsuccessful", limits["unsuccessful"]),
            unsuccessful_session=_limits("unsuccessful_session", limits["unsuccessful_session"]),
            successful=_limits("successful", limits["successful"]),
            site=None if site in (None, "") else _limit("site", site),
            lockout=_limit("lockout", "/".join(map(str, lockout))) if lockout else None,
        )

    # -- API

    @property
    def ACR(self) -> str:
        """Authentication context class of a face check (`str`, default `"face"`)."""
        name = _text("ACR", "face")
        if not ACR.fullmatch(name):
            raise ConfigurationError(f"{PREFIX}ACR must be printable, without quotes or spaces.")
        return name

    @property
    def CREDENTIAL(self) -> Callable[[Any], str | None] | None:
        """Callable that names the credential of an API request (`str`, a dotted path)."""
        return _callable("CREDENTIAL")

    @property
    def REDIRECT_ALLOWLIST(self) -> tuple[str, ...]:
        """Complete URLs that clients may have the browser sent to (`list[str]`)."""
        urls = _texts("REDIRECT_ALLOWLIST", ())
        if not all(_is_safe_url(url, debug=settings.DEBUG) for url in urls):
            raise ConfigurationError(f"{PREFIX}REDIRECT_ALLOWLIST holds an unsafe URL.")
        return urls

    # -- impersonation

    @property
    def IMPERSONATION_KEYS(self) -> tuple[str, ...]:
        """Session keys that mark a session in which staff act as the user (`list[str]`)."""
        return _texts("IMPERSONATION_KEYS", ())

    # -- review

    @property
    def DASHBOARD_URL(self) -> str:
        """URL of an authentication in the provider's dashboard, with `{id}` in it (`str`)."""
        url = _text("DASHBOARD_URL")
        is_link = url.startswith("https://") and _is_safe_url(url.replace("{id}", ""), debug=False)
        if url and not (is_link and "{id}" in url):
            raise ConfigurationError(f"{PREFIX}DASHBOARD_URL must be https://… with {{id}} in it.")
        return url

    @property
    def SCRUB(self) -> Callable[..., Any] | None:
        """Callable that reduces the provider's data before it is stored (`str`, a dotted path)."""
        return _callable("SCRUB")

    # -- pages

    @property
    def FALLBACK(self) -> str:
        """URL name or path of the page for users who cannot show their face (`str`)."""
        return _text("FALLBACK")

    @property
    def CONSENT_VERSION(self) -> str:
        """Version of the text that users agree to before their first attempt (`str`).

        Empty, the default, means that the site takes consent elsewhere.
        """
        version = _text("CONSENT_VERSION")
        if not VERSION.fullmatch(version):
            raise ConfigurationError(
                f"{PREFIX}CONSENT_VERSION must be at most 64 letters, digits and . _ : / + -"
            )
        return version

    @property
    def NOTICES(self) -> bool:
        """Whether users are mailed when their face opened a gate (`bool`, default False)."""
        return _read("NOTICES", False) is True

    @property
    def SITE_URL(self) -> str:
        """Root of the site for links in mails, such as `https://bank.example` (`str`)."""
        url = _text("SITE_URL").rstrip("/")
        parts = urlsplit(url)
        is_known = (
            parts.scheme in {"https", "http" if settings.DEBUG else "https"} and parts.hostname
        )
        if url and not is_known:
            raise ConfigurationError(f"{PREFIX}SITE_URL must begin with https:// and a host.")
        return url

    # -- simulator

    @property
    def SIMULATOR_ENABLED(self) -> bool:
        """Whether the simulator runs without DEBUG, too (`bool`, default False)."""
        return settings.DEBUG or _read("SIMULATOR_ENABLED", False) is True

    @property
    def SIMULATOR_WEBHOOK_URL(self) -> str:
        """URL that the simulator sends webhooks to (`str`, default: none)."""
        return _text("SIMULATOR_WEBHOOK_URL")

    @property
    def SIMULATOR_CHECK_SECONDS(self) -> timedelta:
        """How long the simulator checks a face (seconds or `timedelta`, default 2 s)."""
        return _duration("SIMULATOR_CHECK_SECONDS", 2)


conf = Conf()

KNOWN: Final = frozenset(name for name in vars(Conf) if name.isupper())
#: Only True turns these on: the string "False" would be true.
SWITCHES: Final = frozenset({"CELERY", "NOTICES", "SIMULATOR_ENABLED", "SLOW_REVIEW"})


def given() -> frozenset[str]:
    """Return the names of the `FACEAUTH_*` settings of this site, without the prefix."""
    names = (name.removeprefix(PREFIX) for name in dir(settings) if name.startswith(PREFIX))
    return frozenset(names) - {"BEAT_SCHEDULE"}  # which settings modules import from here


def misread() -> frozenset[str]:
    """Return the switches that are not `bool`, and so are off."""
    return frozenset(name for name in SWITCHES if not isinstance(_read(name, False), bool))


def _read(name: str, default: object) -> Any:
    return getattr(settings, PREFIX + name, default)


def _text(name: str, default: str = "") -> str:
    value = _read(name, default)
    if not isinstance(value, str):
        raise ConfigurationError(f"{PREFIX}{name} must be a string.")
    return value


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


def _callable(name: str) -> Callable[..., Any] | None:
    path = _text(name)
    if not path:
        return None
    try:
        found = import_string(path)
    except ImportError:
        raise ConfigurationError(f"{PREFIX}{name} cannot be imported.") from None
    if not callable(found):
        raise ConfigurationError(f"{PREFIX}{name} must be the path of a callable.")
    return cast(Callable[..., Any], found)


def _texts(name: str, default: tuple[str, ...]) -> tuple[str, ...]:
    values = _list(name, default)
    if not all(isinstance(text, str) for text in values):
        raise ConfigurationError(f"{PREFIX}{name} must be a list of strings.")
    return values


def _list(name: str, default: tuple[Any, ...]) -> tuple[Any, ...]:
    value = _read(name, default)
    values = _called(name, value) if callable(value) else value
    # A string is a sequence of strings, too: "example.com" must not become eleven hosts.
    if not isinstance(values, list | tuple):
        raise ConfigurationError(f"{PREFIX}{name} must be a list.")
    return tuple(values)


def _limits(name: str, texts: Any) -> tuple[Limit, ...]:
    if not isinstance(texts, list | tuple | None):
        raise ConfigurationError(f'{PREFIX}RATE_LIMITS["{name}"] must be a list, as ["3/10m"].')
    return tuple(_limit(name, text) for text in texts or ())


def _limit(name: str, text: object) -> Limit:
    try:
        return as_limit(cast(str, text))
    except (TypeError, ValueError):
        raise ConfigurationError(
            f'{PREFIX}RATE_LIMITS["{name}"] must hold limits such as 3/10m.'
        ) from None


def _secret(name: str) -> Secret | None:
    return _as_secret(name, _read(name, None))


def _as_secret(name: str, value: str | Callable[[], str] | None) -> Secret | None:
    text = _called(name, value) if callable(value) else value
    if not isinstance(text, str | None):
        raise ConfigurationError(f"{PREFIX}{name} must be a string or a callable.")
    return Secret(text.strip()) if text and text.strip() else None  # files end in a newline


def _called(name: str, value: Callable[[], Any]) -> Any:
    try:
        return value()
    except Exception as error:
        # The error of a vault may hold its secrets.
        raise ConfigurationError(f"{PREFIX}{name} failed: {type(error).__name__}.") from None


def _duration(name: str, default: float) -> timedelta:
    value = _read(name, default)
    try:
        duration = as_duration(value)
    except (TypeError, ValueError, OverflowError):
        raise ConfigurationError(f"{PREFIX}{name} must be seconds or a timedelta.") from None
    if duration < timedelta(0):
        raise ConfigurationError(f"{PREFIX}{name} must not be negative.")
    return duration
