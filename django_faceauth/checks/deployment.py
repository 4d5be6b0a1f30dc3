"""Findings of `check --deploy`: what a laptop may do, and a site should not."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from django.conf import settings
from django.core.cache import InvalidCacheBackendError, caches
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.checks import Warning as Remark

from django_faceauth.checks.registry import Finding, check_of_deployment, value
from django_faceauth.conf import PREFIX, SANDBOX

#: Session engines that read a cache, and caches that each process has for itself.
CACHED: Final = frozenset(
    {"django.contrib.sessions.backends.cache", "django.contrib.sessions.backends.cached_db"}
)
PRIVATE: Final = (DummyCache, LocMemCache)

#: What `FACEAUTH_RETENTION` names that tells something about people.
PERSONAL: Final = ("events", "flows", "limits", "consents")


@check_of_deployment
def sessions_are_shared() -> Finding:
    """W011: a second process of the site would not know the session."""
    if settings.SESSION_ENGINE not in CACHED:
        return
    with suppress(InvalidCacheBackendError, ImportError):  # the first request says so
        if isinstance(caches[settings.SESSION_CACHE_ALIAS], PRIVATE):
            yield Remark(
                "Sessions are in a cache that each process has for itself.",
                hint="Use a cache server in CACHES, or another SESSION_ENGINE, such as "
                "django.contrib.sessions.backends.db.",
                id="faceauth.W011",
            )


@check_of_deployment
def faces_are_really_compared() -> Finding:
    """W012: the sandbox approves whom the test data say."""
    if value("ENVIRONMENT") == SANDBOX:
        yield Remark(
            f"{PREFIX}ENVIRONMENT is the sandbox, where faces are not really compared.",
            hint=f'In production, set {PREFIX}ENVIRONMENT = "live" with live credentials. On a '
            "test server, silence this check.",
            id="faceauth.W012",
        )


@check_of_deployment
def hosts_are_named() -> Finding:
    """W013: the way back from the provider would lead wherever a request says."""
    if "*" in settings.ALLOWED_HOSTS:
        yield Remark(
            "ALLOWED_HOSTS takes any host, and the way back from the provider is made of it.",
            hint='Name the hosts of the site, such as ["bank.example"].',
            id="faceauth.W013",
        )


@check_of_deployment
def risks_are_assessed() -> Finding:
    """W014: a reminder, until it is silenced (C-01)."""
    yield Remark(
        "The risks of this face check are not marked as assessed.",
        hint="Fill in the template of an impact assessment in the documentation, keep it, then "
        'add "faceauth.W014" to SILENCED_SYSTEM_CHECKS.',
        id="faceauth.W014",
    )


@check_of_deployment
def people_are_asked() -> Finding:
    """W015: nobody is asked for consent, as far as we know."""
    if value("CONSENT_VERSION") == "":
        yield Remark(
            f"{PREFIX}CONSENT_VERSION is not set, so these pages do not ask for consent.",
            hint=f'Set it, such as {PREFIX}CONSENT_VERSION = "2026-11", or silence this check if '
            "the site asks elsewhere.",
            id="faceauth.W015",
        )


@check_of_deployment
def there_is_another_way() -> Finding:
    """W016: who cannot or will not show a face is told to ask somebody (V-04)."""
    # With a version of the consent, W010 says so.
    if value("FALLBACK") == "" and value("CONSENT_VERSION") == "":
        yield Remark(
            f"{PREFIX}FALLBACK is not set: without a face there is no other way.",
            hint="Offer another way. If yours is not a page, write down which it is, and silence "
            "this check.",
            id="faceauth.W016",
        )


@check_of_deployment
def tries_are_limited() -> Finding:
    """W019: faces may be tried without end (T-2.4)."""
    limits = value("RATE_LIMITS")
    for key in ("unsuccessful", "lockout"):
        if limits is not None and not getattr(limits, key):
            yield Remark(
                f'{PREFIX}RATE_LIMITS["{key}"] is off.',
                hint="Leave it out for the default, or set a limit of your own. Without one, a "
                "stolen session can try any number of faces, and the provider charges for each.",
                id="faceauth.W019",
            )


@check_of_deployment
def what_is_over_is_deleted() -> Finding:
    """W023: what is told about people would stay for ever (V-06)."""
    kept = value("RETENTION") or {}
    for name in PERSONAL:
        if name in kept and kept[name] is None:
            yield Remark(
                f"{PREFIX}RETENTION keeps {name} for ever.",
                hint='Set a period, such as "90d", or leave it out for the default. If a law '
                "requires you to keep it, silence this check.",
                id="faceauth.W023",
            )
