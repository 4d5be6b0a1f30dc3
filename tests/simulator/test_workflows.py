"""Workflows of the simulator, and the webhooks that they send."""

from __future__ import annotations

import pytest
from django.test import override_settings

from django_faceauth.provider.signatures import sign
from django_faceauth.secret import Secret
from django_faceauth.simulator.models import Delivery
from django_faceauth.simulator.webhook_queue import NAMES
from tests.simulator.merchant import KEYS, URL

SOURCE = "simulated_identities"
OTHER = "https://other.example/hook/"
ALL = [f"face_authentication_{name}" for name in sorted(NAMES)]


def document(url=OTHER, events=ALL, *, key="key-of-the-workflow", **changes):
    action = {"type": "webhook", "url": url, "headers": {"Authorization": "Basic of-the-workflow"}}
    if key:
        action["signature"] = {"method": "HMACSHA256", "key": key}
    conditions = [{"type": "event", "events": {SOURCE: events}}]
    return {"name": "A", "active": True, "conditions": conditions, "actions": [action], **changes}


@pytest.fixture
def workflow(merchant):
    """A maker of workflows."""

    def workflow(*args, **options):
        answer = merchant.call("POST", "workflows", json=document(*args, **options))
        assert (answer.status_code, [*answer.json()]) == (201, ["id", "_links"])
        return answer.json()["id"]

    return workflow


def test_it_sends_webhooks_to_its_url_with_its_key_and_headers(merchant, site, workflow):
    """The URL of the settings gets them while there is no workflow."""
    with override_settings(FACEAUTH_WEBHOOK_AUTHORIZATION_KEY="of the settings"):
        merchant.create()
        wf = workflow()
        merchant.create()
        site.is_told()
        merchant.create()
        merchant.call("DELETE", f"workflows/{wf}")  # with the delivery that waits
        merchant.create()
        site.is_told()

    assert Delivery.objects.count() == 2
    assert [row.url for row in site.received] == [URL, OTHER, URL]
    first, second, _third = site.received
    assert first.headers["Cko-Signature"] == sign(first.body, Secret(KEYS[0]))
    assert first.headers["Authorization"] == "of the settings"
    assert second.headers["Cko-Signature"] == sign(second.body, Secret("key-of-the-workflow"))
    assert second.headers["Authorization"] == "Basic of-the-workflow"


@pytest.mark.parametrize("setting", ["", URL])
def test_it_needs_no_setting(merchant, site, workflow, settings, setting):
    settings.FACEAUTH_SIMULATOR_WEBHOOK_URL = setting
    workflow(key=None)
    merchant.create()

    assert site.is_told() == ["created"]
    assert "Cko-Signature" not in site.received[0].headers


def test_each_workflow_sends_the_events_that_it_names(merchant, site, workflow):
    workflow("https://all.example", ALL)
    workflow("https://opened.example", ["face_authentication_opened"])
    workflow("https://inactive.example", ALL, active=False)
    merchant.attempt(merchant.create())
    site.is_told()

    sent = sorted((row.url, row.name, row.event["id"]) for row in site.received)
    assert [row[:2] for row in sent] == [
        ("https://all.example", "created"),
        ("https://all.example", "opened"),
        ("https://opened.example", "opened"),
    ]
    assert sent[1][2] == sent[2][2]


