"""Findings about settings: who we are at the provider, and where."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from django.apps import apps
from django.conf import settings
from django.core.checks import Error
from django.core.checks import Warning as Remark

from django_faceauth import conf as settings_of
from django_faceauth.checks.registry import LONG, SHORT, Finding, check, value
from django_faceauth.conf import KNOWN, LIVE, PREFIX, conf
from django_faceauth.exceptions import ConfigurationError
from django_faceauth.identifiers import Prefix, is_id
from django_faceauth.provider.url_validation import is_api_url

#: The settings that list hosts.
HOSTS: Final = ("CAPTURE_HOSTS", "ASSET_HOSTS")

#: How keys of the sandbox begin (the provider's documentation, "authentication").
SANDBOX_KEY: Final = "sk_sbox_"

#: How many reads a second an account has (the provider's documentation, "rate limits").
MOST_A_SECOND: Final = 100


@check
def settings_are_readable() -> Finding:
    """E001: a setting has a value that cannot be used."""
    for name in sorted(KNOWN):
        try:
            getattr(conf, name)
        except ConfigurationError as error:
            yield Error(
                str(error),
                hint="The settings reference has the type and the default of each setting.",
                id="faceauth.E001",
            )


@check
def settings_are_known() -> Finding:
    """E002, W001: a setting has a name that nothing reads."""
    for name in sorted(settings_of.given() - KNOWN):
        what = f"Unknown setting {PREFIX}{name}."
        meant = get_close_matches(name, KNOWN, n=1, cutoff=0.8)
        if meant:
            yield Error(what, hint=f"Did you mean {PREFIX}{meant[0]}?", id="faceauth.E002")
        else:
            yield Remark(
                what,
                hint="Remove it. If your own code reads it, rename it or silence this check.",
                id="faceauth.W001",
            )


@check
def switches_are_on_or_off() -> Finding:
    """W022: text such as "True", which is no yes."""
    for name in sorted(settings_of.misread()):
        yield Remark(
            f"{PREFIX}{name} is neither True nor False, and so it is off.",
            hint="Set it to True or False. A value from the environment is text: convert it, "
            'as in os.environ.get("…") == "1".',
            id="faceauth.W022",
        )


@check
def credentials_are_complete() -> Finding:
    """E003: none, half or two sets of credentials."""
    key = value("SECRET_KEY")
    oauth = [value("OAUTH_CLIENT_ID"), value("OAUTH_CLIENT_SECRET")]
    if key and any(oauth):
        yield Error(
            f"Both {PREFIX}SECRET_KEY and OAuth credentials are set.",
            hint="Keep one and remove the other.",
            id="faceauth.E003",
        )
    if not key and not all(oauth):
        yield Error(
            "There are no credentials for the provider.",
            hint=f"Set {PREFIX}SECRET_KEY, or {PREFIX}OAUTH_CLIENT_ID and "
            f"{PREFIX}OAUTH_CLIENT_SECRET.",
            id="faceauth.E003",
        )


@check
def journey_is_named() -> Finding:
    """E004: no user journey, or something that is none."""
    if not is_id(value("USER_JOURNEY_ID"), Prefix.USER_JOURNEY):
        yield Error(
            f"{PREFIX}USER_JOURNEY_ID is not the id of a user journey.",
            hint="Copy it from the provider's dashboard; it begins with usj_.",
            id="faceauth.E004",
        )


@check
def provider_addresses_are_safe() -> Finding:
    """E005: an address that our credentials must not be sent to."""
    for name in ("BASE_URL", "TOKEN_URL"):
        if not is_api_url(value(name) or "", debug=settings.DEBUG):
            yield Error(
                f"{PREFIX}{name} is not an HTTPS address of the provider.",
                hint=f"Leave it unset: {PREFIX}ENVIRONMENT selects the URL. Plain HTTP is for a "
                "simulator on this machine, with DEBUG only.",
                id="faceauth.E005",
            )


@check
def simulator_is_for_development() -> Finding:
    """E006: the simulator is installed on a site that is not in DEBUG."""
    if apps.is_installed("django_faceauth.simulator") and not conf.SIMULATOR_ENABLED:
        yield Error(
            "The simulator is installed, but DEBUG is off.",
            hint="Remove django_faceauth.simulator from INSTALLED_APPS and its URLs from the "
            f"URLconf. On a test server, set {PREFIX}SIMULATOR_ENABLED = True.",
            id="faceauth.E006",
        )


@check
def simulator_is_for_the_sandbox() -> Finding:
    """E019: what the simulator approves would count as approved for good (P-07)."""
    is_there = apps.is_installed("django_faceauth.simulator") and conf.SIMULATOR_ENABLED
    if is_there and value("ENVIRONMENT") == LIVE:
        yield Error(
            f"The simulator answers, and {PREFIX}ENVIRONMENT is live.",
            hint="Remove django_faceauth.simulator from INSTALLED_APPS, or set "
            f'{PREFIX}ENVIRONMENT = "sandbox".',
            id="faceauth.E019",
        )


@check
def key_is_of_the_environment() -> Finding:
    """E020: a key of the sandbox on a site that is live."""
    key = value("SECRET_KEY")
    if key and key.reveal().startswith(SANDBOX_KEY) and value("ENVIRONMENT") == LIVE:
        yield Error(
            f"{PREFIX}SECRET_KEY is one of the sandbox, and {PREFIX}ENVIRONMENT is live.",
            hint="Copy the live key from the provider's dashboard, or set "
            f'{PREFIX}ENVIRONMENT = "sandbox".',
            id="faceauth.E020",
        )


@check
def certificate_is_there() -> Finding:
    """E024: the client certificate is to be read from a file that is not there."""
    named = value("CLIENT_CERTIFICATE") or ()
    for path in (named,) if isinstance(named, str) else named:
        if not Path(path).is_file():
            yield Error(
                f"{PREFIX}CLIENT_CERTIFICATE names {path}, where there is no file.",
                hint="Give absolute paths to files that the user of the server process can read.",
                id="faceauth.E024",
            )


@check
def capture_can_end_in_time() -> Finding:
    """W018: nobody is that quick in front of a camera."""
    window = value("CAPTURE_WINDOW")
    if window is not None and window < SHORT:
        yield Remark(
            f"{PREFIX}CAPTURE_WINDOW gives people {window} only.",
            hint="Set 120 seconds or more, or leave it unset for the default of 600: a capture "
            "takes a minute or two.",
            id="faceauth.W018",
        )


@check
def polling_leaves_room() -> Finding:
    """W021: as much as the provider answers to the whole account (D-04)."""
    rate = value("POLL_RATE")
    if rate is not None and rate >= MOST_A_SECOND:
        yield Remark(
            f"{PREFIX}POLL_RATE asks {rate:g} times a second.",
            hint="Leave it unset for the default of 20, or set less: the provider answers the "
            f"whole account {MOST_A_SECOND} times a second, payments included.",
            id="faceauth.W021",
        )


@check
def default_window_opens() -> Finding:
    """E007: the default window is zero."""
    if value("MAX_AGE") == timedelta(0):
        yield Error(
            f"{PREFIX}MAX_AGE must be more than 0: no gate ever opens.",
            hint="Set a number of seconds, or leave it unset for the default of 300.",
            id="faceauth.E007",
        )


@check
def default_window_is_short() -> Finding:
    """W002: the default window is long."""
    max_age = value("MAX_AGE")
    if max_age is not None and max_age > LONG:
        yield Remark(
            f"{PREFIX}MAX_AGE lets a face count for {max_age}.",
            hint="That is more than an hour: another person may be using the session by then. "
            "Shorten it, or silence this check if it is meant.",
            id="faceauth.W002",
        )


@check
def default_window_can_be_passed() -> Finding:
    """W003: the default window is too short to pass."""
    max_age = value("MAX_AGE")
    if max_age is not None and timedelta(0) < max_age < SHORT:
        yield Remark(
            f"{PREFIX}MAX_AGE lets a face count for {max_age} only.",
            hint="Set 120 seconds or more: a capture takes a minute or two.",
            id="faceauth.W003",
        )


@check
def hosts_are_names() -> Finding:
    """E008: an entry of the capture hosts, or of the asset hosts, can never match."""
    for name, host in _hosts():
        if not host.strip() or any(character in host for character in "/ @\\*"):
            yield Error(
                f"{PREFIX}{name} holds {host!r}, which is no host.",
                hint='Write "example.com", ".example.com" for its subdomains, or "host:port" '
                "with DEBUG: no scheme, no path, no wildcard.",
                id="faceauth.E008",
            )


@check
def time_zones_are_used() -> Finding:
    """E011: without time zones, moments of the provider cannot be stored."""
    if not settings.USE_TZ:
        yield Error(
            "USE_TZ is off, and the provider's times carry time zones.",
            hint="Set USE_TZ = True.",
            id="faceauth.E011",
        )


def _hosts() -> Iterator[tuple[str, str]]:
    for name in HOSTS:
        for host in value(name) or ():
            yield name, host
