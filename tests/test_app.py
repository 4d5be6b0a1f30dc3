"""The package as Django sees it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

import django_faceauth
from django_faceauth.exceptions import NotEnrolled
from django_faceauth.models import Applicant, FaceChallenge
from django_faceauth.services.enrolment import applicants

pytestmark = pytest.mark.database

ROOT = Path(django_faceauth.__file__).parent


def test_the_migrations_are_those_of_the_models(db):
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def test_the_package_is_typed():
    assert (ROOT / "py.typed").exists()


def test_setting_up_a_site_imports_nothing_heavy():
    """requests comes with the first page that needs it."""
    code = (
        "import os, sys, django\n"
        "os.environ['DJANGO_SETTINGS_MODULE'] = 'tests.settings'\n"
        "django.setup()\n"
        "heavy = {'requests', 'urllib3', 'celery', 'rest_framework.views', 'health_check',"
        " 'prometheus_client'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )

    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "values",
    [
        {"state": "open", "dedup_key": None},
        {"state": "failed", "dedup_key": "x"},
        {"state": "granted", "dedup_key": None, "verified_at": None},
        {"state": "consumed", "dedup_key": None, "verified_at": None},
    ],
)
def test_the_database_refuses_states_that_make_no_sense(person, values):
    row = {"user": person.user, "max_age": 1, "created_at": timezone.now(), "handle": "h"}

    with pytest.raises(IntegrityError), transaction.atomic():
        FaceChallenge.objects.create(**row, **values)


def test_linking_a_user(people):
    """To one applicant at a time, and no two users to the same."""
    person = people(None)
    assert not applicants.is_enrolled(person.user)

    applicants.link(person.user, "aplt_one")
    applicants.link(person.user, "aplt_two")

    assert Applicant.objects.get().applicant_id == "aplt_two"
    assert applicants.is_enrolled(person.user)
    with pytest.raises(IntegrityError), transaction.atomic():
        applicants.link(people(None).user, "aplt_two")


def test_an_inactive_user_has_no_applicant_to_speak_of(person):
    """Whoever asks (G-02)."""
    person.user.is_active = False

    assert not applicants.is_enrolled(person.user)
    with pytest.raises(NotEnrolled):
        applicants.applicant_of(person.user)


@pytest.mark.parametrize("wrong", ["", "aplt_", "fav_1", "aplt_a/../b", "aplt_" + "x" * 65, "x"])
def test_linking_to_what_is_no_applicant(people, wrong):
    with pytest.raises(ValueError, match="aplt_"):
        applicants.link(people(None).user, wrong)


def test_rows_name_themselves_without_personal_data(person):
    person.passes("/statements/")
    rows = [
        person.challenge,
        person.authentication,
        person.authentication.attempts.get(),
        person.authentication.status_changes.first(),
        person.user.face_applicant,
    ]

    assert all(str(row) and person.user.username not in str(row) for row in rows)
    assert person.challenge.handle not in str(person.challenge)
