"""Findings about the gates of a site, and about what they need."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.checks import Error
from django.core.checks import Warning as Remark
from django.middleware.cache import FetchFromCacheMiddleware
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import import_string

from django_faceauth.checks.registry import LONG, SHORT, Finding, check, check_of_deployment, value
from django_faceauth.conf import PREFIX
from django_faceauth.gate.policy import Policy
from django_faceauth.gate.url_discovery import (
    ApiGate,
    admins,
    gated_views,
    misplaced_gates,
    policy_at,
)
from django_faceauth.gate.view_methods import UNSAFE, answered_by
from django_faceauth.models import Applicant, FaceExemption

NEEDED: Final = (SessionMiddleware, AuthenticationMiddleware)
COOKIE_SESSIONS: Final = "django.contrib.sessions.backends.signed_cookies"

#: Rows that say whose face counts for whom, and who passes without one.
DECIDING: Final = frozenset({Applicant, FaceExemption})

#: Parts of names of what nobody wants kept; the short ones count as whole words only.
SECRETS: Final = ("passwd", "password", "secret", "token")
SECRET_WORDS: Final = frozenset({"cvc", "cvv", "otp", "pin"})


@check
def gates_can_work() -> Finding:
    """E012: the attributes given to a view's as_view() make no gate."""
    for address, view in gated_views():
        try:
            policy_at(view)
        except (TypeError, ValueError) as error:
            yield Error(
                f"The gate at {address} cannot work: {error}.",
                hint="Correct what is passed to as_view() in the URLconf.",
                id="faceauth.E012",
            )


@check
def apis_have_gates_of_their_own() -> Finding:
    """E025: what Django REST framework authenticates, it authenticates behind that gate."""
    for address in misplaced_gates():
        yield Error(
            f"The view at {address} is of Django REST framework, and has face_required on a "
            "method.",
            hint="Remove the decorator and add require_face() of django_faceauth.api.permissions "
            "to permission_classes: the user is known only inside the view.",
            id="faceauth.E025",
        )


@check
def gates_have_sensible_windows() -> Finding:
    """W002, W003: a gate whose window is longer than the ceiling, or too short to pass."""
    for address, policy in _policies():
        yield from _window_findings(address, policy)


@check
def slow_decisions_are_bound() -> Finding:
    """E014: where people decide, an approval reaches a gate with a window too late (G-16)."""
    for address, policy in _policies() if value("SLOW_REVIEW") else ():
        if policy.bind is None:
            yield Error(
                f"The gate at {address} counts from the capture, and {PREFIX}SLOW_REVIEW is on.",
                hint="Give the gate a bind: then it counts from the decision. People decide too "
                "slowly for a window that counts from the capture.",
                id="faceauth.E014",
            )


@check
def users_have_sessions() -> Finding:
    """E015, W032: without sessions and users, every gated page is an error."""
    found = list(_middleware())
    unknown = [path for path, one in found if not _is_kind(one, *NEEDED) and not _is_djangos(one)]
    for needed in NEEDED:
        if any(_is_kind(one, needed) for _path, one in found):
            continue
        if unknown:
            named = ", ".join(unknown)
            yield Remark(
                f"No middleware is known to do the work of {needed.__name__}.",
                hint=f'Add "{needed.__module__}.{needed.__name__}", or silence this check if one '
                f"of these does it: {named}.",
                id="faceauth.W032",
            )
        else:
            yield Error(
                f"{needed.__name__} is missing in MIDDLEWARE.",
                hint=f'Add "{needed.__module__}.{needed.__name__}", or a subclass of it, '
                "sessions before authentication.",
                id="faceauth.E015",
            )


@check
def api_has_its_addresses() -> Finding:
    """E017, W009: the API without the pages, or an API with a gate without our API."""
    has_pages, has_api = _is_included("faceauth:done"), _is_included("faceauth-api:freshness")
    if has_api and not has_pages:
        yield Error(
            "The addresses of the API are included, those of the pages are not.",
            hint='Add path("face/", include("django_faceauth.urls")) to your URLconf: the capture '
            "ends on one of the pages.",
            id="faceauth.E017",
        )
    for address in [] if has_api else _gated_apis():
        yield Remark(
            f"The gate at {address} asks programs, which have no way to start a face check.",
            hint='Add path("face/api/", include("django_faceauth.api.urls")) to your URLconf.',
            id="faceauth.W009",
        )


