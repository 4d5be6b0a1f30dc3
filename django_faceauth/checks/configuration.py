"""Checks of settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning

from django_faceauth import runner
from django_faceauth.conf import KNOWN, LIVE, OFFER, PREFIX, SWITCHES, conf, given
from django_faceauth.exceptions import ConfigurationError
from django_faceauth.identifiers import Prefix, is_id
from django_faceauth.provider.url_validation import is_api_url
from django_faceauth.services.privacy.retention import REDELIVERY
from django_faceauth.services.second_ways import registry

TAG: Final = "faceauth"

#: How keys of the sandbox begin (the provider's documentation, "authentication").
SANDBOX_KEY: Final = "sk_sbox_"
#: How many reads a second an account has (the provider's documentation, "rate limits").
MOST_A_SECOND: Final = 100

#: What a site installs for each second way.
NEEDED: Final = {
    "passkey": 'allauth.mfa (with "webauthn" in MFA_SUPPORTED_TYPES)',
    "totp": "allauth.mfa or django_otp.plugins.otp_totp",
    "recovery_code": "allauth.mfa or django_otp.plugins.otp_static",
}

#: The text and the hint of each problem that a check finds.
Findings = Iterator[tuple[str, str]]


def check(
    name: str, *, deploy: bool = False
) -> Callable[[Callable[[], Findings]], Callable[..., list[CheckMessage]]]:
    """Register a function that yields the errors, or the warnings, with the id `name`."""
    kind = Error if name.startswith("faceauth.E") else CheckWarning

    def decorate(find: Callable[[], Findings]) -> Callable[..., list[CheckMessage]]:
        def run(**_options: Any) -> list[CheckMessage]:
            return [kind(text, hint, id=name) for text, hint in find()]

        return register(run, TAG, deploy=deploy)

    return decorate


def value(name: str) -> Any:
    """Return a setting, or None when it cannot be read: E001 says so already."""
    try:
        return getattr(conf, name)
    except ConfigurationError:
        return None


@check("faceauth.E001")
def check_values() -> Findings:
    """A setting has a value that cannot be used."""
    for name in sorted(KNOWN):
        try:
            getattr(conf, name)
        except ConfigurationError as wrong:
            hint = "The settings reference has the type and the default of each setting."
            yield (str(wrong), hint)
    for name in sorted(SWITCHES):
        if isinstance(getattr(settings, PREFIX + name, False), bool):
            continue
        yield (
            f"{PREFIX}{name} is neither True nor False.",
            "Set it to True or False. A value from the environment is text: convert it, "
            'as in os.environ.get("…") == "1".',
        )
    for name in ("CAPTURE_HOSTS", "ASSET_HOSTS"):
        for host in value(name) or ():
            if not host.strip() or any(character in host for character in "/ @\\*"):
                yield (
                    f"{PREFIX}{name} contains {host!r}, which can never match a host.",
                    'Write "example.com", ".example.com" for its subdomains, or "host:port" '
                    "with DEBUG: no scheme, no path, no wildcard.",
                )
    if value("MAX_AGE") == timedelta(0):
        yield (
            f"{PREFIX}MAX_AGE must be more than 0: no gate ever opens.",
            "Set a number of seconds, or leave it unset for the default of 300.",
        )
    rate = value("POLL_RATE")
    if rate is not None and rate >= MOST_A_SECOND:
        yield (
            f"{PREFIX}POLL_RATE must be less than {MOST_A_SECOND} requests a second.",
            "Leave it unset for the default of 20: the provider answers the whole account "
            f"{MOST_A_SECOND} times a second, payments included.",
        )
    kept = (value("RETENTION") or {}).get("tombstones")
    if kept is not None and kept < REDELIVERY:
        yield (
            f"{PREFIX}RETENTION deletes events that the provider may still send again.",
            "Leave tombstones out for the default, or keep them for at least "
            f"{REDELIVERY}: the provider resends for 30 hours.",
        )
    try:
        if value("RUNNER"):
            runner.tasks()
    except Exception as trouble:  # each backend fails in its own way
        yield (
            f"{PREFIX}RUNNER is {conf.RUNNER}, which cannot be used: {type(trouble).__name__}.",
            "Install django-faceauth[celery], or django-tasks for Django 5.2. For tasks, the "
            "default backend of TASKS must have the default queue.",
        )


@check("faceauth.E002")
def check_names() -> Findings:
    """A setting has a name that nothing reads."""
    for name in sorted(given() - KNOWN):
        meant = get_close_matches(name, KNOWN, n=1, cutoff=0.8)
        meant = ["RUNNER"] if name == "CELERY" else meant
        remove = "Remove it. If your own code reads it, rename it or silence this check."
        yield (
            f"Unknown setting {PREFIX}{name}.",
            f"Did you mean {PREFIX}{meant[0]}?" if meant else remove,
        )


@check("faceauth.E003")
def check_credentials() -> Findings:
    """Credentials are missing, ambiguous, or of the other environment."""
    key = value("SECRET_KEY")
    oauth = [value("OAUTH_CLIENT_ID"), value("OAUTH_CLIENT_SECRET")]
    if key and any(oauth):
        yield (
            f"Both {PREFIX}SECRET_KEY and OAuth credentials are set.",
            "Keep one and remove the other.",
        )
    if not key and not all(oauth):
        yield (
            "There are no credentials for the provider.",
            f"Set {PREFIX}SECRET_KEY, or {PREFIX}OAUTH_CLIENT_ID and {PREFIX}OAUTH_CLIENT_SECRET.",
        )
    if key and key.reveal().startswith(SANDBOX_KEY) and value("ENVIRONMENT") == LIVE:
        yield (
            f"{PREFIX}SECRET_KEY is a sandbox key, and {PREFIX}ENVIRONMENT is live.",
            "Copy the live key from the provider's dashboard, or set "
            f'{PREFIX}ENVIRONMENT = "sandbox".',
        )
    certificate = value("CLIENT_CERTIFICATE") or ()
    for path in (certificate,) if isinstance(certificate, str) else certificate:
        if not Path(path).is_file():
            yield (
                f"{PREFIX}CLIENT_CERTIFICATE names {path}, where there is no file.",
                "Give absolute paths to files that the user of the server process can read.",
            )


@check("faceauth.E004")
def check_user_journey() -> Findings:
    """No valid user journey."""
    if not is_id(value("USER_JOURNEY_ID"), Prefix.USER_JOURNEY):
        yield (
            f"{PREFIX}USER_JOURNEY_ID is not the id of a user journey.",
            "Copy it from the provider's dashboard; it begins with usj_.",
        )


@check("faceauth.E005")
def check_provider_urls() -> Findings:
    """A URL that our credentials must not be sent to."""
    own = {"WORKFLOWS_URL"} & given()  # by default it follows from BASE_URL
    for name in ("BASE_URL", "TOKEN_URL", *own):
        if not is_api_url(value(name) or "", debug=settings.DEBUG):
            yield (
                f"{PREFIX}{name} is not an HTTPS URL of the provider.",
                f"Leave it unset: {PREFIX}ENVIRONMENT selects the URL. Plain HTTP is for a "
                "simulator on this machine, with DEBUG only.",
            )


@check("faceauth.E006")
def check_simulator() -> Findings:
    """The simulator, which approves any user, is installed in production."""
    if not apps.is_installed("django_faceauth.simulator"):
        return
    if not conf.SIMULATOR_ENABLED:
        yield (
            "The simulator is installed, but DEBUG is off.",
            "Remove django_faceauth.simulator from INSTALLED_APPS and its URLs from the "
            f"URLconf. On a test server, set {PREFIX}SIMULATOR_ENABLED = True.",
        )
    elif value("ENVIRONMENT") == LIVE:
        yield (
            f"The simulator is enabled, and {PREFIX}ENVIRONMENT is live.",
            "Remove django_faceauth.simulator from INSTALLED_APPS, or set "
            f'{PREFIX}ENVIRONMENT = "sandbox".',
        )


@check("faceauth.E011")
def check_time_zones() -> Findings:
    """Without time zones, the provider's times cannot be stored."""
    if not settings.USE_TZ:
        yield ("USE_TZ is off, and the provider's times carry time zones.", "Set USE_TZ = True.")


