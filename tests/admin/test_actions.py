"""Actions of staff: confirmed first, with a result for each row, and logged."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone
from django.utils.formats import date_format
from pytest_django.asserts import assertContains, assertNotContains

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


def succeeded(page):
    """Return for each row whether the action succeeded."""
    return [changed is not None for *_row, changed, _text in page.context["outcomes"]]


def entries():
    return list(AuditEntry.objects.order_by("pk").values_list("event", "by", "subject"))


@pytest.mark.parametrize("action", ["sync_now", "revoke_grants", "anonymize", "export_csv"])
def test_nothing_happens_before_staff_confirm(staff, person, approved, provider, action):
    operator, calls = staff("operator"), len(provider.calls)

    page = operator.does(action, approved)

    assertContains(page, 'name="confirmed"')
    assert "outcomes" not in page.context
    assert len(provider.calls) == calls
    assert person.browser.get("/statements/").status_code == 200
    assert entries() == []


def test_asking_the_provider(staff, people, provider):
    person = people()
    person.shows_face(capture_url_in(person.presses(person.is_asked())))
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


FINAL = {
    "revoke_grants": "Revoke the grants of 2 face authentications",
    "anonymize": "Anonymize 2 face authentications",
}


@pytest.mark.parametrize("action", ["sync_now", *FINAL])
def test_what_cannot_be_undone_is_red_and_names_users_dates_and_how_many(
    staff, person, approved, declined, action
):
    page = staff("operator").does(action, approved, declined)

    red = re.search(r'<body class="[^"]*delete-confirmation', page.content.decode())
    assert bool(red) == ("This cannot be undone." in text_of(page)) == (action in FINAL)
    assert page.context["more"] == 0
    for row in (approved, declined):
        at = date_format(timezone.localtime(row.created_at), "DATETIME_FORMAT")
        assert f"{row.user.username} , {at} ( {row.provider_id} )" in text_of(page)
    if action in FINAL:
        assertContains(page, f'<input type="submit" value="{FINAL[action]}">')


def test_the_message_says_what_was_done_to_how_many_and_for_whom(staff, person, approved, declined):
    """In the word of the action; rows that were not changed do not count."""
    operator = staff("operator")
    operator.confirms("anonymize", approved)

    page = operator.confirms("anonymize", approved, declined)

    (message,) = page.context["messages"]
    name = declined.user.username
    assert message.tags == "success"
    assert message.message == f"Anonymize 1 face authentication: done for {name}."


def test_a_long_list_is_cut_and_counted_and_acts_on_what_it_showed(staff, person, provider):
    rows = FaceAuthentication.objects.bulk_create(
        FaceAuthentication(user=person.user, applicant_id="aplt_1") for _ in range(23)
    )
    operator = staff("operator")
    page = operator.does("revoke_grants", rows[0], select_across="1", index="0")
    assert len(page.context["rows"]) == 20
    assertContains(page, "and 3 more")
    fields = r'type="hidden" name="(\w+)" value="(\w*)"'
    found = re.findall(fields, page.content.decode())
    form = {"_selected_action": [value for name, value in found if name == "_selected_action"]}
    form |= {name: value for name, value in found if name not in form}
    FaceAuthentication.objects.create(user=person.user, applicant_id="aplt_1")  # meanwhile

    page = operator.browser.post(
        address("faceauthentication_changelist"),
        form,
    )

    assert len(page.context["outcomes"]) == 23


def test_failures_are_shown_row_by_row(staff, person, approved, provider):
    intent = FaceAuthentication.objects.create(user=person.user, applicant_id="aplt_1")
    person.clock.shift(10)
    provider.troubles.append(answers(503, "secret body", request_id="req-7"))

    page = staff("operator").confirms("sync_now", approved, intent)

    assert sorted(succeeded(page)) == [False, True]
    assertContains(page, "Unavailable")
    assertNotContains(page, "secret body")
    assert not LogEntry.objects.filter(object_id=str(approved.pk)).exists()


def test_grants_are_revoked_once(staff, person, approved):
    operator = staff("operator")

    assert succeeded(operator.confirms("revoke_grants", approved)) == [True]
    assert person.browser.get("/statements/").status_code == 302
    assert FaceChallenge.objects.get(granted_at__isnull=False).reason == "staff"
    assert succeeded(operator.confirms("revoke_grants", approved)) == [True]
    assert AuditEntry.objects.earliest("pk").details == {"grants": 1, "used": 0}


def test_a_face_is_anonymized_once_and_only_if_the_provider_did(staff, person, approved, provider):
    operator = staff("operator")
    provider.troubles.append(breaks())
    assert succeeded(operator.confirms("anonymize", approved)) == [False]
    approved.refresh_from_db()
    assert (approved.erased_at, entries()) == (None, [])
    provider.calls.clear()

    for _ in range(2):
        assert succeeded(operator.confirms("anonymize", approved)) == [True]
        approved.refresh_from_db()
        assert approved.erased_at is not None

    assert person.browser.get("/statements/").status_code == 302
    assert sum(call.endswith("/anonymize") for call in provider.calls) == 1


def test_an_event_is_processed_again(staff, approved, clock):
    event = WebhookEvent.objects.create(
        event_id="evt_1",
        type="face_authentication_checks_completed",
        provider_id=approved.provider_id,
        received_at=timezone.now(),
        state="failed",
        error="Unavailable",
        tries=20,
    )
    nameless = WebhookEvent.objects.create(
        event_id="sha256:0", received_at=timezone.now(), state="failed"
    )
    operator = staff("operator")
    operator.confirms("reprocess", event)  # asked just now
    event.refresh_from_db()
    assert event.state == "stored"

    clock.shift(10)
    page = operator.confirms("reprocess", event, nameless)

    event.refresh_from_db()
    nameless.refresh_from_db()
    assert succeeded(page) == [True, True]
    assert (event.state, event.error, nameless.state) == ("processed", "", "failed")
    assert entries() == [("reprocessed", operator.user.pk, audit_log.subject_of(event))] * 2


def test_too_many_rows_are_refused(staff, person, provider):
    rows = [FaceAuthentication(user=person.user, applicant_id="aplt_1") for _ in range(101)]
    rows = FaceAuthentication.objects.bulk_create(rows)

    page = staff("operator").does(
        "sync_now", rows[0], select_across="1", index="0", confirmed="yes"
    )

    assert page.context["too_many"]
    assert "outcomes" not in page.context
    assert entries() == []


def test_no_transaction_spans_a_call_to_the_provider(staff, approved):
    """Also with ATOMIC_REQUESTS."""
    view = Staff("superuser").browser.get(address("faceauthentication_changelist")).resolver_match

    assert view.func._non_atomic_requests == {"default"}


# -- files


def csv_of(response):
    return list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode())))


def test_a_list_as_csv_and_json(staff, person, declined, approved):
    operator = staff("operator")

    response = operator.confirms("export_csv", approved, declined)

    rows = csv_of(response)
    assert [row["provider_id"] for row in rows] == [approved.provider_id, declined.provider_id]
    assert (rows[0]["user"], rows[0]["status"]) == (person.user.username, "approved")
    assert rows[1]["response_codes"] == ""  # the operator may not see fraud codes (V-12)
    name = "face-authentications_20260301T120006Z_operator_2-rows.csv"
    assert response["Content-Disposition"] == f'attachment; filename="{name}"'
    assert response["Cache-Control"].startswith("no-store, private")
    response = staff("superuser").confirms("export_json", declined)
    (row,) = json.loads(b"".join(response.streaming_content))["face_authentications"]
    assert (row["provider_id"], row["response_codes"]) == (declined.provider_id, [62321])
    assert row["action"] == ""


def test_an_export_says_what_it_held(staff, approved, declined):
    """In its head and in the audit log; the search term, which may name a user, is left out."""
    operator, name = staff("operator"), approved.user.username
    form = {"action": "export_json", "_selected_action": [approved.pk], "index": "0"}
    form |= {"select_across": "1", "confirmed": "yes"}
    url = f"{address('faceauthentication_changelist')}?status=approved&q={name}"
    response = operator.browser.post(url, form)

    head = json.loads(b"".join(response.streaming_content))
    (row,) = head.pop("face_authentications")
    entry = AuditEntry.objects.get()
    assert list(row) == head["columns"].split(", ")
    assert head == {
        "about": "face authentications",
        "exported_at": head["exported_at"],
        "exported_by": "operator",
        **entry.details,
    }
    assert entry.details == {
        "format": "json",
        "rows": 1,
        "oldest": row["created_at"].replace("+00:00", "Z"),
        "newest": row["created_at"].replace("+00:00", "Z"),
        "columns": head["columns"],
        "fraud_codes": False,
        "filters": "status: approved, a search",
    }
    operator.confirms("export_csv", approved)
    assert AuditEntry.objects.latest("pk").details["filters"] == "a selection"
    assert name not in str([*AuditEntry.objects.values(), *LogEntry.objects.values()])


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@sum", "'@sum"),
        ("a;=1+1", "a;'=1+1"),
        ("a,@sum", "a,'@sum"),
        ('"=1', "\"'=1"),
        ("'=1", "''=1"),
        (" =1", " '=1"),
        ("\xa0-1", "\xa0'-1"),
        ("\t=1", "'\t'=1"),
        ("\r=1", "↵=1"),
        ("a\r\n=1\u2028b", "a↵=1↵b"),
        ("\u200b=1", "[U+200B]=1"),
        ("a;b\uff1d1;\uff1d1", "a;b\uff1d1;'\uff1d1"),
        ("anna-maria+x@bank.example", "anna-maria+x@bank.example"),
    ],
)
def test_a_cell_is_one_line_without_a_formula(staff, approved, person, name, cell):
    """Also where a spreadsheet splits or trims it in its own way (F-66)."""
    type(person.user).objects.filter(pk=person.user.pk).update(username=name)

    response = staff("superuser").confirms("export_csv", approved)

    text = b"".join(response.streaming_content).decode()
    assert len(text.splitlines()) == 2
    assert next(csv.DictReader(io.StringIO(text)))["user"] == cell


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


# -- users


@pytest.fixture
def boss(people):
    """A superuser who is enrolled."""
    boss = people()
    type(boss.user).objects.filter(pk=boss.user.pk).update(is_staff=True, is_superuser=True)
    return boss


def test_a_lockout_is_lifted_behind_a_face(boss, person):
    """G-12."""
    lockout = limits.lock(
        person.user.pk,
        reason=Lockout.Reason.REPORTED,
        until=timezone.now() + timedelta(days=1),
        now=timezone.now(),
    )
    form = {"action": "lift", "_selected_action": [lockout.pk], "confirmed": "yes"}
    refused = boss.browser.post(address("lockout_changelist"), form)
    assert "/face/start/" in refused["Location"]
    assert person.browser.get(person.is_asked()).status_code == 429

    boss.proves(refused["Location"])
    page = boss.browser.post(address("lockout_changelist"), form)

    assert succeeded(page) == [True]
    assert page.context["is_final"]
    (message,) = page.context["messages"]
    assert message.message == f"Lift 1 lock-out: done for {person.user}."
    assert person.browser.get(person.is_asked()).status_code == 200
    assert [event for event, *_ in entries()] == ["lockout_lifted"]


EXEMPTION = {
    "action": "",
    "reason": "Broke her arm",
    "expires_at_0": "2026-04-01",
    "expires_at_1": "12:00:00",
}


def test_an_exemption_is_given_and_ended_in_the_open(boss, people):
    person = people()
    boss.proves(boss.is_asked(address("faceexemption_add")))

    saved = boss.browser.post(address("faceexemption_add"), EXEMPTION | {"user": person.user.pk})

    assert saved.status_code == 302, text_of(saved)
    exemption = FaceExemption.objects.get()
    assert (exemption.author, exemption.user) == (boss.user, person.user)
    assert person.browser.get("/statements/").status_code == 200
    chosen = {"action": "end_exemptions", "_selected_action": [exemption.pk], "confirmed": "yes"}
    page = boss.browser.post(address("faceexemption_changelist"), chosen)
    assert succeeded(page) == [True]
    assert page.context["is_final"]
    assert [m.message for m in page.context["messages"]][-1:] == [
        f"End 1 exemption: done for {person.user}."
    ]
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
def test_an_exemption_that_makes_no_sense(boss, people, change, field):
    boss.proves(boss.is_asked(address("faceexemption_add")))
    form = EXEMPTION | {"user": people().user.pk} | change
    form["user"] = boss.user.pk if form["user"] == "self" else form["user"]

    page = boss.browser.post(address("faceexemption_add"), form)

    assert list(page.context["adminform"].form.errors) == [field]
    assert not FaceExemption.objects.exists()
