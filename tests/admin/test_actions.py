"""What staff do: asked first, told row by row, written down."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone
from pytest_django.asserts import assertContains, assertNotContains

from django_faceauth.admin import exports
from django_faceauth.models import (
    AuditEntry,
    FaceAuthentication,
    FaceChallenge,
    FaceExemption,
    Lockout,
    WebhookEvent,
)
from django_faceauth.services import audit_log, limits
from tests.admin.staff import Staff, address, text_of
from tests.provider_double import answers, breaks
from tests.user_driver import capture_url_in

pytestmark = [pytest.mark.database, pytest.mark.django_db]


def forgotten(provider):
    return sum(call.endswith("/anonymize") for call in provider.calls)


def succeeded(page):
    """Return for each row whether the action succeeded."""
    return [outcome.is_good for outcome in page.context["outcomes"]]


def entries():
    return list(AuditEntry.objects.order_by("pk").values_list("event", "by", "subject"))


@pytest.mark.parametrize("action", ["sync_now", "revoke_grants", "anonymize", "export_csv"])
def test_nothing_happens_before_staff_say_that_they_mean_it(
    staff, person, approved, provider, action
):
    operator, calls = staff("operator"), len(provider.calls)

    page = operator.does(action, approved)

    assertContains(page, 'name="confirmed"')
    assert "outcomes" not in page.context
    assert len(provider.calls) == calls
    assert person.browser.get("/statements/").status_code == 200
    assert entries() == []


def test_asking_the_provider(staff, people, provider):
    person = people()
    capture = capture_url_in(person.presses(person.is_asked()))
    person.shows_face(capture)
    person.clock.shift(10)
    operator, row = staff("operator"), person.authentication

    page = operator.confirms("sync_now", row)

    row.refresh_from_db()
    assert row.status == "approved"
    assert row.status_changes.last().source == "admin"
    assert succeeded(page) == [True]
    assert entries() == [("synced", operator.user.pk, audit_log.subject_of(row))]
    assert LogEntry.objects.get().object_id == str(row.pk)
    person.clock.shift(10)
    calls = len(provider.calls)
    operator.confirms("sync_now", row)
    asked = len(provider.calls)
    operator.confirms("sync_now", row)  # just asked
    assert len(provider.calls) == asked > calls


def test_what_fails_is_told_row_by_row(staff, person, approved, provider):
    """By its kind, and by nothing else."""
    intent = FaceAuthentication.objects.create(user=person.user, applicant_id="aplt_1")
    person.clock.shift(10)
    provider.troubles.append(answers(503, "secret body", request_id="req-7"))

    page = staff("operator").confirms("sync_now", approved, intent)

    assert sorted(succeeded(page)) == [False, True]
    assertContains(page, "Unavailable")
    assertNotContains(page, "secret body")
    assert not LogEntry.objects.filter(object_id=str(approved.pk)).exists()


def test_taking_back(staff, person, approved):
    operator = staff("operator")

    page = operator.confirms("revoke_grants", approved)

    assert succeeded(page) == [True]
    assert person.browser.get("/statements/").status_code == 302
    assert FaceChallenge.objects.get(granted_at__isnull=False).reason == "staff"
    assert succeeded(operator.confirms("revoke_grants", approved)) == [True]
    assert AuditEntry.objects.earliest("pk").details == {"grants": 1, "used": 0}


def test_having_the_provider_forget(staff, person, approved, provider):
    operator = staff("operator")

    page = operator.confirms("anonymize", approved)

    approved.refresh_from_db()
    assert succeeded(page) == [True]
    assert approved.erased_at is not None
    assert person.browser.get("/statements/").status_code == 302
    assert forgotten(provider) == 1
    assert succeeded(operator.confirms("anonymize", approved)) == [True]
    assert forgotten(provider) == 1


def test_forgetting_that_fails_leaves_no_entry(staff, approved, provider):
    provider.troubles.append(breaks())

    page = staff("operator").confirms("anonymize", approved)

    approved.refresh_from_db()
    assert succeeded(page) == [False]
    assert (approved.erased_at, entries()) == (None, [])


def test_an_event_is_acted_upon_once_more(staff, approved, clock):
    event = WebhookEvent.objects.create(
        event_id="evt_1",
        type="face_authentication_checks_completed",
        provider_id=approved.provider_id,
        received_at=timezone.now(),
        state="failed",
        error="Unavailable",
        tries=20,
    )
    operator = staff("operator")
    operator.confirms("reprocess", event)  # asked just now
    event.refresh_from_db()
    assert event.state == "stored"

    clock.shift(10)
    page = operator.confirms("reprocess", event)

    event.refresh_from_db()
    assert succeeded(page) == [True]
    assert (event.state, event.error) == ("processed", "")
    assert entries() == [("reprocessed", operator.user.pk, audit_log.subject_of(event))] * 2


def test_an_event_that_names_nothing_cannot_be(staff):
    event = WebhookEvent.objects.create(
        event_id="sha256:0", received_at=timezone.now(), state="failed"
    )

    page = staff("operator").confirms("reprocess", event)

    assert succeeded(page) == [True]
    event.refresh_from_db()
    assert (event.state, entries()) == ("failed", [])


def test_too_many_rows_are_refused(staff, person, provider):
    rows = [FaceAuthentication(user=person.user, applicant_id="aplt_1") for _ in range(101)]
    rows = FaceAuthentication.objects.bulk_create(rows)

    page = staff("operator").does(
        "sync_now", rows[0], select_across="1", index="0", confirmed="yes"
    )

    assert page.context["too_many"]
    assert "outcomes" not in page.context
    assert entries() == []


def test_under_atomic_requests_too(staff, person, approved, settings):
    """What staff do calls the provider, which no transaction may span."""
    view = Staff("superuser").browser.get(address("faceauthentication_changelist")).resolver_match

    assert view.func._non_atomic_requests == {"default"}


# -- files


def test_csv_of_a_list(staff, person, declined, approved):
    operator = staff("operator")

    response = operator.confirms("export_csv", approved, declined)

    body = b"".join(response.streaming_content).decode()
    rows = list(csv.DictReader(io.StringIO(body)))
    assert [row["provider_id"] for row in rows] == [approved.provider_id, declined.provider_id]
    assert (rows[0]["user"], rows[0]["status"]) == (person.user.username, "approved")
    assert rows[1]["response_codes"] == ""  # the operator may not see fraud codes (V-12)
    assert response["Content-Disposition"] == 'attachment; filename="faceauth.csv"'
    assert response["Cache-Control"].startswith("no-store, private")
    assert AuditEntry.objects.get().details == {"format": "csv", "rows": 2}
    assert LogEntry.objects.get(user=operator.user).change_message.endswith(": 2")
    assert operator.browser.get("/admin/").status_code == 200  # it is shown there, without a row


def test_json_of_a_list(staff, declined):
    boss = staff("superuser")

    response = boss.confirms("export_json", declined)

    (row,) = json.loads(b"".join(response.streaming_content))
    assert (row["provider_id"], row["response_codes"]) == (declined.provider_id, [62321])
    assert row["action"] == ""


def test_an_empty_list_is_a_file_too(staff, declined):
    gone = FaceAuthentication(pk=declined.pk + 1000)
    response = staff("superuser").does("export_json", gone, confirmed="yes")

    # Django's admin finds nothing chosen, and shows the list again.
    assert response.status_code in {200, 302}


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@sum", "\tx"])
def test_spreadsheets_find_no_formula(staff, approved, person, name):
    type(person.user).objects.filter(pk=person.user.pk).update(username=name)

    response = staff("superuser").confirms("export_csv", approved)

    (row,) = csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode()))
    assert row["user"] == f"'{name}"


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("a;=1+1", "a;'=1+1"),
        ("a,@sum", "a,'@sum"),
        ('"=1', "\"'=1"),
        ("'=1", "''=1"),
        (" =1", " '=1"),
        ("\xa0-1", "\xa0'-1"),
        ("\t=1", "'\t'=1"),
        ("\r=1", "↵=1"),
        ("a\r\n=1\u2028b\x00", "a↵=1↵b[U+0000]"),
        ("\u200b=1", "[U+200B]=1"),
        ("a;b\uff1d1;\uff1d1", "a;b\uff1d1;'\uff1d1"),
        ("anna-maria+x@bank.example", "anna-maria+x@bank.example"),
    ],
)
def test_a_cell_is_one_line_without_a_formula(name, cell):
    """Also where a spreadsheet splits or trims it in its own way (F-66)."""
    header, line = exports._as_csv([dict.fromkeys(exports.COLUMNS, "") | {"user": name}])

    assert header.startswith('"provider_id","user",')
    assert (
        line
        == f'"","{cell.replace(chr(34), chr(34) * 2)}"'
        + ',""' * (len(exports.COLUMNS) - 2)
        + "\r\n"
    )
    assert len(line.splitlines()) == 1


def test_a_file_is_written_while_it_is_read(staff, person, django_assert_max_num_queries):
    FaceAuthentication.objects.bulk_create(
        FaceAuthentication(user=person.user, applicant_id="aplt_1") for _ in range(4_500)
    )
    boss, first = staff("superuser"), FaceAuthentication.objects.first()

    response = boss.does("export_csv", first, select_across="1", index="0", confirmed="yes")

    assert response.streaming
    lines = iter(response.streaming_content)
    assert next(lines).startswith(b'"provider_id"')
    with django_assert_max_num_queries(12):
        assert sum(1 for _line in lines) == 4_500


# -- people


def test_a_lockout_is_lifted_behind_a_face(people, person):
    """Whoever lets others try again shows their own face first (G-12)."""
    lockout = limits.lock(
        person.user.pk,
        reason=Lockout.Reason.REPORTED,
        until=timezone.now() + timedelta(days=1),
        now=timezone.now(),
    )
    boss = boss_of(people)
    form = {"action": "lift", "_selected_action": [lockout.pk], "confirmed": "yes"}
    refused = boss.browser.post(address("lockout_changelist"), form)
    assert "/face/start/" in refused["Location"]
    assert person.browser.get(person.is_asked()).status_code == 429

    boss.proves(refused["Location"])
    page = boss.browser.post(address("lockout_changelist"), form)

    assert succeeded(page) == [True]
    assert person.browser.get(person.is_asked()).status_code == 200
    assert [event for event, *_ in entries()] == ["lockout_lifted"]


def boss_of(people):
    boss = people()
    type(boss.user).objects.filter(pk=boss.user.pk).update(is_staff=True, is_superuser=True)
    return boss


def test_an_exemption_is_given_and_ended_in_the_open(people):
    """With a reason, in the author's own name, behind the author's face."""
    boss, person = boss_of(people), people()
    form = {
        "user": person.user.pk,
        "action": "",
        "reason": "Broke her arm",
        "expires_at_0": "2026-04-01",
        "expires_at_1": "12:00:00",
    }
    start = boss.is_asked(address("faceexemption_add"))
    boss.proves(start)

    saved = boss.browser.post(address("faceexemption_add"), form)

    assert saved.status_code == 302, text_of(saved)
    exemption = FaceExemption.objects.get()
    assert (exemption.author, exemption.user) == (boss.user, person.user)
    assert person.browser.get("/statements/").status_code == 200
    chosen = {"action": "end_exemptions", "_selected_action": [exemption.pk], "confirmed": "yes"}
    page = boss.browser.post(address("faceexemption_changelist"), chosen)
    assert succeeded(page) == [True]
    assert person.browser.get("/statements/").status_code == 302
    assert [event for event, *_ in entries()] == ["exempted", "exemption_ended"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"user": "self"}, "user"),
        ({"expires_at_0": "2020-01-01"}, "expires_at"),
        ({"expires_at_0": "9999-12-31"}, "expires_at"),  # (F-41)
        ({"reason": ""}, "reason"),
    ],
)
def test_an_exemption_that_makes_no_sense(people, change, field):
    boss, person = boss_of(people), people()
    boss.proves(boss.is_asked(address("faceexemption_add")))
    form = {
        "user": person.user.pk,
        "action": "",
        "reason": "Broke her arm",
        "expires_at_0": "2026-04-01",
        "expires_at_1": "12:00:00",
    } | change
    form["user"] = boss.user.pk if form["user"] == "self" else form["user"]

    page = boss.browser.post(address("faceexemption_add"), form)

    assert list(page.context["adminform"].form.errors) == [field]
    assert not FaceExemption.objects.exists()