def test_a_workflow_can_be_read_listed_and_changed(merchant, site, workflow):
    wf = workflow()

    shown = merchant.call("GET", f"workflows/{wf}").json()
    [condition], [action] = shown["conditions"], shown["actions"]
    assert (shown["id"], shown["name"], shown["active"]) == (wf, "A", True)
    assert (condition["id"][:4], condition["events"]) == ("wfc_", {SOURCE: ALL})
    assert action == {"id": action["id"], **document()["actions"][0]}
    assert merchant.call("GET", "workflows").json() == {
        "data": [{"id": wf, "name": "A", "active": True, "_links": shown["_links"]}]
    }

    changed = merchant.call("PATCH", f"workflows/{wf}", json={"name": "B", "active": False}).json()
    assert changed == {**shown, "name": "B", "active": False}
    other = {"type": "webhook", "url": URL, "signature": {"key": "another"}}
    place = f"workflows/{wf}/actions/{action['id']}"
    answer = merchant.call("PUT", place, json=other)
    assert (answer.status_code, answer.content) == (200, b"")
    changed = merchant.call("GET", f"workflows/{wf}").json()
    assert changed["actions"] == [{"id": action["id"], **other}]

    assert merchant.call("DELETE", f"workflows/{wf}").status_code == 204
    for method, path in [
        *((method, f"workflows/{wf}") for method in ("GET", "PATCH", "DELETE")),
        ("PUT", place),
        ("POST", f"workflows/{wf}/test"),
    ]:
        assert merchant.call(method, path, json={}).status_code == 404
    assert (
        merchant.call("PUT", f"workflows/{workflow()}/actions/wfa_x", json=other).status_code == 404
    )


def test_a_test_sends_events_to_that_workflow_alone(merchant, site, workflow):
    workflow("https://one.example")
    wf = workflow("https://two.example", active=False)
    names = ["face_authentication_created", "identity_verification_closed"]

    answer = merchant.call("POST", f"workflows/{wf}/test", json={"event_types": names})

    assert answer.status_code == 204
    site.is_told()
    assert {row.url for row in site.received} == {"https://two.example"}
    assert [row.event["type"] for row in site.received] == names
    assert [next(iter(row.event["data"])) for row in site.received] == [
        "face_authentication_id",
        "identity_verification_id",
    ]


def test_the_source_of_events_is_made_up(merchant):
    sources = merchant.call("GET", "workflows/event-types").json()

    events = {source["id"]: [event["id"] for event in source["events"]] for source in sources}
    assert events[SOURCE] == [
        *ALL,
        *(name.replace("face_authentication", "identity_verification") for name in ALL),
    ]
    assert "payment_approved" in events["gateway"]


BODIES = {
    "conditions_invalid": [
        document(conditions=None),
        document(conditions=[]),
        document(conditions=[7]),
        document(conditions=[{"type": "entity", "entities": ["ent_1"]}]),
        document(events=["payment_approved"]),
        document(events=[["created"]]),
        document(events=7),
        document(conditions=[{"type": "event", "events": {"identities": ALL}}]),
    ],
    "actions_invalid": [
        document(actions=None),
        document(actions=[]),
        document(actions=[7]),
        document(actions=document()["actions"] * 2),
        document("not a URL"),
        document(7),
        document(key=7),
        document(actions=[{"type": "webhook", "url": URL, "headers": ["x"]}]),
        document(actions=[{"type": "webhook", "url": URL, "headers": {"X": 1}}]),
        document(actions=[{"type": "webhook", "url": URL, "signature": {}}]),
    ],
}


@pytest.mark.parametrize("code", BODIES)
def test_an_invalid_workflow_is_refused(merchant, workflow, code):
    wf = workflow()
    for body in BODIES[code]:
        for method, path in (("POST", "workflows"), ("PATCH", f"workflows/{wf}")):
            answer = merchant.call(method, path, json=body)
            assert (answer.status_code, answer.json()["error_codes"]) == (422, [code]), body

    assert len(merchant.call("GET", "workflows").json()["data"]) == 1


def test_a_test_needs_known_events(merchant, workflow):
    place = f"workflows/{workflow()}/test"
    for names in (None, [], "created", [7], ["payment_approved"]):
        answer = merchant.call("POST", place, json={"event_types": names})
        assert (answer.status_code, answer.json()["error_codes"]) == (422, ["event_types_invalid"])


def test_the_control_page_shows_the_urls_of_workflows(client, site, workflow, settings):
    settings.FACEAUTH_WEBHOOK_SECRET_KEYS = []
    workflow("https://one.example")
    html = client.get("/simulator/").content.decode()

    assert "https://one.example" in html
    assert URL not in html
    assert "FACEAUTH_WEBHOOK_SECRET_KEYS" not in html
