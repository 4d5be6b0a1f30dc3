"""Checks of the pages, and of the URLs that users and the provider need."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from inspect import unwrap
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, Resolver404, URLResolver, get_resolver, resolve, reverse
from django.urls.resolvers import LocalePrefixPattern

from django_faceauth.checks.configuration import Findings, check, value
from django_faceauth.conf import PREFIX
from django_faceauth.gate.url_discovery import ApiGate, gated_views, policy_at
from django_faceauth.webhooks import webhook

#: Django's default of LOGIN_URL.
DEFAULT_LOGIN: Final = "/accounts/login/"


@check("faceauth.E010")
def check_urls() -> Findings:
    """Without the pages, a closed gate has no start page."""
    if not _is_included("faceauth:done"):
        yield (
            "The URLs of this package are not included.",
            'Add path("face/", include("django_faceauth.urls")) to your URLconf.',
        )


@check("faceauth.W009")
def check_api_urls() -> Findings:
    """An API with a gate, without our API."""
    if _is_included("faceauth-api:freshness"):
        return
    for address, view in gated_views():
        if isinstance(view, ApiGate):
            yield (
                f"Clients of the API at {address} have no way to start a face check.",
                'Add path("face/api/", include("django_faceauth.api.urls")) to your URLconf.',
            )


@check("faceauth.E022")
def check_ways_out() -> Findings:
    """The fallback or the login page does not exist, or is behind a gate itself."""
    for name, page in ((f"{PREFIX}FALLBACK", value("FALLBACK")), ("LOGIN_URL", settings.LOGIN_URL)):
        try:
            resolve_url(page or "/")
        except NoReverseMatch:
            yield (
                f"{name} is neither the name of a page nor a path.",
                "Set it to the name of a URL without arguments, or to a path that begins "
                "with a slash: users who cannot pass a gate are sent there.",
            )
            continue
        view = _view_at(page) if page else None
        with suppress(TypeError, ValueError):  # E012 says so
            if any(view is gate and policy_at(gate).covers("GET") for _url, gate in gated_views()):
                yield (
                    f"The page of {name} is behind a gate itself.",
                    "Remove the gate from that page, or gate only what it changes, with "
                    'methods=["POST"]: users who cannot pass are sent there.',
                )


@check("faceauth.W020")
def check_login_url() -> Findings:
    """LOGIN_URL is unset, and its default does not exist."""
    is_missing = settings.LOGIN_URL == DEFAULT_LOGIN and _view_at(DEFAULT_LOGIN) is None
    if is_missing and any(not isinstance(view, ApiGate) for _url, view in gated_views()):
        yield (
            f"LOGIN_URL is not set, and there is no page at {DEFAULT_LOGIN}.",
            "Set it to the name or the path of your login page: a gate sends users there who "
            "are not logged in.",
        )


@check("faceauth.W005")
def check_webhook_redirects() -> Findings:
    """The webhook is redirected, and the provider does not follow redirects."""
    with suppress(NoReverseMatch):
        path = reverse("faceauth:webhook").lstrip("/")
        is_exempt = any(re.search(pattern, path) for pattern in settings.SECURE_REDIRECT_EXEMPT)
        if settings.SECURE_SSL_REDIRECT and not is_exempt:
            yield (
                "Webhooks that reach Django as plain HTTP are redirected, and so lost.",
                f'Add r"^{path}?$" to SECURE_REDIRECT_EXEMPT, or set '
                "SECURE_PROXY_SSL_HEADER if a proxy terminates TLS.",
            )
    routes = list(_webhook_routes(get_resolver().url_patterns))
    if routes and all(routes):
        yield (
            "The webhook URL begins with a language prefix, and the URL without it redirects.",
            "Include django_faceauth.urls outside of i18n_patterns(), or route "
            'path("face/webhook/", django_faceauth.webhooks.webhook) there. Silence this check '
            "if the provider has the URL with a prefix.",
        )


def _webhook_routes(patterns: Iterable[Any], *, prefixed: bool = False) -> Iterator[bool]:
    """Yield for each route to the webhook whether it needs a language prefix."""
    for pattern in patterns:
        needs_prefix = prefixed or (
            isinstance(pattern.pattern, LocalePrefixPattern)
            and pattern.pattern.prefix_default_language
        )
        if isinstance(pattern, URLResolver):
            yield from _webhook_routes(pattern.url_patterns, prefixed=needs_prefix)
        elif unwrap(pattern.callback) is unwrap(webhook):
            yield needs_prefix


def _is_included(name: str) -> bool:
    try:
        return bool(reverse(name))
    except NoReverseMatch:
        return False


def _view_at(page: str) -> Callable[..., Any] | None:
    with suppress(NoReverseMatch, Resolver404):
        return resolve(urlsplit(resolve_url(page)).path).func
    return None
