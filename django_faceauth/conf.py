"""Read and validate the settings of this package.

`Conf` lists them: `conf.<name>` is `FACEAUTH_<name>`, read at access so that
`override_settings` works. Malformed values raise `ConfigurationError`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, Generic, TypeVar

from django.conf import settings

from django_faceauth import setting_parsers as parsers
from django_faceauth.exceptions import ConfigurationError
from django_faceauth.setting_parsers import InvalidValue

T = TypeVar("T")

PREFIX: Final = "FACEAUTH_"

#: One value in a quoted header parameter (RFC 9470, section 3).
ACR: Final = r"[!#-\[\]-~]+"

VERSION: Final = r"[A-Za-z0-9._:/+-]{0,64}"

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
    "enrolment": ["2/d", "5/30d"],
}

#: What follows when a face was captured in another network than that of the session.
IGNORE: Final = "ignore"
FLAG: Final = "flag"
DENY: Final = "deny"
NETWORK_POLICIES: Final = (IGNORE, FLAG, DENY)

#: Ways of recognising a user without a face.
PASSKEY: Final = "passkey"
TOTP: Final = "totp"
RECOVERY_CODE: Final = "recovery_code"

OFF: Final = "off"
OFFER: Final = "offer"

SANDBOX: Final = "sandbox"
LIVE: Final = "live"

PROVIDER_HOSTS: Final = (".checkout.com", ".ubble.ai")

# Source: the provider's API reference, "hosts".
BASE_URLS: Final = {
    SANDBOX: "https://identity-verification.sandbox.checkout.com",
    LIVE: "https://identity-verification.checkout.com",
}
WORKFLOWS_URLS: Final = {
    SANDBOX: "https://api.sandbox.checkout.com",
    LIVE: "https://api.checkout.com",
}
TOKEN_URLS: Final = {
    SANDBOX: "https://access.sandbox.checkout.com/connect/token",
    LIVE: "https://access.checkout.com/connect/token",
}


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


class Conf:
    """Typed access to the settings of this package; the reference explains them."""

    __slots__ = ()

    # Account at the provider

    #: Secret API key (`str` or a callable that returns one).
    SECRET_KEY = Setting(parsers.secret)
    #: Client id and secret (`str` or a callable) for OAuth, instead of a secret key.
    OAUTH_CLIENT_ID = Setting(parsers.string, "")
    OAUTH_CLIENT_SECRET = Setting(parsers.secret)
    #: Id of the user journey (`usj_…`) that configures the service.
    USER_JOURNEY_ID = Setting(parsers.string, "")

    # Hosts

    #: `"sandbox"` or `"live"`.
    ENVIRONMENT = Setting(parsers.one_of(BASE_URLS), SANDBOX)
    #: Root of the provider's API, without a trailing slash.
    BASE_URL = Setting(parsers.root_url, lambda: BASE_URLS[conf.ENVIRONMENT])
    #: Root of the provider's workflows API, which sends the webhooks.
    WORKFLOWS_URL = Setting(parsers.root_url, lambda: _workflows_url())
    #: URL of the OAuth token endpoint.
    TOKEN_URL = Setting(parsers.string, lambda: TOKEN_URLS[conf.ENVIRONMENT])
    #: Hosts that the browser may be sent to for the capture. A leading dot includes subdomains;
    #: `host:port` allows plain HTTP, with DEBUG only.
    CAPTURE_HOSTS = Setting(parsers.strings, PROVIDER_HOSTS)
    #: Hosts that captured faces may be fetched from, for staff; the same rules.
    ASSET_HOSTS = Setting(parsers.strings, PROVIDER_HOSTS)
    #: TLS client certificate: path of a PEM file, or `(certificate, key)`.
    CLIENT_CERTIFICATE = Setting(parsers.certificate)
    #: Seconds to wait for a connection and for a response.
    TIMEOUT = Setting(parsers.timeout, (3, 10))

    # Webhooks

    #: Keys that may sign webhooks (a list of `str` or callables, or a callable).
    WEBHOOK_SECRET_KEYS = Setting(parsers.webhook_keys, ())
    #: The `Authorization` header that webhooks must also send.
    WEBHOOK_AUTHORIZATION_KEY = Setting(parsers.secret)
    #: Number of proxies of the site that append to `X-Forwarded-For`.
    TRUSTED_PROXIES = Setting(parsers.whole_number, 0)

    # Background work

    #: `"request"`, `"celery"` or `"tasks"`: what processes webhook events and sends mails.
    RUNNER = Setting(parsers.one_of(("request", "celery", "tasks")), "request")
    #: Most API calls a second to the provider by all processes together.
    POLL_RATE = Setting(parsers.rate, 20)

    # Gates

    #: `"ignore"`, `"flag"` or `"deny"` a face that was captured in another network than that of
    #: the session.
    NETWORK_POLICY = Setting(parsers.one_of(NETWORK_POLICIES), FLAG)
    #: Some of `"passkey"`, `"totp"` and `"recovery_code"`: what users may take instead of a face.
    SECOND_WAYS = Setting(parsers.some_of((PASSKEY, TOTP, RECOVERY_CODE)), ())

    # Durations

    #: How long a captured face counts.
    MAX_AGE = Setting(parsers.duration, 300)
    #: Time from the start of an attempt to the end of its capture.
    CAPTURE_WINDOW = Setting(parsers.duration, 600)
    #: Whether staff of the provider decide about faces.
    SLOW_REVIEW = Setting(parsers.switch, False)
    #: How long rows are kept. Keys that are not given keep their defaults.
    RETENTION = Setting(partial(parsers.retention, RETENTION), {})

    # Rate limits

    #: How many attempts may be started. Keys that are not given keep their defaults; None, an
    #: empty list or an empty string lifts a limit.
    RATE_LIMITS = Setting(partial(parsers.rate_limits, RATE_LIMITS), {})

    # Enrolment

    #: `"off"`, or `"offer"`: users without an applicant may enrol themselves.
    ENROLMENT = Setting(parsers.one_of((OFF, OFFER)), OFF)
    #: Id of the user journey (`usj_…`) of identity verifications.
    ENROLMENT_JOURNEY_ID = Setting(parsers.string, "")
    #: Callable, or its path, that is given a user and returns `{"name": …, "birth_date"?: …}` from
    #: the site's records, or None when this user may not enrol.
    ENROLMENT_DATA = Setting(parsers.callable_or_path, "")
    #: How long a face enrolled by this package opens nothing.
    ENROLMENT_COOL_OFF = Setting(parsers.duration, 86_400)
    #: Whether erasing a user also anonymizes their applicant and identity verifications.
    ERASE_APPLICANT = Setting(parsers.switch, False)
    #: Callable, or its path, that is given a request, or None in a worker, and a user, and returns
    #: some of `"language"`, `"country"` and `"phone_number"` for the capture page.
    CAPTURE_OPTIONS = Setting(parsers.callable_or_path, "")

    # API

    #: Authentication context class of a face check.
    ACR = Setting(parsers.string_like(ACR, "must be printable, without quotes or spaces."), "face")
    #: Path of the callable that names the credential of an API request.
    CREDENTIAL = Setting(parsers.callable_at, "")
    #: Complete URLs that clients may have the browser sent to.
    REDIRECT_ALLOWLIST = Setting(parsers.redirects, ())

    # Impersonation and review

    #: Session keys that mark a session in which staff act as the user.
    IMPERSONATION_KEYS = Setting(parsers.strings, ())
    #: URL of an authentication in the provider's dashboard, with `{id}` in it.
    DASHBOARD_URL = Setting(parsers.dashboard_url, "")
    #: Path of the callable that reduces the provider's data before it is stored.
    SCRUB = Setting(parsers.callable_at, "")

    # Pages and mails

    #: URL name or path of the page for users who cannot show their face.
    FALLBACK = Setting(parsers.string, "")
    #: Version of the text that users agree to before their first attempt. Empty means that the
    #: site takes consent elsewhere.
    CONSENT_VERSION = Setting(
        parsers.string_like(VERSION, "must be at most 64 letters, digits and . _ : / + -"), ""
    )
    #: Whether users are mailed when their face opened a gate.
    NOTICES = Setting(parsers.switch, False)
    #: Root of the site for links in mails, such as `https://bank.example`.
    SITE_URL = Setting(parsers.site_url, "")

    # Simulator

    #: Whether the simulator runs without DEBUG, too.
    SIMULATOR_ENABLED = Setting(lambda value: settings.DEBUG or parsers.switch(value), False)
    #: URL that the simulator sends webhooks to.
    SIMULATOR_WEBHOOK_URL = Setting(parsers.string, "")
    #: How long the simulator checks a face.
    SIMULATOR_CHECK_SECONDS = Setting(parsers.duration, 2)


conf: Final[Conf] = Conf()


def _workflows_url() -> str:
    # Only the default hosts are for identities alone: that of an account and that of a
    # simulator serve both APIs.
    is_default = BASE_URLS[conf.ENVIRONMENT] == conf.BASE_URL
    return WORKFLOWS_URLS[conf.ENVIRONMENT] if is_default else conf.BASE_URL


_SETTINGS: Final = {name: item for name, item in vars(Conf).items() if isinstance(item, Setting)}
KNOWN: Final = frozenset(_SETTINGS)
SWITCHES: Final = frozenset(name for name, item in _SETTINGS.items() if item.default is False)


def given() -> frozenset[str]:
    """Return the names of the `FACEAUTH_*` settings of this site, without the prefix."""
    names = (name.removeprefix(PREFIX) for name in dir(settings) if name.startswith(PREFIX))
    return frozenset(names) - {"BEAT_SCHEDULE"}  # which settings modules import from here
