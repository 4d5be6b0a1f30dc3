"""Events: their order, content and time."""

from __future__ import annotations

import re

from django_faceauth.provider import signatures, webhook_payloads
from django_faceauth.secret import Secret
from tests.simulator.merchant import APPLICANT, BACK, HOST, JOURNEY, KEYS, URL


def test_events_that_no_scenario_has(merchant, visitor, clock, site):
    fav = merchant.create()
    merchant.attempt(fav)
    visitor.open(merchant.capture_url(fav))
    assert site.is_told() == ["created", "opened", "reset", "started"]
    capture_url = merchant.capture_url(fav)
    assert site.is_told() == ["reset"]
    visitor.open(capture_url)
    visitor.open(capture_url)
    assert site.is_told() == ["started"]
    clock.shift(15 * 60)
    assert site.is_told() == ["capture_aborted"]
    merchant.attempt(fav)
    clock.shift(15 * 60)
    assert site.is_told() == ["retry_requested", "link_expired"]
    merchant.anonymize(fav)
    merchant.anonymize(fav)
    assert site.is_told() == ["closed", "anonymized"]

    refused = merchant.create("aplt_63001")
    visitor.show_face(merchant.capture_url(refused))
    site.is_told()
    merchant.anonymize(refused)
    assert site.is_told() == ["anonymized"]


def test_a_verification_that_is_opened_at_once_has_both_events(merchant, site):
    body = {"declared_data": {"name": "Hannah"}, "redirect_url": BACK, "user_journey_id": JOURNEY}
    merchant.call("POST", "create-and-open-idv", json=body)

    assert site.is_told() == ["created", "opened"]
    statuses = [received.event["data"]["status"] for received in site.received]
    assert statuses == ["created", "pending"]


def test_a_webhook_is_complete_and_genuine(merchant, clock, site):
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
    assert webhook_payloads.read(received.body).provider_id == fav
