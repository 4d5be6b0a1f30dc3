"""The only reader of settings. Each property is the setting `FACEAUTH_<name>`.

Values are read at access, so `override_settings` just works, and leave here as typed
values; what cannot be used raises `ConfigurationError`.
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

#: What fits into one quoted value of a header, and is one value there (RFC 9470, section 3).
ACR: Final = re.compile(r"[!#-\[\]-~]+", re.ASCII)

#: What an address is made of (RFC 3986, section 2), without the apostrophe: it is quoted in pages.
ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!#-&(-;=?-\[\]_a-z~]+", re.ASCII)

#: Nothing that a browser would run, show by itself, or read from its own disk.
UNSAFE_SCHEMES: Final = frozenset(
    {"about", "blob", "data", "file", "filesystem", "javascript", "vbscript", "view-source"}
)

#: What fits into a column, into a form and into a log as it is.
VERSION: Final = re.compile(r"[A-Za-z0-9._:/+-]{0,64}")

#: Shorter keys could be guessed (W-04).
SHORTEST_WEBHOOK_KEY: Final = 32

#: How long what is kept (V-06); None is for ever.
RETENTION: Final[Mapping[str, str | None]] = {
    "events": "30d",
    "tombstones": "400d",
    "flows": "90d",
    "limits": "90d",
    "consents": "1096d",  # three years, one of them a leap year
    "audit": None,
}

#: How often people may try (R-01, R-02, R-03). One session has fewer unsuccessful starts a day
#: than its user, so that a thief in one session leaves the others something (R-05).
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
    """What `FACEAUTH_RATE_LIMITS` says; the settings reference tells what each one limits."""

    unsuccessful: tuple[Limit, ...]
    unsuccessful_session: tuple[Limit, ...]
    successful: tuple[Limit, ...]
    site: Limit | None
    lockout: Limit | None


class Conf:
    """Typed access to the settings of this package."""

    # -- who we are at the provider

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

    # -- where the provider is

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
        """Address that gives OAuth tokens (`str`)."""
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
        """Seconds to wait for a connection and for an answer (`(float, float)`)."""
        try:
            connect, read = map(float, _read("TIMEOUT", (3, 10)))
        except (TypeError, ValueError):
            connect = read = 0.0
        if not (connect > 0 and read > 0):
            raise ConfigurationError(f"{PREFIX}TIMEOUT must be a pair of seconds.")
        return connect, read

    # -- what the provider tells us

    @property
    def WEBHOOK_SECRET_KEYS(self) -> tuple[Secret, ...]:
        """Keys that sign webhooks, each good (`list` of `str` or callables, default none).

        A callable in place of the list may return the whole list.
        """
        name = "WEBHOOK_SECRET_KEYS"
        keys = [_as_secret(name, value) or Secret("") for value in _list(name, ())]
        if any(len(key.reveal()) < SHORTEST_WEBHOOK_KEY for key in keys):
            raise ConfigurationError(
                f"{PREFIX}{name} holds a key of less than {SHORTEST_WEBHOOK_KEY} characters."
            )
        return tuple(keys)

    @property
    def WEBHOOK_AUTHORIZATION_KEY(self) -> Secret | None:
        """The `Authorization` header that webhooks must bring besides (`str` or callable)."""
        return _secret("WEBHOOK_AUTHORIZATION_KEY")

    @property
    def WEBHOOK_NETWORKS(self) -> tuple[Network, ...]:
        """Networks that webhooks must come from (`list[str]` or callable, default: any).

        In the notation `192.0.2.0/24`. On top of the signature, never in its place.
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

    # -- how work is done

    @property
    def CELERY(self) -> bool:
        """Whether Celery does what follows a webhook (`bool`, default False)."""
        return _read("CELERY", False) is True

    @property
    def POLL_RATE(self) -> float:
        """Most questions a second to the provider, of all processes together (default 20)."""
        value = _read("POLL_RATE", 20)
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            raise ConfigurationError(f"{PREFIX}POLL_RATE must be a number above 0.")
        return float(value)

    # -- how long things last

    @property
    def MAX_AGE(self) -> timedelta:
        """How long a shown face counts (seconds or `timedelta`, default 300 s)."""
        return _duration("MAX_AGE", 300)

    @property
    def CAPTURE_WINDOW(self) -> timedelta:
        """Time from the start of an attempt to the end of its capture (default 600 s)."""
        return _duration("CAPTURE_WINDOW", 600)

    @property
    def SLOW_REVIEW(self) -> bool:
        """Whether people decide at the provider, not machines (`bool`, default False)."""
        return _read("SLOW_REVIEW", False) is True

    @property
    def RETENTION(self) -> Mapping[str, timedelta | None]:
        """How long things are kept after their end (`dict` of text such as `"30d"`, or None).

        None is for ever. What is not named keeps its default.
        """
        given = _read("RETENTION", {})
        if not isinstance(given, Mapping) or given.keys() - RETENTION.keys():
            names = ", ".join(RETENTION)
            raise ConfigurationError(f"{PREFIX}RETENTION must name some of {names}.")
        texts = {**RETENTION, **given}
        return {name: _as_period("RETENTION", text) for name, text in texts.items()}

    # -- how often people may try

    @property
    def RATE_LIMITS(self) -> RateLimits:
        """How many attempts may be started (`dict`; what is not named keeps its default).

        None, an empty list and an empty text are no limit.
        """
        given = _read("RATE_LIMITS", {})
        if not isinstance(given, Mapping) or given.keys() - RATE_LIMITS.keys():
            names = ", ".join(RATE_LIMITS)
            raise ConfigurationError(f"{PREFIX}RATE_LIMITS must name some of {names}.")
        limits = {**RATE_LIMITS, **given}
        return RateLimits(
            unsuccessful=_limits("unsuccessful", limits),
            unsuccessful_session=_limits("unsuccessful_session", limits),
            successful=_limits("successful", limits),
            site=_limit("site", limits),
            lockout=_lockout("lockout", limits),
        )

    # -- what programs are told

    @property
    def ACR(self) -> str:
        """What a face check is called as an authentication context (`str`, default `"face"`)."""
        name = _text("ACR", "face")
        if not ACR.fullmatch(name):
            raise ConfigurationError(f"{PREFIX}ACR must be printable, without quotes or spaces.")
        return name

    @property
    def CREDENTIAL(self) -> Callable[[Any], str | None] | None:
        """What names the credential of a request without a session (path of a callable).

        It is given the request of Django REST framework.
        """
        return _callable("CREDENTIAL")

    @property
    def REDIRECT_ALLOWLIST(self) -> tuple[str, ...]:
        """Addresses that programs may have the browser sent to, as a whole (`list[str]`)."""
        urls = _texts("REDIRECT_ALLOWLIST", ())
        if not all(_is_address(url, debug=settings.DEBUG) for url in urls):
            raise ConfigurationError(f"{PREFIX}REDIRECT_ALLOWLIST holds what is no safe address.")
        return urls

    # -- staff who act as another user

    @property
    def IMPERSONATION_KEYS(self) -> tuple[str, ...]:
        """Keys that a session has while staff act as its user (`list[str]`)."""
        return _texts("IMPERSONATION_KEYS", ())

    # -- the review desk

    @property
    def DASHBOARD_URL(self) -> str:
        """Where staff look at an authentication at the provider, with `{id}` in it (`str`)."""
        url = _text("DASHBOARD_URL")
        is_link = url.startswith("https://") and _is_address(url.replace("{id}", ""), debug=False)
        if url and not (is_link and "{id}" in url):
            raise ConfigurationError(f"{PREFIX}DASHBOARD_URL must be https://… with {{id}} in it.")
        return url

    # -- what is kept

    @property
    def SCRUB(self) -> Callable[..., Any] | None:
        """What keeps less of what the provider says (path of a callable, default: nothing)."""
        return _callable("SCRUB")

    # -- people who cannot pass

    @property
    def FALLBACK(self) -> str:
        """URL name or path of the page for people who cannot show their face (`str`)."""
        return _text("FALLBACK")

    # -- what people agree to

    @property
    def CONSENT_VERSION(self) -> str:
        """Version of the text that people agree to before their first attempt (`str`).

        Empty, the default, means that the site takes consent elsewhere.
        """
        version = _text("CONSENT_VERSION")
        if not VERSION.fullmatch(version):
            raise ConfigurationError(
                f"{PREFIX}CONSENT_VERSION must be at most 64 letters, digits and . _ : / + -"
            )
        return version

    # -- what users are told

    @property
    def NOTICES(self) -> bool:
        """Whether users are mailed when their face opened a gate (`bool`, default False)."""
        return _read("NOTICES", False) is True

    @property
    def SITE_URL(self) -> str:
        """Where the site is, for links in mails: `https://bank.example` (`str`)."""
        url = _text("SITE_URL").rstrip("/")
        parts = urlsplit(url)
        is_known = (
            parts.scheme in {"https", "http" if settings.DEBUG else "https"} and parts.hostname
        )
        if url and not is_known:
            raise ConfigurationError(f"{PREFIX}SITE_URL must begin with https:// and a host.")
        return url

    # -- the simulator

    @property
    def SIMULATOR_ENABLED(self) -> bool:
        """Whether the simulator answers: in DEBUG, or when this is True (`bool`, default False)."""
        return settings.DEBUG or _read("SIMULATOR_ENABLED", False) is True

    @property
    def SIMULATOR_WEBHOOK_URL(self) -> str:
        """Address that the simulator sends webhooks to (`str`, default: nowhere)."""
        return _text("SIMULATOR_WEBHOOK_URL")

    @property
    def SIMULATOR_CHECK_SECONDS(self) -> timedelta:
        """How long the simulator compares faces (seconds or `timedelta`, default 2 s)."""
        return _duration("SIMULATOR_CHECK_SECONDS", 2)


