"""System checks: what `manage.py check` says about this package.

One function a finding; ids never change their meaning. The reference in the
documentation says for each what it means and what to do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from difflib import get_close_matches
from importlib.util import find_spec
from typing import Any, Final

from django.apps import apps
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as Remark
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import import_string

from django_faceauth import conf as settings_of
from django_faceauth.conf import KNOWN, PREFIX, conf
from django_faceauth.exceptions import ConfigurationError
from django_faceauth.gate.answers import answered_by
from django_faceauth.gate.discovery import gated_views, policy_at
from django_faceauth.gate.policy import Policy
from django_faceauth.identifiers import Prefix, is_id
from django_faceauth.provider.addresses import is_api_url

TAG: Final = "faceauth"
#: A capture takes people a minute or two.
SHORT: Final = timedelta(seconds=120)

UNSAFE: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
COOKIE_SESSIONS: Final = "django.contrib.sessions.backends.signed_cookies"

#: Parts of names of what nobody wants kept; the short ones count as whole words only.
SECRETS: Final = ("passwd", "password", "secret", "token")
SECRET_WORDS: Final = frozenset({"cvc", "cvv", "otp", "pin"})

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


@check
def settings_are_readable() -> Finding:
    """E001: a setting has a value that cannot be used."""
    for name in sorted(KNOWN):
        try:
            getattr(conf, name)
        except ConfigurationError as error:
            yield Error(str(error), id="faceauth.E001")


@check
def settings_are_known() -> Finding:
    """E002, W001: a setting has a name that nothing reads."""
    for name in sorted(settings_of.given() - KNOWN):
        meant = get_close_matches(name, KNOWN, n=1, cutoff=0.8)
        if meant:
            yield Error(
                f"{PREFIX}{name} is no setting of this package.",
                hint=f"Did you mean {PREFIX}{meant[0]}?",
                id="faceauth.E002",
            )
        else:
            yield Remark(f"{PREFIX}{name} is no setting of this package.", id="faceauth.W001")


@check
def credentials_are_complete() -> Finding:
    """E003: none, half or two sets of credentials."""
    key = _value("SECRET_KEY")
    oauth = [_value("OAUTH_CLIENT_ID"), _value("OAUTH_CLIENT_SECRET")]
    if key and any(oauth):
        yield Error(
            f"Both {PREFIX}SECRET_KEY and OAuth credentials are set.",
            hint="Keep one of them.",
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
    if not is_id(_value("USER_JOURNEY_ID"), Prefix.USER_JOURNEY):
        yield Error(
            f"{PREFIX}USER_JOURNEY_ID is not the id of a user journey.",
            hint="The provider's dashboard shows it; it begins with usj_.",
            id="faceauth.E004",
        )


@check
def provider_addresses_are_safe() -> Finding:
    """E005: an address that our credentials must not be sent to."""
    for name in ("BASE_URL", "TOKEN_URL"):
        if not is_api_url(_value(name) or "", debug=conf.DEBUG):
            yield Error(
                f"{PREFIX}{name} is not an HTTPS address of the provider.",
                hint="Plain HTTP is for a simulator on this machine, with DEBUG only.",
                id="faceauth.E005",
            )


@check
def simulator_is_for_development() -> Finding:
    """E006: the simulator is installed on a site that is not in DEBUG."""
    if apps.is_installed("django_faceauth.simulator") and not conf.SIMULATOR_ENABLED:
        yield Error(
            "The simulator is installed, but DEBUG is off.",
            hint="Remove django_faceauth.simulator from INSTALLED_APPS. On a test server, "
            f"say {PREFIX}SIMULATOR_ENABLED = True.",
            id="faceauth.E006",
        )


@check
def max_age_is_below_the_ceiling() -> Finding:
    """E007: the default window is zero, or longer than the ceiling."""
    max_age, ceiling = _value("MAX_AGE"), _value("MAX_AGE_CEILING")
    if max_age is None or ceiling is None:
        return
    if not timedelta(0) < max_age <= ceiling:
        yield Error(
            f"{PREFIX}MAX_AGE must be more than 0 and at most {PREFIX}MAX_AGE_CEILING.",
            id="faceauth.E007",
        )


@check
def default_window_can_be_passed() -> Finding:
    """W003: the default window is too short to pass."""
    max_age = _value("MAX_AGE")
    if max_age is not None and timedelta(0) < max_age < SHORT:
        yield Remark(
            f"{PREFIX}MAX_AGE lets a face count for {max_age} only.",
            hint="A capture takes people a minute or two.",
            id="faceauth.W003",
        )


@check
def capture_hosts_are_names() -> Finding:
    """E008: an entry of the capture hosts can never match."""
    for host in _value("CAPTURE_HOSTS") or ():
        if not host.strip() or any(character in host for character in "/ @\\*"):
            yield Error(
                f"{PREFIX}CAPTURE_HOSTS holds {host!r}, which is no host.",
                hint='Write "example.com", ".example.com" for its subdomains, or "host:port".',
                id="faceauth.E008",
            )


@check
def fallback_can_be_found() -> Finding:
    """E009: people who cannot show their face would meet an error."""
    try:
        resolve_url(_value("FALLBACK") or "/")
    except NoReverseMatch:
        yield Error(
            f"{PREFIX}FALLBACK is neither the name of a page nor a path.",
            id="faceauth.E009",
        )


@check
def pages_have_addresses() -> Finding:
    """E010: a closed gate would not know where to send people."""
    try:
        reverse("faceauth:start", args=["handle"])
    except NoReverseMatch:
        yield Error(
            "The pages of this package have no addresses.",
            hint='Add path("face/", include("django_faceauth.urls")) to your URLconf.',
            id="faceauth.E010",
        )


@check
def time_zones_are_used() -> Finding:
    """E011: without time zones, moments of the provider cannot be stored."""
    if not conf.USE_TZ:
        yield Error("This package needs USE_TZ = True.", id="faceauth.E011")


@check
def gates_can_work() -> Finding:
    """E012: the attributes given to a view's as_view() make no gate."""
    for address, view in gated_views():
        try:
            policy_at(view)
        except (TypeError, ValueError) as error:
            yield Error(f"The gate at {address} cannot work: {error}.", id="faceauth.E012")


