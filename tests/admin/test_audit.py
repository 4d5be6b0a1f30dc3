"""The audit log in the admin, which is read-only."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.html import escape
from pytest_django.asserts import assertContains, assertNotContains

from django_faceauth.admin.display import NOTHING
from django_faceauth.models import AuditEntry
from django_faceauth.services import audit_log
from tests.admin.staff import address, text_of

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


def test_the_log_shows_who_did_what_to_whom_and_when(boss, entry, approved):
    for page in (boss.opens(LIST), boss.opens(ONE, entry.pk)):
        assertContains(page, "Captured face viewed")
        assertContains(page, f'<a href="/admin/auth/user/{entry.by_id}/change/">anna</a>')
        user = approved.user
        assertContains(page, f'<a href="/admin/auth/user/{user.pk}/change/">{user.username}</a>')
        row = address("faceauthentication_change", approved.pk)
        assertContains(page, f'<a href="{row}">Face authentication {approved.pk}</a>')
        assertContains(page, "<div>times: <bdi>2</bdi></div>")
        assertContains(page, f"{timezone.localtime(entry.at):%Y-%m-%d %H:%M:%S}")


def test_only_viewers_of_a_row_get_its_link(staff, entry, approved):
    """Names are for all who may read the log."""
    page = staff("reader").opens(LIST)

    assertContains(page, address("faceauthentication_change", approved.pk))
    assertNotContains(page, "/admin/auth/user/")
    for name in ("anna", approved.user.username):
        assertContains(page, name)


@pytest.mark.parametrize(
    ("event", "details", "words"),
    [
        ("verdict", {"finding": "fraud"}, "Verdict recorded"),
        ("verdict", {"finding": "fraud"}, "finding: fraud"),
        ("exempted", {"action": "*"}, "action: every page"),
        ("exported", {"fraud_codes": False}, "fraud codes: no"),
        ("exported", {"oldest": "2026-02-01T18:00:00Z"}, "oldest: 2026-02-01 12:00:00"),
        ("moved_to_mars", {"with": "<b>"}, "moved_to_mars"),
        ("moved_to_mars", {"with": "<b>"}, "with: <b>"),
    ],
)
def test_events_and_details_are_words(boss, entry, event, details, words):
    """An unknown one shows its code."""
    AuditEntry.objects.update(event=event, details=details)

    assert words in text_of(boss.opens(LIST))


@pytest.mark.parametrize("subject", ["", "auth", "gone.model:7", "faceauth.gone:7", "a.b:<b>"])
def test_an_unknown_subject_is_shown_as_it_is(boss, entry, subject):
    AuditEntry.objects.update(subject=subject)

    assertContains(boss.opens(LIST), f'<td class="field-about">{escape(subject) or NOTHING}</td>')


def test_deleted_users_and_commands_have_no_link(boss, entry, approved):
    User.objects.filter(pk__in=[entry.by_id, approved.user_id]).delete()
    audit_log.note("purged", by=None, now=timezone.now())

    page = boss.opens(LIST)

    for pk in (entry.by_id, approved.user_id):
        assertContains(page, f"deleted user {pk}")
        assertNotContains(page, f"/user/{pk}/")
    assertContains(page, "a command")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "anna"}, 1),
        ({"q": "ann"}, 1),
        ({"q": "nna"}, 0),
        ({"q": "{user}"}, 1),
        ({"q": "faceauth.faceauthentication:{pk}"}, 1),
        ({"q": "7"}, 0),
        ({"event__exact": "face_viewed"}, 1),
        ({"event__exact": "erased"}, 0),
        ({"at__gte": "2026-03-01 00:00:00+00:00"}, 1),
        ({"at__lt": "2026-03-01 00:00:00+00:00"}, 0),
    ],
)
def test_entries_are_found_by_user_row_event_or_date(boss, entry, approved, query, found):
    query = {
        name: value.format(pk=approved.pk, user=approved.user) for name, value in query.items()
    }

    assert boss.opens(LIST, **query).context["cl"].result_count == found
