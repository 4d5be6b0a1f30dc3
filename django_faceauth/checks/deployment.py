"""Checks of `check --deploy`: settings that are fine on a laptop only."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from django.conf import settings
from django.core.cache import InvalidCacheBackendError, caches
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache

from django_faceauth import runner
from django_faceauth.checks.configuration import Findings, check, value
from django_faceauth.checks.gates import policies
from django_faceauth.conf import DENY, FLAG, PREFIX, SANDBOX

#: Session engines that read a cache.
CACHED: Final = frozenset(
    {"django.contrib.sessions.backends.cache", "django.contrib.sessions.backends.cached_db"}
)
COOKIES: Final = "django.contrib.sessions.backends.signed_cookies"

#: Keys of `FACEAUTH_RETENTION` for personal data.
PERSONAL: Final = ("events", "flows", "limits", "consents")


@check("faceauth.W006", deploy=True)
def check_sessions() -> Findings:
    """Sessions that other processes do not know, or that cannot be revoked."""
    if settings.SESSION_ENGINE in CACHED:
        with suppress(InvalidCacheBackendError, ImportError):  # the first request says so
            if isinstance(caches[settings.SESSION_CACHE_ALIAS], DummyCache | LocMemCache):
                yield (
                    "Sessions are in a cache that each process has for itself.",
                    "Use a cache server in CACHES, or another SESSION_ENGINE, such as "
                    "django.contrib.sessions.backends.db.",
                )
    for address, policy in policies() if settings.SESSION_ENGINE == COOKIES else ():
        if policy.is_single_use:
            yield (
                f"The gate at {address} approves one thing, and sessions are signed cookies.",
                "Use another SESSION_ENGINE, such as django.contrib.sessions.backends.db. A "
                "copied cookie cannot be revoked, and can use what its owner approves.",
            )


@check("faceauth.W012", deploy=True)
def check_environment() -> Findings:
    """The sandbox approves whom the test data say."""
    if value("ENVIRONMENT") == SANDBOX:
        yield (
            f"{PREFIX}ENVIRONMENT is the sandbox, where faces are not really compared.",
            f'In production, set {PREFIX}ENVIRONMENT = "live" with live credentials. On a '
            "test server, silence this check.",
        )


@check("faceauth.W013", deploy=True)
def check_allowed_hosts() -> Findings:
    """The return URL would lead wherever a request says."""
    if "*" in settings.ALLOWED_HOSTS:
        yield (
            "ALLOWED_HOSTS allows any host, and the return URL is made of it.",
            'Name the hosts of the site, such as ["bank.example"].',
        )


@check("faceauth.W014", deploy=True)
def check_risk_assessment() -> Findings:
    """A reminder, until it is silenced."""
    yield (
        "The risks of this face check are not marked as assessed.",
        "Fill in the template of an impact assessment in the documentation, keep it, then "
        'add "faceauth.W014" to SILENCED_SYSTEM_CHECKS.',
    )


@check("faceauth.W015", deploy=True)
def check_consent() -> Findings:
    """Our pages do not ask for consent."""
    if value("CONSENT_VERSION") == "":
        yield (
            f"{PREFIX}CONSENT_VERSION is not set, so these pages do not ask for consent.",
            f'Set it, such as {PREFIX}CONSENT_VERSION = "2026-11", or silence this check if '
            "the site asks elsewhere.",
        )


@check("faceauth.W010", deploy=True)
def check_fallback() -> Findings:
    """Users who cannot or will not show a face have no other way."""
    if value("FALLBACK") == "" and not value("SECOND_WAYS"):
        yield (
            f"{PREFIX}SECOND_WAYS and {PREFIX}FALLBACK are not set: without a face there is no "
            "other way.",
            "Offer another way: consent is free only if saying no has no price. If yours is "
            "not a page, document it, and silence this check.",
        )


@check("faceauth.W036", deploy=True)
def check_proxies() -> Findings:
    """All requests seem to come from the network of a proxy."""
    is_behind_proxy = settings.SECURE_PROXY_SSL_HEADER or settings.USE_X_FORWARDED_HOST
    named = {value("NETWORK_POLICY"), *(policy.network for _address, policy in policies())}
    if is_behind_proxy and value("TRUSTED_PROXIES") == 0 and not named.isdisjoint({FLAG, DENY}):
        yield (
            f"The site is behind a proxy, and {PREFIX}TRUSTED_PROXIES is 0.",
            "Set it to the number of your proxies that append to X-Forwarded-For: otherwise "
            "every face seems to come from another network than the browser that asked. Or set "
            f'{PREFIX}NETWORK_POLICY = "ignore".',
        )


@check("faceauth.W019", deploy=True)
def check_rate_limits() -> Findings:
    """Faces may be tried without limit."""
    limits = value("RATE_LIMITS")
    for key in ("unsuccessful", "lockout"):
        if limits is not None and not getattr(limits, key):
            yield (
                f'{PREFIX}RATE_LIMITS["{key}"] is off.',
                "Leave it out for the default, or set a limit of your own. Without one, a "
                "stolen session can try any number of faces, and the provider charges for each.",
            )


@check("faceauth.W023", deploy=True)
def check_retention() -> Findings:
    """Personal data would stay for ever."""
    kept = value("RETENTION") or {}
    for name in PERSONAL:
        if name in kept and kept[name] is None:
            yield (
                f"{PREFIX}RETENTION keeps {name} for ever.",
                'Set a period, such as "90d", or leave it out for the default. If a law '
                "requires you to keep it, silence this check.",
            )


@check("faceauth.W037", deploy=True)
def check_task_backend() -> Findings:
    """No task reaches a worker."""
    with suppress(Exception):  # E001 says so
        tasks = runner.tasks() if value("RUNNER") == "tasks" else None
        backend = type(tasks.process_event.get_backend()).__name__ if tasks else ""
        if backend in {"DummyBackend", "ImmediateBackend"}:
            yield (
                f"{PREFIX}RUNNER is tasks, and {backend} of TASKS has no workers.",
                "Set a backend with workers, such as django_tasks_db.DatabaseBackend.",
            )