@check("faceauth.E016")
def check_mail_links() -> Findings:
    """Mails to users need the URL of the site."""
    if value("NOTICES") and value("SITE_URL") == "":
        yield (
            f"{PREFIX}NOTICES is on, but {PREFIX}SITE_URL is not set.",
            f'Set {PREFIX}SITE_URL to the URL of the site, such as "https://bank.example": '
            "the mails contain a link.",
        )


@check("faceauth.E017")
def check_enrolment() -> Findings:
    """Users are offered an enrolment that cannot work."""
    offer = f"{PREFIX}ENROLMENT is offer, but"
    if value("ENROLMENT") != OFFER:
        return
    if value("ENROLMENT_DATA") is None:
        yield (
            f"{offer} {PREFIX}ENROLMENT_DATA names no callable.",
            "Give a function that returns the name of a user from your records, or None.",
        )
    if not is_id(value("ENROLMENT_JOURNEY_ID"), Prefix.USER_JOURNEY):
        yield (
            f"{offer} {PREFIX}ENROLMENT_JOURNEY_ID is not the id of a user journey.",
            "Copy that of your identity verification from the provider's dashboard; it is "
            "another one than that of face authentication.",
        )
    if value("SITE_URL") == "":
        yield (
            f"{offer} {PREFIX}SITE_URL is not set.",
            "Users are told of their enrolment by a mail with a link to report it: set "
            f'{PREFIX}SITE_URL to the URL of the site, such as "https://bank.example".',
        )


@check("faceauth.E018")
def check_second_ways() -> Findings:
    """Users are offered ways for which nothing is installed."""
    installed = registry.installed()
    for way in value("SECOND_WAYS") or ():
        if way not in installed:
            yield (
                f"{PREFIX}SECOND_WAYS lists {way}, and nothing that is installed offers it.",
                f"Add {NEEDED[way]} to INSTALLED_APPS and set it up, or remove {way}.",
            )


@check("faceauth.W033")
def check_cool_off() -> Findings:
    """A face that a thief enrols would count at once."""
    if value("ENROLMENT") == OFFER and not value("ENROLMENT_COOL_OFF") and not settings.DEBUG:
        yield (
            f"{PREFIX}ENROLMENT_COOL_OFF is 0: a face counts as soon as it is enrolled.",
            "Leave it unset for the default of a day, in which the owner of the account "
            "can report the enrolment. Zero is for demonstrations.",
        )


@check("faceauth.W004")
def check_webhook_keys() -> Findings:
    """Without a key, every webhook is refused."""
    if value("WEBHOOK_SECRET_KEYS") == ():
        yield (
            f"{PREFIX}WEBHOOK_SECRET_KEYS is empty, so all webhooks are refused.",
            "Copy the signature key of the workflow's webhook action from the provider's "
            f"dashboard into {PREFIX}WEBHOOK_SECRET_KEYS. Until then the provider is polled.",
        )