@check_of_deployment
def sessions_can_be_ended() -> Finding:
    """W006: what counts once belongs to a session of which there may be copies."""
    if settings.SESSION_ENGINE != COOKIE_SESSIONS:
        return
    for address, policy in _policies():
        if policy.is_single_use:
            yield Remark(
                f"The gate at {address} approves one thing, and sessions are signed cookies.",
                hint="Use another SESSION_ENGINE, such as django.contrib.sessions.backends.db. A "
                "copied cookie cannot be revoked, and can use what its owner approves.",
                id="faceauth.W006",
            )


@check
def pages_are_not_answered_by_a_cache() -> Finding:
    """W026: what a decorator stores below a gate, the middleware finds in front of it."""
    for path, kind in _middleware():
        if _is_kind(kind, FetchFromCacheMiddleware):
            yield Remark(
                f"{path.rpartition('.')[2]} in MIDDLEWARE answers before any gate is asked.",
                hint="Remove Django's cache middleware, and put cache_page on single views without "
                "a gate.",
                id="faceauth.W026",
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
def a_look_uses_no_face_up() -> Finding:
    """W031: opening the page to see a form uses up the face for it."""
    for address, view in gated_views():
        with suppress(TypeError, ValueError):
            asked, answered = policy_at(view), answered_by(view)
            is_shown = answered is None or "GET" in answered
            if asked.is_single_use and asked.methods is None and is_shown:
                yield Remark(
                    f"The gate at {address} lets a face count once, and a look at it is one use.",
                    hint='Add methods=["POST"] if the page has a form. If the look is what takes a '
                    'face, name it: methods=["GET", "POST"].',
                    id="faceauth.W031",
                )


@check
def who_is_who_takes_a_face() -> Finding:
    """W017: whoever takes over a session of staff would have their own face count (G-12)."""
    for address, admin in admins():
        model = getattr(admin, "model", None)
        doors = (admin, getattr(admin, "admin_site", None))
        if model in DECIDING and not any(hasattr(door, "face_policy") for door in doors):
            yield Remark(
                f"The admin at {address} says who passes, and takes no face for it.",
                hint="Derive it from FaceRequiredModelAdmin, register it with a "
                "FaceRequiredAdminSite, or leave these models to the admin of this package.",
                id="faceauth.W017",
            )


@check
def kept_fields_are_no_secrets() -> Finding:
    """W008: what a gate keeps is stored as it was typed, and shown again."""
    for address, policy in _policies():
        for name in filter(_is_secret, policy.keep or ()):
            yield Remark(
                f"The gate at {address} keeps {name!r}, which looks like a secret.",
                hint="Remove it from keep, and ask for it after the face check: what is kept is "
                "stored as it was typed, until it is used.",
                id="faceauth.W008",
            )


def _window_findings(address: str, policy: Policy) -> Finding:
    if policy.max_age is None:
        return
    if policy.max_age > LONG:
        yield Remark(
            f"The gate at {address} lets a face count for {policy.max_age}.",
            hint="That is more than an hour: another person may be using the session by then. "
            "Shorten max_age, or silence this check if it is meant.",
            id="faceauth.W002",
        )
    if policy.max_age < SHORT:
        yield Remark(
            f"The gate at {address} lets a face count for {policy.max_age} only.",
            hint="Allow 120 seconds or more: a capture takes a minute or two. For one action "
            "alone, use bind or single_use=True.",
            id="faceauth.W003",
        )


def _policies() -> Iterator[tuple[str, Policy]]:
    for address, view in gated_views():
        with suppress(TypeError, ValueError):  # E012 says so already
            yield address, policy_at(view)


def _gated_apis() -> Iterator[str]:
    return (address for address, view in gated_views() if isinstance(view, ApiGate))


def _is_included(name: str) -> bool:
    try:
        return bool(reverse(name))
    except NoReverseMatch:
        return False


def _is_kind(middleware: Any, *kinds: type) -> bool:
    return isinstance(middleware, type) and issubclass(middleware, kinds)


def _is_djangos(middleware: Any) -> bool:
    return str(getattr(middleware, "__module__", "")).startswith("django.")


def _middleware() -> Iterator[tuple[str, Any]]:
    for path in settings.MIDDLEWARE:
        with suppress(ImportError):  # Django says so itself, at the first request
            yield path, import_string(path)


def _ungated(view: Callable[..., Any], policy: Policy) -> frozenset[str]:
    """Return the methods that change something and that a gate for some methods leaves out.

    Of a view that does not say which methods it answers, we take POST, as forms do.
    """
    answered = answered_by(view)
    changing = frozenset({"POST"}) if answered is None else UNSAFE & answered
    return changing & policy.left_open


def _is_secret(name: str) -> bool:
    words = re.findall(r"[a-z]+", name.lower())
    return not SECRET_WORDS.isdisjoint(words) or any(part in name.lower() for part in SECRETS)