conf = Conf()

KNOWN: Final = frozenset(name for name in vars(Conf) if name.isupper())


#: What settings modules import from `django_faceauth.beat` is no setting, and no misspelt one.
IMPORTED: Final = frozenset({"BEAT_SCHEDULE"})


def given() -> frozenset[str]:
    """Return the `FACEAUTH_*` settings of this site, without the prefix."""
    names = (name.removeprefix(PREFIX) for name in dir(settings) if name.startswith(PREFIX))
    return frozenset(names) - IMPORTED


#: Of these only True itself is a yes: the text "False" would be one else.
SWITCHES: Final = frozenset({"CELERY", "NOTICES", "SIMULATOR_ENABLED", "SLOW_REVIEW"})


def misread() -> frozenset[str]:
    """Return the switches of this site that are neither on nor off, and so are off."""
    return frozenset(name for name in SWITCHES if not isinstance(_read(name, False), bool))


def _read(name: str, default: object) -> Any:
    return getattr(settings, PREFIX + name, default)


def _text(name: str, default: str = "") -> str:
    value = _read(name, default)
    if not isinstance(value, str):
        raise ConfigurationError(f"{PREFIX}{name} must be a string.")
    return value


def _is_address(url: str, *, debug: bool) -> bool:
    """Tell whether a browser may be sent to `url`: a page over HTTPS, or an app by its scheme."""
    try:
        parts = urlsplit(url)
    except ValueError:  # such as an IPv6 address without its end
        return False
    if not ADDRESS.fullmatch(url) or parts.scheme in UNSAFE_SCHEMES:
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
        raise ConfigurationError(f"{PREFIX}{name} names what cannot be imported.") from None
    if not callable(found):
        raise ConfigurationError(f"{PREFIX}{name} names what cannot be called.")
    return cast(Callable[..., Any], found)


