"""Migrations, links of users to applicants, and names of rows."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction

import django_faceauth
from django_faceauth.exceptions import NotEnrolled
from django_faceauth.models import Applicant
from django_faceauth.services.enrolment import applicants

pytestmark = pytest.mark.database


def test_the_package_is_the_one_beside_the_tests_or_the_installed_one():
    """An environment of tox that ends in `-wheel` has no other than the installed one."""
    is_installed = os.environ.get("FACEAUTH_TEST_PACKAGE") == "installed"
    folder = sysconfig.get_path("purelib") if is_installed else Path(__file__).parent.parent

    assert Path(django_faceauth.__file__).parent == Path(folder) / "django_faceauth"


def test_the_migrations_are_those_of_the_models(db):
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def test_a_user_is_linked_to_one_applicant_of_their_own(people):
    person = people(None)
    assert not applicants.is_enrolled(person.user)

    applicants.link(person.user, "aplt_one", check=False)
    applicants.link(person.user, "aplt_two", check=False)

    assert Applicant.objects.get().applicant_id == "aplt_two"
    assert applicants.is_enrolled(person.user)
    with pytest.raises(IntegrityError), transaction.atomic():
        applicants.link(people(None).user, "aplt_two", check=False)


def test_an_inactive_user_has_no_applicant(person):
    """G-02."""
    person.user.is_active = False

    assert not applicants.is_enrolled(person.user)
    with pytest.raises(NotEnrolled):
        applicants.applicant_of(person.user)


@pytest.mark.parametrize("wrong", ["", "aplt_", "fav_1", "aplt_a/../b", "aplt_" + "x" * 65, "x"])
def test_an_applicant_id_must_be_well_formed(people, wrong):
    with pytest.raises(ValueError, match="aplt_"):
        applicants.link(people(None).user, wrong, check=False)


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
