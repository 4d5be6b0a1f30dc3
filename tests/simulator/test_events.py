"""What the merchant is told, and when."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from django_faceauth.provider import signatures, webhook_payloads
from django_faceauth.secret import Secret
from django_faceauth.simulator import state_machine, webhook_queue
from django_faceauth.simulator.models import Delivery, StoredCase
from django_faceauth.simulator.scenarios import CHOICES, CLOSED, inconclusive
from django_faceauth.simulator.state_machine import AttemptRequest, Case, Visit
from tests.simulator.merchant import APPLICANT, HOST, JOURNEY, KEYS, URL

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
REQUEST = AttemptRequest(redirect_url="https://bank.example/back")
VISIT = Visit(ip_address="192.0.2.7", user_agent="Firefox", initial_device="desktop")
CHECK_TIME = timedelta(seconds=2)

Step = Callable[[Case], Case]


def created() -> Case:
    return state_machine.create("fav_1", applicant_id="aplt_a", user_journey_id="usj_a", now=NOON)


def attempt(case: Case) -> Case:
    return state_machine.add_attempt(case, f"fatp_{len(case.attempts)}", REQUEST, NOON)


def opened(case: Case) -> Case:
    return state_machine.open_capture(case, case.attempts[-1].id, VISIT, NOON)


def ended(outcome: state_machine.Outcome) -> Step:
    def step(case: Case) -> Case:
        newest = case.attempts[-1].id
        return state_machine.finish_capture(case, newest, outcome, check_time=CHECK_TIME, now=NOON)

    return step


def later(case: Case) -> Case:
    return state_machine.advance(case, NOON + timedelta(minutes=15))


def anonymized(case: Case) -> Case:
    return state_machine.anonymize(case, NOON)


def audited(choice: str) -> Step:
    return lambda case: state_machine.audit(case, CHOICES[choice], NOON)


SAME = ended(CHOICES["same_person"])


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ([attempt], ["opened"]),
        ([attempt, attempt], ["opened", "reset"]),
        ([attempt, opened], ["opened", "started"]),
        ([attempt, opened, opened], ["opened", "started"]),
        ([attempt, opened, attempt], ["opened", "started", "reset"]),
        ([attempt, later], ["opened", "link_expired"]),
        ([attempt, opened, later], ["opened", "started", "capture_aborted"]),
        ([attempt, later, attempt], ["opened", "link_expired", "retry_requested"]),
        ([attempt, SAME, later, later], ["opened", "capture_completed", "checks_completed"]),
        (
            [attempt, SAME, later, audited("same_person"), audited("someone_else")],
            ["opened", "capture_completed", "checks_completed", *["audit_completed"] * 2],
        ),
        (
            [attempt, ended(inconclusive(61401)), later, attempt],
            ["opened", "capture_completed", "checks_inconclusive", "retry_requested"],
        ),
        ([attempt, ended(CLOSED), later], ["opened", "capture_completed", "closed"]),
        ([attempt, ended(CHOICES["leave"])], ["opened", "capture_aborted"]),
        ([attempt, ended(CHOICES["refuse"])], ["opened", "capture_refused"]),
        ([anonymized], ["closed", "anonymized"]),
        ([anonymized, anonymized], ["closed", "anonymized"]),
        ([attempt, later, anonymized], ["opened", "link_expired", "closed", "anonymized"]),
        (
            [attempt, SAME, later, anonymized],
            ["opened", "capture_completed", "checks_completed", "anonymized"],
        ),
        (
            [attempt, ended(CHOICES["refuse"]), anonymized],
            ["opened", "capture_refused", "anonymized"],
        ),
    ],
)
def test_every_step_of_the_machine_is_told(steps, told):
    case = created()
    seen = [*webhook_queue.event_names(None, case)]

    for step in steps:
        before, case = case, step(case)
        seen += webhook_queue.event_names(before, case)

    assert seen == ["created", *told]


def test_a_webhook_is_complete_and_genuine(merchant, clock, site, settings):
    fav = merchant.create()
    site.is_told()

    [received] = site.received
    event = received.event
    assert re.fullmatch(r"evt_[a-z2-7]{26}", event["id"])
    assert event == {
        "id": event["id"],
        "type": "face_authentication_created",
        "version": "1.2.0",
        "created_on": "2026-03-02T12:00:00.000000Z",
        "data": {
            "face_authentication_id": fav,
            "applicant_id": APPLICANT,
            "user_journey_id": JOURNEY,
            "status": "created",
            "response_codes": [],
        },
        "_links": {"self": {"href": f"{HOST}/workflows/events/{event['id']}"}},
    }
    keys = [Secret(key) for key in KEYS]
    assert received.url == URL
    assert received.headers["Content-Type"] == "application/json"
    assert "Authorization" not in received.headers
    assert signatures.verify(received.body, received.headers["Cko-Signature"], keys=keys) == 0
    assert webhook_payloads.read(received.body).authentication_id == fav

    settings.FACEAUTH_WEBHOOK_AUTHORIZATION_KEY = "Basic of-the-webhook"
    settings.FACEAUTH_WEBHOOK_SECRET_KEYS = []
    merchant.create()
    site.is_told()
    assert site.received[1].headers["Authorization"] == "Basic of-the-webhook"
    assert "Cko-Signature" not in site.received[1].headers


def test_a_change_by_time_alone_is_dated_when_it_was_due(merchant, visitor, clock, site):
    visitor.show_face(merchant.capture_url(merchant.create()))
    clock.shift(3600)

    assert site.is_told()[-1] == "checks_completed"
    assert site.received[-1].event["created_on"] == "2026-03-02T12:00:02.000000Z"

    merchant.attempt(merchant.create())
    site.is_told()
    clock.shift(15 * 60)
    assert site.is_told() == ["link_expired"]


def test_a_change_that_a_request_finds_is_sent_once(merchant, visitor, clock, site):
    fav = merchant.create()
    visitor.show_face(merchant.capture_url(fav))
    assert merchant.call("POST", f"face-authentications/{fav}/anonymize").status_code == 400
    clock.shift(2)

    assert merchant.read(fav)["status"] == "approved"
    assert site.is_told() == [
        *("created", "opened", "started", "capture_completed", "checks_completed"),
    ]
    assert StoredCase.objects.get().due_on is None


@pytest.mark.parametrize(
    "silence",
    [{"FACEAUTH_SIMULATOR_WEBHOOK_URL": ""}, {"FACEAUTH_SIMULATOR_ENABLED": False}],
)
def test_without_a_url_nothing_is_sent_or_kept(merchant, site, settings, silence):
    merchant.create()
    for name, value in silence.items():
        setattr(settings, name, value)

    assert site.is_told() == []

    settings.FACEAUTH_SIMULATOR_ENABLED = True
    settings.FACEAUTH_SIMULATOR_WEBHOOK_URL = ""
    merchant.create()
    assert Delivery.objects.count() == 1


def test_waiting_events_can_be_picked(merchant, site):
    """Tests of a site deliver them in an order of their own."""
    first, second = merchant.create(), merchant.create()
    merchant.attempt(first)

    assert [row.case_id for row in webhook_queue.pending()] == [first, second, first]
    [created, opened] = webhook_queue.pending(first)
    assert json.loads(opened.body)["data"]["status"] == "pending"
    assert str(created) == json.loads(created.body)["id"]