@check
def gates_have_sensible_windows() -> Finding:
    """W002, W003: a gate whose window is longer than the ceiling, or too short to pass."""
    for address, policy in _policies():
        yield from _window_findings(address, policy)


@check
def slow_decisions_are_bound() -> Finding:
    """E014: where people decide, an approval reaches a gate with a window too late (G-16)."""
    for address, policy in _policies() if _value("SLOW_REVIEW") else ():
        if policy.bind is None:
            yield Error(
                f"The gate at {address} counts from the capture, and {PREFIX}SLOW_REVIEW is on.",
                hint="People decide too slowly for that. Give the gate a bind: then it counts "
                "from their decision.",
                id="faceauth.E014",
            )


@check
def users_have_sessions() -> Finding:
    """E015: without sessions and users, every gated page is an error."""
    for needed in (SessionMiddleware, AuthenticationMiddleware):
        if not any(issubclass(kind, needed) for kind in _middleware()):
            yield Error(
                f"{needed.__name__} is missing in MIDDLEWARE.",
                hint=f'Add "{needed.__module__}.{needed.__name__}", or a subclass of it.',
                id="faceauth.E015",
            )


@check_of_deployment
def sessions_can_be_ended() -> Finding:
    """W006: what counts once belongs to a session of which there may be copies."""
    if conf.SESSION_ENGINE != COOKIE_SESSIONS:
        return
    for address, policy in _policies():
        if policy.is_single_use:
            yield Remark(
                f"The gate at {address} approves one thing, and sessions are signed cookies.",
                hint="Nobody can end a copy of such a cookie, so whoever has one can use what "
                "its owner approves. Use another SESSION_ENGINE.",
                id="faceauth.W006",
            )


