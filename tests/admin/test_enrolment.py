"""Identity verifications and applicants in the admin."""

from __future__ import annotations

import pytest
from django.test import override_settings
from pytest_django.asserts import assertContains, assertNotContains

from django_faceauth.models import Applicant, AuditEntry, IdentityVerification
from django_faceauth.response_codes import MEANINGS
from django_faceauth.simulator.models import StoredApplicant
from tests.admin.staff import address, text_of
from tests.enrolment_driver import OFFERED, enrols
from tests.gate.test_admin import make_staff
from tests.provider_double import answers

pytestmark = [pytest.mark.database, pytest.mark.django_db]

LIST, ONE = "identityverification_changelist", "identityverification_change"


@pytest.fixture(autouse=True)
def offered():
    with override_settings(**OFFERED):
        yield


@pytest.fixture
def erin(people):
    """A user who enrolled themselves."""
    erin = people(None, name="erin")
    enrols(erin)
    return erin


@pytest.fixture
def mallory(people):
    """A user who was declined."""
    mallory = people(None, name="mallory")
    enrols(mallory, "someone_else")
    return mallory


def test_the_list_names_user_result_and_when_the_face_counts(staff, erin, mallory):
    shown, boss = staff("reader").reads(LIST), staff("superuser")

    for row in IdentityVerification.objects.all():
        assert row.provider_id[:10] in shown
        assert row.user.username in shown
        assert row.get_outcome_display() in shown
        for term in (row.provider_id, row.applicant_id, row.user.username):
            assert boss.lists("identityverification", q=term) == [row], term
        assert boss.lists("identityverification", outcome=row.outcome) == [row]
        page = boss.opens(ONE, row.pk)
        assertContains(page, row.applicant_id)
        for secret in (row.handle, row.session_digest):
            assertNotContains(page, secret)
    for term in ("idv_unknown", "unknown", "%", "'; --"):
        assert boss.lists("identityverification", q=term) == [], term
    assert "March 2, 2026" in shown  # a day later
    assert "March 2, 2026" in boss.reads("applicant_changelist")


@pytest.mark.parametrize("page", [LIST, ONE])
def test_fraud_is_kept_from_those_who_may_not_see_it(staff, mallory, page):
    """V-12."""
    arguments = [mallory.user.identity_verifications.get().pk] if page == ONE else []

    assert f"62321 {MEANINGS[62321]}" not in staff("reader").reads(page, *arguments)
    assert f"62321 {MEANINGS[62321]}" in staff("reviewer").reads(page, *arguments)


@pytest.mark.parametrize(
    ("applicant_id", "trouble", "text"),
    [
        ("aplt_known", None, ""),
        ("aplt_unknown", None, "does not know this applicant"),
        ("aplt_known", answers(401), "cannot be asked"),
        ("aplt_known", answers(503), "cannot be asked"),
        ("fav_known", None, "begins with aplt_"),
    ],
)
def test_staff_link_applicants_that_the_provider_knows(
    people, provider, applicant_id, trouble, text
):
    StoredApplicant.objects.create(id="aplt_known", document={})
    boss, user = make_staff(people()), people(None).user
    boss.proves(boss.is_asked(address("applicant_add")))
    provider.troubles.extend([trouble] * 5 if trouble else [])

    saved = boss.browser.post(
        address("applicant_add"), {"user": user.pk, "applicant_id": applicant_id}
    )

    assert saved.status_code == (200 if text else 302)
    assert text in text_of(saved)
    linked = Applicant.objects.filter(user=user, usable_from=None)
    assert list(linked.values_list("applicant_id", flat=True)) == ([] if text else [applicant_id])


def test_links_that_staff_make_and_remove_are_in_the_audit_log(people):
    StoredApplicant.objects.create(id="aplt_known", document={})
    boss, user = make_staff(people()), people(None).user
    boss.proves(boss.is_asked(address("applicant_add")))
    boss.browser.post(address("applicant_add"), {"user": user.pk, "applicant_id": "aplt_known"})
    boss.browser.post(address("applicant_delete", user.face_applicant.pk), {"post": "yes"})

    assert not Applicant.objects.filter(user=user).exists()
    log = AuditEntry.objects.filter(user=user).order_by("pk")
    assert list(log.values_list("event", "by")) == [
        ("linked", boss.user.pk),
        ("unlinked", boss.user.pk),
    ]