def _texts(name: str, default: tuple[str, ...]) -> tuple[str, ...]:
    values = _list(name, default)
    if not all(isinstance(text, str) for text in values):
        raise ConfigurationError(f"{PREFIX}{name} must be a list of strings.")
    return values


def _list(name: str, default: tuple[Any, ...]) -> tuple[Any, ...]:
    value = _read(name, default)
    values = _called(name, value) if callable(value) else value
    # A string is a sequence of strings too: "example.com" must not become eleven hosts.
    if not isinstance(values, list | tuple):
        raise ConfigurationError(f"{PREFIX}{name} must be a list.")
    return tuple(values)


def _limits(name: str, limits: Mapping[str, Any]) -> tuple[Limit, ...]:
    texts = [] if limits[name] is None else limits[name]
    # A string is a sequence of strings too.
    if not isinstance(texts, list | tuple):
        raise ConfigurationError(f'{PREFIX}RATE_LIMITS["{name}"] must be a list, as ["3/10m"].')
    return tuple(_as_limit(name, text) for text in texts)


def _limit(name: str, limits: Mapping[str, Any]) -> Limit | None:
    text = limits[name]
    return None if text is None or text == "" else _as_limit(name, text)


def _lockout(name: str, limits: Mapping[str, Any]) -> Limit | None:
    value = limits[name]
    if value is None or value in ([], ()):
        return None
    if not isinstance(value, list | tuple):
        raise ConfigurationError(f'{PREFIX}RATE_LIMITS["{name}"] must be a pair, as (5, "30m").')
    return _as_limit(name, "/".join(map(str, value)))


def _as_limit(name: str, text: object) -> Limit:
    try:
        return as_limit(cast(str, text))
    except (TypeError, ValueError):
        raise ConfigurationError(
            f'{PREFIX}RATE_LIMITS["{name}"] must hold limits such as 3/10m.'
        ) from None


def _as_period(name: str, value: object) -> timedelta | None:
    try:
        return None if value is None else as_period(cast(str, value))
    except (TypeError, ValueError):
        raise ConfigurationError(f"{PREFIX}{name} holds what is no period, such as 30d.") from None


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
        # A vault may be away; what its error says is not ours to show.
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