@check
def methods_leave_no_way_around() -> Finding:
    """W007: a gate for some methods, on a view that changes things by others."""
    for address, view in gated_views():
        with suppress(TypeError, ValueError):
            open_to = _ungated(view, policy_at(view))
            if open_to:
                yield Remark(
                    f"The gate at {address} leaves {', '.join(sorted(open_to))} open.",
                    hint="Name them in methods too, or let the view refuse them, with "
                    "require_http_methods or http_method_names.",
                    id="faceauth.W007",
                )


@check
def kept_fields_are_no_secrets() -> Finding:
    """W008: what a gate keeps is stored as it was typed, and shown again."""
    for address, policy in _policies():
        for name in filter(_is_secret, policy.keep or ()):
            yield Remark(
                f"The gate at {address} keeps {name!r}, which looks like a secret.",
                hint="What is kept is stored as it was typed, until it is used.",
                id="faceauth.W008",
            )


@check
def webhooks_can_be_verified() -> Finding:
    """W004: no key, so that every webhook is refused."""
    if _value("WEBHOOK_SECRET_KEYS") == ():
        yield Remark(
            "There is no key to verify webhooks with, so all of them are refused.",
            hint=f"Set {PREFIX}WEBHOOK_SECRET_KEYS to the signature key of the workflow's "
            "webhook action. Until then the provider is polled.",
            id="faceauth.W004",
        )


@check
def webhooks_are_not_redirected() -> Finding:
    """W005: SecurityMiddleware would redirect webhooks, and the provider does not follow."""
    with suppress(NoReverseMatch):
        path = reverse("faceauth:webhook").lstrip("/")
        exempt = any(re.search(pattern, path) for pattern in conf.SECURE_REDIRECT_EXEMPT)
        if conf.SECURE_SSL_REDIRECT and not exempt:
            yield Remark(
                "Webhooks that reach Django as plain HTTP are redirected, and so lost.",
                hint=f'Add r"^{path}?$" to SECURE_REDIRECT_EXEMPT, or set '
                "SECURE_PROXY_SSL_HEADER if a proxy of yours speaks HTTPS to the world.",
                id="faceauth.W005",
            )


@check
def celery_is_there() -> Finding:
    """E013: work is to be done by Celery, which is not installed."""
    if _value("CELERY") and find_spec("celery") is None:
        yield Error(
            f"{PREFIX}CELERY is on, but Celery is not installed.",
            hint="pip install django-faceauth[celery]",
            id="faceauth.E013",
        )


def _window_findings(address: str, policy: Policy) -> Finding:
    if policy.max_age is None:
        return
    if policy.max_age > (_value("MAX_AGE_CEILING") or timedelta.max):
        yield Remark(
            f"The gate at {address} lets a face count for {policy.max_age}.",
            hint=f"That is more than {PREFIX}MAX_AGE_CEILING.",
            id="faceauth.W002",
        )
    if policy.max_age < SHORT:
        yield Remark(
            f"The gate at {address} lets a face count for {policy.max_age} only.",
            hint="A capture takes people a minute or two.",
            id="faceauth.W003",
        )


def _policies() -> Iterator[tuple[str, Policy]]:
    for address, view in gated_views():
        with suppress(TypeError, ValueError):  # E012 says so already
            yield address, policy_at(view)


def _middleware() -> Iterator[type]:
    for path in conf.MIDDLEWARE:
        with suppress(ImportError):  # Django says so itself, at the first request
            found = import_string(path)
            if isinstance(found, type):
                yield found


def _ungated(view: Callable[..., Any], policy: Policy) -> frozenset[str]:
    """Return the methods that change something and that a gate for some methods leaves out.

    Of a view that does not say which methods it answers, we take POST, as forms do.
    """
    if policy.methods is None:
        return frozenset()
    answered = answered_by(view)
    changing = frozenset({"POST"}) if answered is None else UNSAFE & answered
    return changing - policy.methods


def _is_secret(name: str) -> bool:
    words = re.findall(r"[a-z]+", name.lower())
    return not SECRET_WORDS.isdisjoint(words) or any(part in name.lower() for part in SECRETS)


def _value(name: str) -> Any:
    """Return a setting, or None when it cannot be read: E001 says so already."""
    try:
        return getattr(conf, name)
    except ConfigurationError:
        return None
