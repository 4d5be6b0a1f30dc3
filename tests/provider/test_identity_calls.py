"""Calls about applicants and identity verifications, and ids in URLs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import pytest
from django.views.debug import ExceptionReporter

from django_faceauth.exceptions import MalformedAnswer, ProviderError
from django_faceauth.provider.client import Client, DeclaredData
from tests.provider.samples import (
    APPLICANT,
    ATTEMPT,
    AUTHENTICATION,
    BACK,
    CAPTURE,
    FATP,
    FAV,
    HOST,
    JOURNEY,
    client_of,
)
from tests.provider.test_answers import answers

IDV: Final = "idv_" + "d" * 26
DECLARED: Final = DeclaredData("canary-name", "1990-02-03")
IDS: Final = {"applicant_id": APPLICANT, "user_journey_id": JOURNEY}

PROFILE: Final[dict[str, Any]] = {
    "id": APPLICANT,
    "external_applicant_id": "canary-external",
    "email": "canary@bank.example",
    "external_applicant_name": "canary-name",
}
VERIFICATION: Final[dict[str, Any]] = {
    **AUTHENTICATION,
    "id": IDV,
    "declared_data": {"name": "canary-name", "birth_date": "1990-02-03"},
    "documents": [{"full_name": "canary-document", "document_number": "canary-number"}],
    "redirect_url": BACK,
    "_links": {"verification_url": {"href": CAPTURE}},
}
#: Its prefix is not documented.
OPENED: Final[dict[str, Any]] = ATTEMPT | {"id": "iatp_" + "e" * 26}

#: Each call: what it is, its method, path and body, and an answer that suits it.
CALLS: Final[dict[str, tuple[Callable[[Client], object], str, str, object, dict[str, Any]]]] = {
    "create_applicant": (
        lambda client: client.create_applicant(external_applicant_id="x"),
        *("POST", "/applicants", {"external_applicant_id": "x"}, PROFILE),
    ),
    "get_applicant": (
        lambda client: client.get_applicant(APPLICANT),
        *("GET", f"/applicants/{APPLICANT}", None, PROFILE),
    ),
    "anonymize_applicant": (
        lambda client: client.anonymize_applicant(APPLICANT),
        *("POST", f"/applicants/{APPLICANT}/anonymize", None, PROFILE),
    ),
    "create_and_open_identity_verification": (
        lambda client: client.create_and_open_identity_verification(
            **IDS, redirect_url=BACK, declared_data=DECLARED
        ),
        "POST",
        "/create-and-open-idv",
        {
            "declared_data": {"name": "canary-name", "birth_date": "1990-02-03"},
            "redirect_url": BACK,
            **IDS,
        },
        VERIFICATION,
    ),
    "get_identity_verification": (
        lambda client: client.get_identity_verification(IDV),
        *("GET", f"/identity-verifications/{IDV}", None, VERIFICATION),
    ),
    "anonymize_identity_verification": (
        lambda client: client.anonymize_identity_verification(IDV),
        *("POST", f"/identity-verifications/{IDV}/anonymize", None, VERIFICATION),
    ),
    "create_identity_verification_attempt": (
        lambda client: client.create_identity_verification_attempt(IDV, redirect_url=BACK),
        *("POST", f"/identity-verifications/{IDV}/attempts", {"redirect_url": BACK}, OPENED),
    ),
    "list_identity_verification_attempts": (
        lambda client: client.list_identity_verification_attempts(IDV),
        "GET",
        f"/identity-verifications/{IDV}/attempts?skip=0&limit=10",
        None,
        {"data": [OPENED]},
    ),
}
each_call = pytest.mark.parametrize("operation", CALLS)


@each_call
def test_what_is_sent_and_nothing_of_the_person_is_read_or_logged(network, log, operation):
    """V-01: neither the profile, the declared data and the documents nor the picture and link."""
    call, method, path, body, answer = CALLS[operation]
    answers(network, json.dumps(answer))

    shown = repr(call(client_of(HOST)))

    [sent] = network.calls
    assert (sent.request.method, sent.request.url) == (method, HOST + path)
    assert json.loads(sent.request.body or "null") == body
    assert ("Cko-Idempotency-Key" in sent.request.headers) == (method == "POST")
    assert "id=" in shown
    assert not [text for text in (shown, log.text) if "canary" in text or "600000000" in text]


@pytest.mark.parametrize("wrong", [None, 7, "", FAV, FATP, "aplt_", "idv_", "idv_a/../b", "other"])
@each_call
def test_an_answer_without_the_requested_id_is_malformed(network, operation, wrong):
    call, _method, _path, _body, answer = CALLS[operation]
    if operation.startswith("list_") or operation.endswith("_attempt"):
        wrong = wrong if wrong in {None, 7, ""} else "a/../b"
    elif wrong == "other" and not operation.startswith("create_"):
        wrong = answer["id"][:-1] + "z"
    wrong_answer = {**answer, "id": wrong, "data": [{**OPENED, "id": wrong}]}
    answers(network, json.dumps(wrong_answer))

    with pytest.raises(MalformedAnswer):
        call(client_of(HOST))


@pytest.mark.parametrize("status", [200, 403, 404, 409, 422, 500])
@each_call
def test_an_error_report_does_not_show_the_person(network, log, operation, status):
    """P-05: neither what was sent nor what came back."""
    answers(network, json.dumps({"data": [{"name": "canary-name"}]}), status=status)

    with pytest.raises(ProviderError) as caught:
        CALLS[operation][0](client_of(HOST))

    reporter = ExceptionReporter(None, caught.type, caught.value, caught.tb)
    frames = [one for one in reporter.get_traceback_frames() if "/tests/" not in one["filename"]]
    assert len(frames) > 1
    assert "canary" not in str([frame["vars"] for frame in frames]) + log.text + str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "fav"),
    [
        *(("", ""), ("idv_", "fav_"), ("aplt_", "fatp_a"), ("idv_x/../y", "fav_x/../../y")),
        *(("aplt_a?b", "fav_a?b"), ("idv_a%2f", "fav_a%2f"), ("idv_a\n", "fav_a\n")),
        *(("idv_ä", "fav_ä"), (FAV, IDV)),
    ],
)
def test_an_id_of_another_shape_is_never_sent(network, wrong, fav):
    """P-01: an id cannot lead to another URL."""
    client = client_of(HOST)
    more: dict[str, Any] = {"redirect_url": BACK, "declared_data": DECLARED}
    create = client.create_and_open_identity_verification
    calls: list[Callable[[], object]] = [
        lambda: client.get_applicant(wrong),
        lambda: client.anonymize_applicant(wrong),
        lambda: create(**{**IDS, **more, "applicant_id": wrong}),
        lambda: create(**{**IDS, **more, "user_journey_id": wrong}),
        lambda: client.get_identity_verification(wrong),
        lambda: client.anonymize_identity_verification(wrong),
        lambda: client.create_identity_verification_attempt(wrong, redirect_url=BACK),
        lambda: client.list_identity_verification_attempts(wrong),
        lambda: client.create_authentication(**{**IDS, "applicant_id": wrong}),
        lambda: client.create_authentication(**{**IDS, "user_journey_id": wrong}),
        lambda: client.get_authentication(fav),
        lambda: client.anonymize_authentication(fav),
        lambda: client.create_attempt(fav, redirect_url=BACK),
        lambda: client.list_attempts(fav),
        lambda: client.get_attempt(fav, FATP),
        lambda: client.list_assets(fav, FATP),
        lambda: client.get_attempt(FAV, fav.replace("fatp_a", "fatp_")),
        lambda: client.list_assets(FAV, fav.replace("fatp_a", "fatp_")),
    ]

    for call in calls:
        with pytest.raises(ValueError, match="not an identifier"):
            call()

    assert len(network.calls) == 0
