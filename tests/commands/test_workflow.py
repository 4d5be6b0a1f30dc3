"""`manage.py faceauth_workflow`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.core.management import CommandError, call_command
from django.test import Client, override_settings
from django.utils import timezone

from django_faceauth.models import FaceAuthentication, WebhookEvent
from django_faceauth.simulator import webhook_queue
from django_faceauth.simulator.models import StoredWorkflow
from django_faceauth.simulator.webhook_sender import deliver_due, thread
from tests.provider_double import answers, breaks, works
from tests.webhook_deliveries import client_sender

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]

URL = "https://bank.example/face/webhook/"
KEYS = ["the-canary-key-of-today-" + "a" * 16, "the-canary-key-of-tomorrow-" + "b" * 16]
AUTHORIZATION = "Basic canary-of-the-header"
FACE = {f"face_authentication_{name}" for name in webhook_queue.NAMES}
IDENTITY = {f"identity_verification_{name}" for name in webhook_queue.NAMES}
OAUTH = {
    "FACEAUTH_SECRET_KEY": "",
    "FACEAUTH_OAUTH_CLIENT_ID": "ack_1",
    "FACEAUTH_OAUTH_CLIENT_SECRET": "canary",
}


@pytest.fixture(autouse=True)
def _site(settings):
    settings.ALLOWED_HOSTS = ["bank.example", "testserver"]
    settings.TIME_ZONE = "UTC"
    settings.FACEAUTH_SITE_URL = "https://bank.example"
    settings.FACEAUTH_WEBHOOK_SECRET_KEYS = KEYS
    with thread.paused():
        yield


@pytest.fixture
def workflow(capsys, caplog):
    """Run an action without questions; return what was printed, which shows no secret (P-05)."""

    def workflow(action, *options):
        asks = action in {"create", "rotate", "remove"}
        try:
            call_command("faceauth_workflow", action, *options, *["--no-input"] * asks)
        finally:
            out, err = capsys.readouterr()
            assert "canary" not in out + err + caplog.text
            workflow.out = out
        return out

    return workflow


def document(**changes):
    """Return the only workflow of the account, changed."""
    row = StoredWorkflow.objects.get()
    row.document |= changes
    row.save()
    return row.document


def webhook(**changes):
    """Return the webhook of that workflow, changed."""
    [action] = document()["actions"]
    return document(actions=[action | changes])["actions"][0]


def events():
    [condition] = document()["conditions"]
    [names] = condition["events"].values()
    return set(names)


@contextmanager
def delivering() -> Iterator[None]:
    """Let webhooks of the simulator arrive at this site as soon as they are queued."""
    send = client_sender(Client(SERVER_NAME="bank.example"))

    def deliver(**_signal):
        deliver_due(timezone.now(), send)

    webhook_queue.filled.connect(deliver)
    try:
        yield
    finally:
        webhook_queue.filled.disconnect(deliver)


def test_without_a_workflow(workflow):
    for action in (["rotate", "--to", "2"], ["test"], ["remove"]):
        with pytest.raises(CommandError, match="No workflow sends webhooks"):
            workflow(*action)
    with pytest.raises(CommandError, match="1 problem"):
        workflow("check")
    assert f"No workflow sends webhooks to {URL}" in workflow.out


# -- create


@pytest.mark.parametrize(
    ("authorization", "enrolment", "expected"),
    [(None, "off", FACE), (AUTHORIZATION, "offer", FACE | IDENTITY)],
)
def test_a_new_workflow_sends_all_events_with_the_first_key(
    workflow, settings, authorization, enrolment, expected
):
    settings.FACEAUTH_WEBHOOK_AUTHORIZATION_KEY = authorization
    settings.FACEAUTH_ENROLMENT = enrolment

    created = workflow("create")

    assert StoredWorkflow.objects.get().pk in created
    assert (document()["active"], events()) == (True, expected)
    sent = webhook()
    assert (sent["url"], sent["signature"]) == (URL, {"method": "HMACSHA256", "key": KEYS[0]})
    assert sent["headers"] == ({"Authorization": authorization} if authorization else {})
    assert workflow("check").startswith("ok ")


def test_a_face_check_is_then_reported_by_webhooks(workflow, person):
    workflow("create")
    with delivering():
        person.shows_face(person.is_handed_over(person.is_asked()))
        person.clock.shift(3)
        deliver_due(timezone.now(), client_sender(Client(SERVER_NAME="bank.example")))

    assert person.authentication.status == "approved"
    assert WebhookEvent.objects.filter(state="processed").exists()
    assert FaceAuthentication.objects.count() == 1


def test_there_is_one_workflow_for_a_url_until_it_is_removed(workflow):
    other = "https://other.example/face/webhook/"
    workflow("create")

    with pytest.raises(CommandError, match="already"):
        workflow("create")
    workflow("create", "--url", other)
    assert StoredWorkflow.objects.count() == 2
    workflow("remove")

    assert webhook()["url"] == other


@pytest.mark.parametrize("action", [["create"], ["rotate", "--to", "2"], ["remove"]])
def test_only_a_yes_changes_anything(workflow, provider, monkeypatch, action):
    if action != ["create"]:
        workflow("create")
    before = len(provider.calls)
    monkeypatch.setattr("builtins.input", lambda _text: "no")

    with pytest.raises(CommandError, match="Nothing was changed"):
        call_command("faceauth_workflow", *action)

    assert {call.split()[0] for call in provider.calls[before:]} == {"GET"}
    monkeypatch.setattr("builtins.input", lambda _text: "yes")
    call_command("faceauth_workflow", *action)
    assert {call.split()[0] for call in provider.calls[before:]} != {"GET"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"FACEAUTH_WEBHOOK_SECRET_KEYS": []}, "FACEAUTH_WEBHOOK_SECRET_KEYS has no key 1"),
        ({"FACEAUTH_SITE_URL": ""}, "FACEAUTH_SITE_URL is not set"),
        ({"FACEAUTH_SECRET_KEY": ""}, "FACEAUTH_SECRET_KEY"),
        ({"FACEAUTH_WORKFLOWS_URL": "https://evil.example"}, "FACEAUTH_WORKFLOWS_URL"),
        ({"ROOT_URLCONF": "django_faceauth.simulator.urls"}, "URLconf"),
    ],
    ids=str,
)
def test_a_site_that_is_not_set_up(workflow, provider, given, said):
    with override_settings(**given), pytest.raises(CommandError, match=said):
        workflow("create")

    assert not StoredWorkflow.objects.exists()


def test_a_provider_that_offers_no_events_of_ours(workflow, provider):
    provider.troubles += [works, answers(200, '[{"id": "gateway", "events": [{"id": "x"}]}]')]

    with pytest.raises(CommandError, match="no events"):
        workflow("create")


# -- check


#: A condition that leaves an event out.
ALL_BUT_ONE = {
    "type": "event",
    "events": {"simulated_identities": sorted(FACE - {"face_authentication_closed"})},
}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"active": False}, "is not active"),
        ({"conditions": [ALL_BUT_ONE]}, "not sent: face_authentication_closed"),
        ({"conditions": [ALL_BUT_ONE, {"type": "entity"}]}, "entity"),
    ],
    ids=str,
)
def test_a_workflow_that_differs(workflow, settings, provider, changes, said):
    workflow("create")
    alter = {**document(), **changes}
    provider.alterations.append(lambda data: data.update(alter) if "actions" in data else None)

    with pytest.raises(CommandError, match="problem"):
        workflow("check")

    assert said in workflow.out


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"signature": None}, "does not sign"),
        ({"signature": {"method": "HMACSHA256", "key": "canary-of-another-site"}}, "not in the"),
        ({"headers": {}}, "header Authorization"),
        ({"headers": {"Authorization": "canary-of-another-site"}}, "header Authorization"),
        ({"url": "https://other.example/face/webhook/"}, "to another URL"),
    ],
    ids=str,
)
def test_a_webhook_that_differs(workflow, settings, changes, said):
    settings.FACEAUTH_WEBHOOK_AUTHORIZATION_KEY = AUTHORIZATION
    workflow("create")
    webhook(**changes)

    with pytest.raises(CommandError, match="problem"):
        workflow("check")

    assert said in workflow.out
    if "url" not in changes:
        workflow("rotate", "--to", "1")
        workflow("check")


@pytest.mark.parametrize("shown", [{}, {"key": ""}, {"key": "****"}])
def test_what_the_provider_does_not_show_is_no_difference(workflow, settings, provider, shown):
    settings.FACEAUTH_WEBHOOK_AUTHORIZATION_KEY = AUTHORIZATION
    workflow("create")

    def hide(data):
        if "actions" in data:  # some answers are lists
            hidden = {"signature": shown, "headers": {"authorization": "********"}}
            data["actions"] = [action | hidden for action in data["actions"]]

    provider.alterations.append(hide)

    assert "does not show with which key" in workflow("check")


def test_two_workflows_for_one_url_complete_each_other(workflow):
    """One may have been set up for each product."""
    workflow("create")
    row = StoredWorkflow.objects.get()
    halves = sorted(FACE)[:7], sorted(FACE)[7:]
    for pk, names in zip(("wf_first", "wf_second"), halves, strict=True):
        conditions = [{"type": "event", "events": {"simulated_identities": names}}]
        StoredWorkflow.objects.create(pk=pk, document=row.document | {"conditions": conditions})
    row.delete()

    assert workflow("check").count("ok ") == 2
    StoredWorkflow.objects.get(pk="wf_first").delete()
    with pytest.raises(CommandError, match="1 problem"):
        workflow("check")


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (answers(401), "needs the scope flow"),
        (answers(403), "needs the scope flow"),
        (answers(503), "get_workflow failed status=503"),
        (answers(200, '{"data": [{"id": "canary"}]}'), "get_workflow failed cause=no wf id"),
        (breaks(), "get_workflow failed cause=ConnectionError"),
    ],
)
def test_a_provider_that_does_not_answer(workflow, provider, trouble, said):
    provider.troubles += [trouble] * 3

    with pytest.raises(CommandError, match=said):
        workflow("check")


def test_an_oauth_client_asks_for_the_scope(workflow, settings, provider):
    """The simulator refuses workflows to tokens for identities alone."""
    with override_settings(**OAUTH):
        workflow("create")
        assert workflow("check")
        provider.troubles.append(answers(400, '{"error": "invalid_scope"}'))
        with pytest.raises(CommandError, match=r"token failed status=400.* needs the scope flow"):
            workflow("check")


# -- rotate


@pytest.mark.usefixtures("clock")  # noon, the 1st of March
def test_another_key_of_the_settings_signs_from_now_on(workflow, settings):
    """Headers that others have set stay; the former key is needed for redeliveries (W-06)."""
    settings.FACEAUTH_WEBHOOK_AUTHORIZATION_KEY = AUTHORIZATION
    workflow("create")
    webhook(headers={"Authorization": "old", "X-Shard": "7"})

    printed = workflow("rotate", "--to", "2")

    assert webhook()["signature"]["key"] == KEYS[1]
    assert webhook()["headers"] == {"Authorization": AUTHORIZATION, "X-Shard": "7"}
    assert webhook()["url"] == URL
    assert "Leave key 1 in FACEAUTH_WEBHOOK_SECRET_KEYS until March 2, 2026, 7 p.m." in printed
    assert "with key 2" in workflow("check")
    assert "Leave" not in workflow("rotate", "--to", "2")
    webhook(signature={"method": "HMACSHA256", "key": "canary-of-another-site"})
    assert "Leave the former key in" in workflow("rotate", "--to", "1")
    assert webhook()["signature"]["key"] == KEYS[0]


def test_headers_that_the_provider_masks_are_not_sent_back(workflow):
    workflow("create")
    webhook(headers={"X-Shard": "*****"})

    with pytest.raises(CommandError, match="does not show"):
        workflow("rotate", "--to", "2")

    assert webhook()["signature"]["key"] == KEYS[0]


def test_a_key_that_is_not_in_the_settings(workflow, provider):
    for number in ("0", "-1", "3"):
        with pytest.raises(CommandError, match=f"has no key {number}"):
            workflow("rotate", "--to", number)

    assert provider.calls == []


# -- test


def test_test_events_that_arrive(workflow):
    """Nothing is stored but the events."""
    workflow("create")

    with delivering():
        assert "arrived: 14 of 14" in workflow("test")

    assert set(WebhookEvent.objects.values_list("type", flat=True)) == FACE
    assert not FaceAuthentication.objects.exists()
    with delivering():  # earlier ones do not count
        webhook(url="https://bank.example/home/")
        with pytest.raises(CommandError, match="No workflow"):
            workflow("test", "--wait", "0")


def test_test_events_that_do_not_arrive(workflow, settings):
    workflow("create")
    with delivering():
        workflow("test")
        settings.FACEAUTH_WEBHOOK_SECRET_KEYS = KEYS[1:]  # a server that has another key
        with pytest.raises(CommandError, match="did not arrive: face_authentication_anonymized, "):
            workflow("test", "--wait", "0")

    assert "arrived: 0 of 14" in workflow.out


def test_test_events_with_examples_in_place_of_ids(workflow, monkeypatch):
    """The signature of these is good, which is what was to be tested."""
    workflow("create")

    def exemplary(**_signal):
        send = client_sender(Client(SERVER_NAME="bank.example"))
        for delivery in webhook_queue.Delivery.objects.all():
            body = json.loads(delivery.body)
            body["data"] = {"face_authentication_id": "example", "number": delivery.pk}
            delivery.body = json.dumps(body)
            delivery.save()
        deliver_due(timezone.now(), send)

    webhook_queue.filled.connect(exemplary)
    try:
        assert "arrived: 0 of 14; genuine, but not readable: 14" in workflow("test")
    finally:
        webhook_queue.filled.disconnect(exemplary)


# -- remove


@pytest.mark.parametrize(
    "changes",
    [
        {"conditions": [{"type": "event", "events": {"gateway": ["payment_approved"]}}]},
        {"conditions": [{"type": "entity", "entities": ["ent_1"]}]},
        {"actions": [{"id": "wfa_2", "type": "webhook", "url": "https://other.example"}]},
        {"actions": [{"id": "wfa_2", "type": "email"}]},
    ],
    ids=str,
)
def test_a_workflow_that_does_more_is_left_alone(workflow, provider, changes):
    """Deleting it would stop the webhooks of payments, for example."""
    workflow("create")

    def alter(data):
        for name, parts in changes.items():
            data.setdefault(name, []).extend(parts)

    provider.alterations.append(lambda data: alter(data) if "actions" in data else None)

    with pytest.raises(CommandError, match="does more"):
        workflow("remove")

    assert StoredWorkflow.objects.count() == 1
