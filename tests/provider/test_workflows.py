"""Calls of the workflows API."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final

import pytest
from django.views.debug import ExceptionReporter

from django_faceauth.exceptions import MalformedAnswer, ProviderError
from django_faceauth.provider.credentials import SecretKey
from django_faceauth.provider.resources import WebhookAction, WorkflowSnapshot
from django_faceauth.provider.workflows import WorkflowsClient
from django_faceauth.secret import Secret
from tests.provider.samples import FAV, patient

JSON: Final = "application/json"
HOST: Final = "https://api.sandbox.checkout.com"
URL: Final = "https://bank.example/face/webhook/"
WF: Final = "wf_" + "a" * 26
WFA: Final = "wfa_" + "b" * 26
KEY: Final = Secret("canary-key")
HEADERS: Final = {"Authorization": Secret("canary-header")}
WEBHOOK: Final = WebhookAction(URL, KEY, HEADERS, WFA)

ACTION: Final[dict[str, Any]] = {
    "type": "webhook",
    "url": URL,
    "headers": {"Authorization": "canary-header"},
    "signature": {"method": "HMACSHA256", "key": "canary-key"},
}
CONDITION: Final[dict[str, Any]] = {"type": "event", "events": {"a": ["b", "c"], "d": ["e"]}}
WORKFLOW: Final[dict[str, Any]] = {
    "id": WF,
    "name": "Webhooks",
    "active": True,
    "conditions": [{"id": "wfc_a", **CONDITION}],
    "actions": [{"id": WFA, **ACTION}],
    "_links": {"self": {"href": "https://169.254.169.254/"}},
}
CREATED: Final = {
    "name": "Webhooks",
    "active": True,
    "conditions": [CONDITION],
    "actions": [ACTION],
}

#: Each call: what it is, its method, path and body, and the status and body of its answer.
CALLS: Final[dict[str, tuple[Callable[[WorkflowsClient], Any], str, str, Any, int, Any]]] = {
    "get_event_types": (
        lambda client: client.get_event_types(),
        *("GET", "/workflows/event-types", None, 200),
        [{"id": "a", "display_name": "A", "events": [{"id": "b", "description": "B"}]}],
    ),
    "list_workflows": (
        lambda client: client.list_workflows(),
        *("GET", "/workflows", None, 200, {"data": [{"id": WF, "active": False}]}),
    ),
    "get_workflow": (
        lambda client: client.get_workflow(WF),
        *("GET", f"/workflows/{WF}", None, 200, WORKFLOW),
    ),
    "create_workflow": (
        lambda client: client.create_workflow("Webhooks", CONDITION["events"], WEBHOOK),
        *("POST", "/workflows", CREATED, 201, {"id": WF}),
    ),
    "update_workflow_action": (
        lambda client: client.update_workflow_action(WF, WEBHOOK),
        *("PUT", f"/workflows/{WF}/actions/{WFA}", ACTION, 200, None),
    ),
    "test_workflow": (
        lambda client: client.test_workflow(WF, ["b", "c"]),
        *("POST", f"/workflows/{WF}/test", {"event_types": ["b", "c"]}, 204, None),
    ),
    "delete_workflow": (
        lambda client: client.delete_workflow(WF),
        *("DELETE", f"/workflows/{WF}", None, 204, None),
    ),
}
each_call = pytest.mark.parametrize("operation", CALLS)
reads = pytest.mark.parametrize("operation", [name for name in CALLS if CALLS[name][5]])


@pytest.fixture
def client():
    return WorkflowsClient(HOST, SecretKey(Secret("canary-credentials")), patient())


def answers(network, status, body):
    text = "" if body is None else json.dumps(body)
    for method in ("GET", "POST", "PUT", "DELETE"):
        network.add(method, re.compile(".*"), text, status=status, content_type=JSON)


@each_call
def test_what_is_sent_and_no_secret_is_shown_or_logged(network, client, log, operation):
    call, method, path, body, status, answer = CALLS[operation]
    answers(network, status, answer)

    shown = repr(call(client))

    [sent] = network.calls
    assert (sent.request.method, sent.request.url) == (method, HOST + path)
    assert json.loads(sent.request.body or "null") == body
    assert ("Cko-Idempotency-Key" in sent.request.headers) == (method == "POST")
    assert "canary" not in shown + log.text


def test_what_is_read(network, client):
    answers(network, 200, WORKFLOW)
    assert client.get_workflow(WF) == WorkflowSnapshot(WF, True, frozenset("bce"), (WEBHOOK,), ())
    network.reset()
    answers(network, 200, CALLS["get_event_types"][5])
    assert client.get_event_types() == {"a": ["b"]}
    network.reset()
    answers(network, 200, CALLS["list_workflows"][5])
    assert [workflow.is_active for workflow in client.list_workflows()] == [False]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"actions": None, "conditions": {}}, ((), ())),
        ({"actions": [{"type": "email"}]}, ((), ("email",))),
        ({"conditions": [{"type": "entity", "entities": ["ent_1"]}]}, ((KEY,), ("entity",))),
        ({"conditions": [{"type": "event", "events": ["a"]}]}, ((KEY,), ())),
        ({"conditions": [{"type": "event", "events": {"a": [7, None, ["b"]]}}]}, ((KEY,), ())),
        ({"actions": [{**ACTION, "id": WFA, "signature": {}}]}, ((Secret(""),), ())),
        ({"actions": [{**ACTION, "id": WFA, "signature": "yes"}]}, ((None,), ())),
        ({"actions": [{**ACTION, "id": WFA, "headers": [1]}]}, ((KEY,), ())),
    ],
    ids=str,
)
def test_fields_may_be_absent_or_odd(network, client, changes, expected):
    answers(network, 200, {**WORKFLOW, **changes})

    read = client.get_workflow(WF)

    assert (tuple(webhook.key for webhook in read.webhooks), read.others) == expected


@reads
def test_an_answer_of_another_shape_is_malformed(network, client, operation):
    wrongs: list[Any] = [[7], {"data": [7]}, {"actions": [7]}, "x", None]
    for wrong in wrongs:
        network.reset()
        answers(network, 200, wrong)
        if operation in {"get_event_types", "list_workflows"} and wrong == {"actions": [7]}:
            assert not CALLS[operation][0](client)  # a list that is empty
            continue
        with pytest.raises(MalformedAnswer):
            CALLS[operation][0](client)


@pytest.mark.parametrize("status", [200, 401, 404, 422, 500])
@each_call
def test_an_error_report_does_not_show_a_key(network, client, log, operation, status):
    """P-05: neither what was sent nor what came back."""
    answers(network, status, {"data": [7, WORKFLOW], "actions": [ACTION], "signature": "canary"})
    if status == 200 and not CALLS[operation][5]:
        return  # nothing of the answer is read

    with pytest.raises(ProviderError) as caught:
        CALLS[operation][0](client)

    reporter = ExceptionReporter(None, caught.type, caught.value, caught.tb)
    frames = [one for one in reporter.get_traceback_frames() if "/tests/" not in one["filename"]]
    assert frames
    assert "canary" not in str([frame["vars"] for frame in frames]) + log.text + str(caught.value)


@pytest.mark.parametrize("wrong", ["", "wf_", "wfa_a", "wf_x/../y", "wf_a?b", FAV])
def test_an_id_of_another_shape_is_never_sent(network, client, wrong):
    """P-01: an id cannot lead to another URL."""
    odd = WebhookAction(URL, KEY, {}, wrong.replace("wfa", "wf"))
    calls: list[Callable[[], object]] = [
        lambda: client.get_workflow(wrong),
        lambda: client.delete_workflow(wrong),
        lambda: client.test_workflow(wrong, ["a"]),
        lambda: client.update_workflow_action(wrong, WEBHOOK),
        lambda: client.update_workflow_action(WF, odd),
    ]

    for call in calls:
        with pytest.raises(ValueError, match="not an identifier"):
            call()

    assert len(network.calls) == 0
