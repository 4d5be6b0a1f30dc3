"""The audit log in the admin, which is read-only."""

from __future__ import annotations

import pytest
from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.html import escape
from pytest_django.asserts import assertContains, assertNotContains

from django_faceauth.admin import readonly
from django_faceauth.admin.display import NOTHING
from django_faceauth.models import AuditEntry
from django_faceauth.services import audit_log
from tests.admin.staff import address

pytestmark = [pytest.mark.database, pytest.mark.django_db]

LIST, ONE = "auditentry_changelist", "auditentry_change"


@pytest.fixture
def entry(staff, approved):
    """A reviewer has viewed a face."""
    reviewer = staff("reviewer", name="anna")
    return audit_log.note(
        "face_viewed", by=reviewer.user, about=approved, now=timezone.now(), times=2
    )


@pytest.fixture
def boss(staff):
    return staff("superuser")


def test_the_log_shows_who_did_what_to_what_and_when(boss, entry, approved):
    for page in (boss.opens(LIST), boss.opens(ONE, entry.pk)):
        assertContains(page, "Captured face viewed")
        assertContains(page, f'<a href="/admin/auth/user/{entry.by_id}/change/">anna</a>')
        row = address("faceauthentication_change", approved.pk)
        assertContains(page, f'<a href="{row}">Face authentication {approved.pk}</a>')
        assertContains(page, "times: 2")
        assertContains(page, "March 1, 2026")


@pytest.mark.parametrize("subject", ["", "auth", "gone.model:7", "faceauth.gone:7", "a.b:<b>"])
def test_an_unknown_subject_is_shown_as_it_is(boss, entry, subject):
    AuditEntry.objects.update(subject=subject)

    assertContains(boss.opens(LIST), f'<td class="field-about">{escape(subject) or NOTHING}</td>')


def test_only_rows_with_a_page_have_a_link(boss, entry):
    other = readonly.AuditEntryAdmin(AuditEntry, AdminSite())
    assert other.about(entry) == f"Face authentication {entry.subject.partition(':')[2]}"
    assert other.author(entry) == "anna"
    User.objects.filter(pk=entry.by_id).delete()
    audit_log.note("purged", by=None, now=timezone.now())

    page = boss.opens(LIST)

    assertContains(page, f"deleted user {entry.by_id}")
    assertContains(page, "a command")
    assertNotContains(page, f"/user/{entry.by_id}/")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "anna"}, 1),
        ({"q": "ann"}, 0),
        ({"q": "faceauth.faceauthentication:{pk}"}, 1),
        ({"q": "7"}, 0),
        ({"event__exact": "face_viewed"}, 1),
        ({"event__exact": "erased"}, 0),
    ],
)
def test_entries_are_found_by_user_row_or_event(boss, entry, approved, query, found):
    query = {name: value.format(pk=approved.pk) for name, value in query.items()}

    assert boss.opens(LIST, **query).context["cl"].result_count == found
