"""The audit log in the admin: who, what, about what, when, and nothing to change."""

from __future__ import annotations

import pytest
from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
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
    """A reviewer has looked at a face."""
    reviewer = staff("reviewer", name="anna")
    return audit_log.note(
        "face_viewed", by=reviewer.user, about=approved, now=timezone.now(), times=2
    )


def test_the_log_says_who_did_what_to_what_and_when(staff, entry, approved):
    boss = staff("superuser")

    for page in (boss.opens(LIST), boss.opens(ONE, entry.pk)):
        assertContains(page, "Captured face viewed")
        assertContains(page, f'<a href="/admin/auth/user/{entry.by_id}/change/">anna</a>')
        row = address("faceauthentication_change", approved.pk)
        assertContains(page, f'<a href="{row}">Face authentication {approved.pk}</a>')
        assertContains(page, "times: 2")
        assertContains(page, "March 1, 2026")


def test_nobody_changes_it_in_the_admin(staff, entry):
    """L-03: not even a superuser."""
    boss = staff("superuser")

    assertNotContains(boss.opens(ONE, entry.pk), 'name="_save"')
    for page in ("auditentry_change", "auditentry_delete"):
        assert boss.browser.post(address(page, entry.pk), {"event": "erased"}).status_code == 403
    assert boss.browser.post(address("auditentry_add"), {}).status_code == 403
    assert AuditEntry.objects.get().event == "face_viewed"


@pytest.mark.parametrize("subject", ["", "auth", "gone.model:7", "faceauth.gone:7", "a.b:<b>"])
def test_what_is_not_known_any_more_is_shown_as_it_is(staff, entry, subject):
    AuditEntry.objects.update(subject=subject)

    page = staff("superuser").opens(LIST)

    assertContains(page, f'<td class="field-about">{escape(subject) or NOTHING}</td>')


def test_deleted_accounts_and_commands_have_no_link(staff, entry):
    User.objects.filter(pk=entry.by_id).delete()
    audit_log.note("purged", by=None, now=timezone.now())

    page = staff("superuser").opens(LIST)

    assertContains(page, f"deleted user {entry.by_id}")
    assertContains(page, "a command")
    assertNotContains(page, f"/user/{entry.by_id}/")


def test_rows_without_a_page_in_this_admin_have_no_link(entry):
    desk = readonly.AuditDesk(AuditEntry, AdminSite())

    assert desk.about(entry) == f"Face authentication {entry.subject.partition(':')[2]}"
    assert desk.author(entry) == "anna"


@pytest.mark.parametrize(
    ("query", "found"),
    [("anna", 1), ("ann", 0), ("faceauth.faceauthentication:{pk}", 1), ("7", 0)],
)
def test_search_is_by_user_name_or_by_row(staff, entry, approved, query, found):
    page = staff("superuser").opens(LIST, q=query.format(pk=approved.pk))

    assert page.context["cl"].result_count == found


def test_events_are_a_filter(staff, entry):
    boss = staff("superuser")

    assert boss.opens(LIST, event__exact="face_viewed").context["cl"].result_count == 1
    assert boss.opens(LIST, event__exact="erased").context["cl"].result_count == 0


def test_the_list_takes_as_many_statements_however_long_it_is(staff, entry, approved):
    boss = staff("superuser")
    boss.opens(LIST)
    with CaptureQueriesContext(connection) as few:
        boss.opens(LIST)
    for number in range(20):
        user = staff("reader", name=f"reader-{number}").user
        audit_log.note("synced", by=user, about=approved, now=timezone.now())

    with CaptureQueriesContext(connection) as many:
        boss.opens(LIST)

    assert len(many) == len(few)
