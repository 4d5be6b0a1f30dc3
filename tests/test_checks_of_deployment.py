"""What `manage.py check --deploy` says besides: what a laptop may do, and a site should not."""

from __future__ import annotations

import pytest
from django.core.checks import run_checks
from django.test import override_settings

from django_faceauth.checks import TAG

BACKENDS = "django.core.cache.backends"
ENGINES = "django.contrib.sessions.backends"

#: A site that has been thought about.
DEPLOYED = {
    "FACEAUTH_ENVIRONMENT": "live",
    "FACEAUTH_SECRET_KEY": "sk_live",
    "FACEAUTH_CONSENT_VERSION": "2026-11",
    "FACEAUTH_FALLBACK": "/by-phone/",
}


def found(*, deploy: bool = True, **settings: object) -> set[str]:
    """Return the findings; the simulator, which is installed here, would be one on a live site."""
    with override_settings(**DEPLOYED), override_settings(**settings):
        messages = run_checks(tags=[TAG], include_deployment_checks=deploy)
    return {message.id.removeprefix("faceauth.") for message in messages} - {"E019"}


def test_the_reminder_is_all_that_a_good_deployment_is_told():
    """C-01: until it is silenced."""
    assert found() == {"W014"}
    assert found(deploy=False) == set()


def test_whoever_has_assessed_the_risks_silences_the_reminder():
    """C-01."""
    with override_settings(SILENCED_SYSTEM_CHECKS=["faceauth.W014"]), override_settings(**DEPLOYED):
        messages = run_checks(tags=[TAG], include_deployment_checks=True)

    assert {one.id for one in messages if not one.is_silenced()} == {"faceauth.E019"}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"FACEAUTH_ENVIRONMENT": "sandbox"}, ["W012"]),
        ({"ALLOWED_HOSTS": ["*"]}, ["W013"]),
        ({"ALLOWED_HOSTS": ["bank.example", "*"]}, ["W013"]),
        ({"ALLOWED_HOSTS": [".bank.example"]}, []),
        ({"FACEAUTH_CONSENT_VERSION": ""}, ["W015"]),
        ({"FACEAUTH_CONSENT_VERSION": "", "FACEAUTH_FALLBACK": ""}, ["W015", "W016"]),  # V-04
        ({"FACEAUTH_RATE_LIMITS": {"unsuccessful": []}}, ["W019"]),  # T-2.4
        ({"FACEAUTH_RATE_LIMITS": {"lockout": None}}, ["W019"]),
        ({"FACEAUTH_RATE_LIMITS": {"lockout": ()}}, ["W019"]),
        ({"FACEAUTH_RETENTION": {"flows": None}}, ["W023"]),  # V-06
        ({"FACEAUTH_RETENTION": {"tombstones": None, "audit": None}}, []),
        ({"FACEAUTH_RETENTION": {"flows": "1d"}}, []),
        ({"FACEAUTH_RATE_LIMITS": {"lockout": (3, "1h"), "unsuccessful": ["1/m"]}}, []),
    ],
    ids=str,
)
def test_what_a_deployment_is_told(settings, expected):
    """And nobody else."""
    assert found(**settings) == {"W014", *expected}
    assert found(**settings, deploy=False) == set()


def test_without_another_way_is_said_once():
    """W010 says so where people are asked for their consent, on laptops too."""
    assert found(FACEAUTH_FALLBACK="") == {"W010", "W014"}


@pytest.mark.parametrize("key", ["unsuccessful", "lockout"])
def test_limits_that_cannot_be_read_are_not_taken_for_none(key):
    assert found(FACEAUTH_RATE_LIMITS={key: "seldom"}) == {"E001", "W014"}


@pytest.mark.parametrize("engine", ["cache", "cached_db"])
@pytest.mark.parametrize(
    ("backend", "expected"),
    [
        ("locmem.LocMemCache", {"W011"}),
        ("dummy.DummyCache", {"W011"}),
        ("filebased.FileBasedCache", set()),
        ("nobodys.Cache", set()),  # the first request says so
    ],
)
def test_sessions_that_processes_do_not_share(engine, backend, expected, tmp_path):
    caches = {"default": {"BACKEND": f"{BACKENDS}.{backend}", "LOCATION": str(tmp_path)}}

    assert found(SESSION_ENGINE=f"{ENGINES}.{engine}", CACHES=caches) == {"W014", *expected}


def test_a_private_cache_is_no_matter_where_sessions_are_rows():
    caches = {"default": {"BACKEND": f"{BACKENDS}.locmem.LocMemCache"}}

    assert found(SESSION_ENGINE=f"{ENGINES}.db", CACHES=caches) == {"W014"}
