"""Findings about the pages: ours, and those of the site that lead to them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import Error
from django.core.checks import Warning as Remark
from django.shortcuts import resolve_url
from django.template.exceptions import TemplateDoesNotExist, TemplateSyntaxError
from django.template.loader import get_template
from django.urls import NoReverseMatch, Resolver404, resolve, reverse

from django_faceauth.checks.registry import Finding, check, value
from django_faceauth.conf import PREFIX
from django_faceauth.gate.url_discovery import ApiGate, gated_views, policy_at

#: What Django says where a site says nothing.
DEFAULT_LOGIN: Final = "/accounts/login/"


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
def fallback_can_be_found() -> Finding:
    """E009: people who cannot show their face would meet an error."""
    try:
        resolve_url(value("FALLBACK") or "/")
    except NoReverseMatch:
        yield Error(
            f"{PREFIX}FALLBACK is neither the name of a page nor a path.",
            hint="Set it to the name of a URL without arguments, or to a path that begins with a "
            "slash.",
            id="faceauth.E009",
        )


@check
def refusing_leads_somewhere() -> Finding:
    """W010: people are asked for their consent, and have no other way if they say no (V-04)."""
    if value("CONSENT_VERSION") and value("FALLBACK") == "":
        yield Remark(
            f"{PREFIX}CONSENT_VERSION is set, but {PREFIX}FALLBACK is not.",
            hint="Offer another way: consent is free only if saying no has no price. If yours is "
            "not a page, write down which it is, and silence this check.",
            id="faceauth.W010",
        )


@check
def templates_can_be_found() -> Finding:
    """E021: each of our pages would be an error."""
    try:
        with suppress(TemplateSyntaxError):  # one of the site's own
            get_template("faceauth/base.html")
    except TemplateDoesNotExist:
        yield Error(
            "The templates of this package cannot be found.",
            hint="Let an engine of django.template.backends.django in TEMPLATES have "
            '"APP_DIRS": True, or the loader "django.template.loaders.app_directories.Loader".',
            id="faceauth.E021",
        )


@check
def ways_to_the_gate_are_open() -> Finding:
    """E022: the other way, or the page to log in at, asks for a face itself (V-04)."""
    for name, page in ((f"{PREFIX}FALLBACK", value("FALLBACK")), ("LOGIN_URL", settings.LOGIN_URL)):
        if page and _asks_for_a_face(page):
            yield Error(
                f"The page of {name} is behind a gate itself.",
                hint="Remove the gate from that page, or gate only what it changes, with "
                'methods=["POST"]: users who cannot pass are sent there.',
                id="faceauth.E022",
            )


@check
def login_can_be_found() -> Finding:
    """E023, W020: people who are not logged in would meet an error at the gate."""
    try:
        resolve_url(settings.LOGIN_URL)
    except NoReverseMatch:
        yield Error(
            "LOGIN_URL is neither the name of a page nor a path.",
            hint="Set it to the name or the path of your login page: a gate sends users there who "
            "are not logged in.",
            id="faceauth.E023",
        )
    is_unset = settings.LOGIN_URL == DEFAULT_LOGIN and _view_at(DEFAULT_LOGIN) is None
    if is_unset and any(not isinstance(view, ApiGate) for _address, view in gated_views()):
        yield Remark(
            f"LOGIN_URL is not set, and there is no page at {DEFAULT_LOGIN}.",
            hint="Set it to the name or the path of your login page: a gate sends users there who "
            "are not logged in.",
            id="faceauth.W020",
        )


def _asks_for_a_face(page: str) -> bool:
    """Tell whether looking at a page of this site, by name or path, takes a face."""
    view = _view_at(page)
    with suppress(TypeError, ValueError):  # E012 says so
        return any(
            view is gated and policy_at(gated).covers("GET") for _address, gated in gated_views()
        )
    return False


def _view_at(page: str) -> Callable[..., Any] | None:
    with suppress(NoReverseMatch, Resolver404):
        return resolve(urlsplit(resolve_url(page)).path).func
    return None
