"""Findings about webhooks, workers and mails."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib.util import find_spec
from inspect import unwrap
from typing import Any

from django.conf import settings
from django.core.checks import Error
from django.core.checks import Warning as Remark
from django.urls import NoReverseMatch, URLResolver, get_resolver, reverse
from django.urls.resolvers import LocalePrefixPattern

from django_faceauth.checks.registry import Finding, check, value
from django_faceauth.conf import PREFIX
from django_faceauth.services.privacy.retention import REDELIVERY
from django_faceauth.webhooks import webhook


@check
def webhooks_can_be_verified() -> Finding:
    """W004: no key, so that every webhook is refused."""
    if value("WEBHOOK_SECRET_KEYS") == ():
        yield Remark(
            "There is no key to verify webhooks with, so all of them are refused.",
            hint="Copy the signature key of the workflow's webhook action from the provider's "
            f"dashboard into {PREFIX}WEBHOOK_SECRET_KEYS. Until then the provider is polled.",
            id="faceauth.W004",
        )


@check
def webhooks_are_not_redirected() -> Finding:
    """W005: SecurityMiddleware would redirect webhooks, and the provider does not follow."""
    with suppress(NoReverseMatch):
        path = reverse("faceauth:webhook").lstrip("/")
        exempt = any(re.search(pattern, path) for pattern in settings.SECURE_REDIRECT_EXEMPT)
        if settings.SECURE_SSL_REDIRECT and not exempt:
            yield Remark(
                "Webhooks that reach Django as plain HTTP are redirected, and so lost.",
                hint=f'Add r"^{path}?$" to SECURE_REDIRECT_EXEMPT, or set '
                "SECURE_PROXY_SSL_HEADER if a proxy terminates TLS.",
                id="faceauth.W005",
            )


@check
def webhooks_have_one_address() -> Finding:
    """W027: LocaleMiddleware would redirect webhooks, and the provider does not follow."""
    routes = list(_webhook_routes(get_resolver().url_patterns))
    if routes and all(routes):
        yield Remark(
            "The webhook URL begins with a language prefix, and the URL without it redirects.",
            hint="Include django_faceauth.urls outside of i18n_patterns(), or route "
            'path("face/webhook/", django_faceauth.webhooks.webhook) there. Silence this check '
            "if the provider is told the URL with a prefix.",
            id="faceauth.W027",
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


@check
def celery_is_there() -> Finding:
    """E013: work is to be done by Celery, which is not installed."""
    if value("CELERY") and find_spec("celery") is None:
        yield Error(
            f"{PREFIX}CELERY is on, but Celery is not installed.",
            hint=f"Install django-faceauth[celery], or set {PREFIX}CELERY = False.",
            id="faceauth.E013",
        )


@check
def events_are_remembered() -> Finding:
    """E018: an event that is delivered once more would count as new."""
    kept = (value("RETENTION") or {}).get("tombstones")
    if kept is not None and kept < REDELIVERY:
        yield Error(
            f"{PREFIX}RETENTION forgets events that the provider may still send again.",
            hint="Leave tombstones out for the default, or keep them for at least "
            f"{REDELIVERY}: the provider resends for 30 hours.",
            id="faceauth.E018",
        )


@check
def notices_have_links() -> Finding:
    """E016: mails to users would lead nowhere."""
    if value("NOTICES") and value("SITE_URL") == "":
        yield Error(
            f"{PREFIX}NOTICES is on, but {PREFIX}SITE_URL is not set.",
            hint=f'Set {PREFIX}SITE_URL to the URL of the site, such as "https://bank.example": '
            "the mails hold a link.",
            id="faceauth.E016",
        )
