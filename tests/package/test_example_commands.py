"""What `manage.py` of the bank says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.server import manage

OUTSIDE_DEBUG = {
    "DEBUG": "false",
    "FACEAUTH_BASE_URL": "https://provider.checkout.com",
    "FACEAUTH_TOKEN_URL": "https://provider.checkout.com/connect/token",
    "FACEAUTH_SIMULATOR_ENABLED": "true",
}
LOGIN_PAGE = """
from django.test import Client
print(Client().get("/login/", headers={"host": "localhost"}).content.decode())
"""


def test_people_are_listed_line_by_line(tmp_path: Path) -> None:
    """A second time changes nothing and says the same."""
    manage(tmp_path, "migrate", "--verbosity=0")

    first = manage(tmp_path, "demo_people")
    second = manage(tmp_path, "demo_people")

    heading, *lines = [line for line in first.splitlines() if " / " in line]
    assert heading == "username / password"
    names = "alice bob carol dave erin grace frank reviewer operator admin"
    assert [line.partition(" / demo: ")[0] for line in lines] == names.split()
    assert second == first


def test_nobody_with_a_known_password_outside_debug(tmp_path: Path) -> None:
    """Outside DEBUG the people are not made, and the login page offers nobody."""
    with pytest.raises(AssertionError, match="only with DEBUG"):
        manage(tmp_path, "demo_people", **OUTSIDE_DEBUG)

    page = manage(tmp_path, "shell", "-c", LOGIN_PAGE, **OUTSIDE_DEBUG)
    assert 'name="password"' in page
    assert "alice" not in page


def test_bank_is_in_order(tmp_path: Path) -> None:
    """Django's checks find nothing, and no migration is missing."""
    manage(tmp_path, "check", "--fail-level=WARNING")
    manage(tmp_path, "makemigrations", "--check", "--dry-run")


def test_a_service_that_is_away_is_named(tmp_path: Path) -> None:
    """`make demo-full` says in plain words what it lacks, and how to get it."""
    away = "redis://127.0.0.1:1/0"

    with pytest.raises(AssertionError, match=r"The broker cannot be reached(.|\n)*docker run"):
        manage(tmp_path, "demo_services", CELERY_BROKER_URL=away)
    with pytest.raises(AssertionError, match=r"The database cannot be reached(.|\n)*DATABASE_URL"):
        manage(tmp_path, "demo_services", DATABASE_URL=f"sqlite:///{tmp_path}/no/such.sqlite3")


REASONS = """
from django_faceauth.models import Consent, ReviewCase
print(*[reason for case in ReviewCase.objects.all() for reason in case.reasons])
print("consents:", Consent.objects.count())
"""


def test_two_weeks_of_history_for_the_desk(tmp_path: Path) -> None:
    """Once: somebody finds each kind of case in the queue, and the log is quiet about it."""
    manage(tmp_path, "migrate", "--verbosity=0")
    manage(tmp_path, "demo_people")

    first = manage(tmp_path, "demo_history")
    second = manage(tmp_path, "demo_history")

    assert "Played 24 face checks" in first
    assert second == ""
    told = manage(tmp_path, "shell", "--no-imports", "-c", REASONS)
    assert {"fraud", "duress", "turned", "attempts"} <= set(told.split())
    assert "consents: 0" in told  # who comes to the demo is asked
