"""The provider's API."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from time_machine import Traveller

from django_faceauth.simulator.capture_driver import CaptureDriver
from tests.simulator.merchant import APPLICANT, BACK, HOST, JOURNEY, Merchant, session

ID = r"_[a-z2-7]{26}"
FAV = "fav_" + "a" * 26


def test_a_new_authentication_is_told_in_full(merchant: Merchant, clock: Traveller) -> None:
    answer = merchant.call(
        "POST",
        "face-authentications",
        json={"applicant_id": APPLICANT, "user_journey_id": JOURNEY},
    )

    told = answer.json()
    assert answer.status_code == 201
    assert re.fullmatch("fav" + ID, told["id"])
    assert told == {
        "id": told["id"],
        "created_on": "2026-03-02T12:00:00.000000Z",
        "modified_on": "2026-03-02T12:00:00.000000Z",
        "applicant_id": APPLICANT,
        "user_journey_id": JOURNEY,
        "status": "created",
        "response_codes": [],
        "risk_labels": [],
        "_links": {
            "self": {"href": f"{HOST}/face-authentications/{told['id']}"},
            "applicant": {"href": f"{HOST}/applicants/{APPLICANT}"},
        },
    }


def test_a_new_attempt_is_told_in_full(merchant: Merchant, clock: Traveller) -> None:
    fav = merchant.create()
    extra = {
        "phone_number": {"country_code": "+33", "number": "612345678"},
        "client_information": {
            "pre_selected_residence_country": "FR",
            "pre_selected_language": "en-US",
        },
    }

    told = merchant.attempt(fav, **extra)

    assert re.fullmatch("fatp" + ID, told["id"])
    assert told == {
        "id": told["id"],
        "created_on": "2026-03-02T12:00:00.000000Z",
        "modified_on": "2026-03-02T12:00:00.000000Z",
        "status": "pending_redirection",
        "response_codes": [],
        "redirect_url": BACK,
        **extra,
        "_links": {
            "self": {"href": f"{HOST}/face-authentications/{fav}/attempts/{told['id']}"},
            "verification_url": told["_links"]["verification_url"],
        },
    }
    assert told["_links"]["verification_url"]["href"].startswith(f"{HOST}/capture/")
    assert merchant.read(fav)["status"] == "pending"


def test_an_attempt_and_its_capture_are_seen_in_the_api(
    merchant: Merchant, visitor: CaptureDriver, clock: Traveller
) -> None:
    fav = merchant.create()
    attempt = merchant.attempt(fav)
    assert merchant.read_attempt(fav, attempt["id"]) == attempt
    clock.shift(60)

    visitor.open(attempt["_links"]["verification_url"]["href"])

    shown = merchant.read_attempt(fav, attempt["id"])
    assert shown["_links"] == attempt["_links"]
    assert merchant.read(fav)["status"] == shown["status"] == "capture_in_progress"
    assert shown["modified_on"] == "2026-03-02T12:01:00.000000Z"
    assert shown["applicant_session_information"] == {
        "ip_address": "127.0.0.1",
        "user_agent": visitor.user_agent,
        "initial_device": "desktop",
        "number_of_sessions": 1,
    }


def test_an_approval_takes_the_time_of_the_checks_and_is_final(
    merchant: Merchant, visitor: CaptureDriver, clock: Traveller
) -> None:
    fav = merchant.create()
    visitor.show_face(merchant.capture_url(fav))

    assert merchant.read(fav)["status"] == "checks_in_progress"
    clock.shift(timedelta(seconds=2))
    shown = merchant.read(fav)

    assert shown["status"] == "approved"
    assert shown["response_codes"] == [{"code": 10000, "summary": "approved"}]
    assert shown["modified_on"] == "2026-03-02T12:00:02.000000Z"
    body = {"redirect_url": BACK}
    answer = merchant.call("POST", f"face-authentications/{fav}/attempts", json=body)
    assert answer.status_code == 409
    assert answer.json()["error_codes"] == ["face_authentication_status_invalid"]


def test_an_unused_link_expires(merchant: Merchant, clock: Traveller) -> None:
    fav = merchant.create()
    attempt = merchant.attempt(fav)
    clock.shift(timedelta(minutes=15))

    shown = merchant.read_attempt(fav, attempt["id"])

    assert shown["status"] == "expired"
    assert shown["_links"] == attempt["_links"]  # the provider sends it in every state (F-72)
    assert merchant.read(fav)["response_codes"] == [
        {"code": 61101, "summary": "applicant_never_started"}
    ]


def test_attempts_are_listed_newest_first_in_pages_with_links(merchant: Merchant) -> None:
    fav = merchant.create()
    ids = [merchant.attempt(fav)["id"] for _ in range(5)]

    whole = merchant.attempts(fav)
    first = merchant.attempts(fav, limit=2)
    second = merchant.session.get(first["_links"]["next"]["href"]).json()
    third = merchant.session.get(second["_links"]["next"]["href"]).json()

    url = f"{HOST}/face-authentications/{fav}/attempts"
    assert [attempt["id"] for attempt in whole["data"]] == ids[::-1]
    statuses = [attempt["status"] for attempt in whole["data"]]
    assert statuses == ["pending_redirection", *["terminated"] * 4]
    assert (whole["total_count"], whole["skip"], whole["limit"]) == (5, 0, 10)
    assert whole["_links"] == {"self": {"href": f"{url}?skip=0&limit=10"}}
    assert [*first["data"], *second["data"], *third["data"]] == whole["data"]
    assert merchant.session.get(second["_links"]["previous"]["href"]).json() == first
    assert "next" not in third["_links"]


@pytest.mark.parametrize(
    ("query", "window"),
    [
        ({"skip": "-4", "limit": "0"}, (0, 1)),
        ({"limit": "5000"}, (0, 100)),
        ({"skip": "7"}, (7, 10)),
        ({"skip": "a"}, "skip_invalid"),
        ({"limit": "1e3"}, "limit_invalid"),
        ({"limit": ""}, "limit_invalid"),
    ],
)
def test_a_window_is_clamped_or_rejected(
    merchant: Merchant, query: dict[str, str], window: tuple[int, int] | str
) -> None:
    path = f"face-authentications/{merchant.create()}/attempts"

    answer = merchant.call("GET", path, params=query)

    if isinstance(window, str):
        assert (answer.status_code, answer.json()["error_codes"]) == (422, [window])
    else:
        assert (answer.json()["skip"], answer.json()["limit"]) == window


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        ({}, ["applicant_id_required", "user_journey_id_required"]),
        ({"applicant_id": "", "user_journey_id": JOURNEY}, ["applicant_id_required"]),
        ({"applicant_id": "bob", "user_journey_id": JOURNEY}, ["applicant_id_invalid"]),
        ({"applicant_id": 7, "user_journey_id": JOURNEY}, ["applicant_id_invalid"]),
        ({"applicant_id": "aplt_\ud800", "user_journey_id": JOURNEY}, ["applicant_id_invalid"]),
        ({"applicant_id": APPLICANT, "user_journey_id": "usj_"}, ["user_journey_id_invalid"]),
    ],
)
def test_an_authentication_that_is_not_valid_is_refused(
    merchant: Merchant, body: dict[str, Any], codes: list[str]
) -> None:
    answer = merchant.call("POST", "face-authentications", json=body)

    assert answer.status_code == 422
    assert answer.json() == {
        "request_id": answer.headers["Cko-Request-Id"],
        "error_type": "request_invalid",
        "error_codes": codes,
    }


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        ({}, ["redirect_url_required"]),
        ({"redirect_url": "/back"}, ["redirect_url_invalid"]),
        ({"redirect_url": "javascript:alert(1)"}, ["redirect_url_invalid"]),
        ({"redirect_url": "https://[::1"}, ["redirect_url_invalid"]),
        ({"redirect_url": "https://bank.example/\r\nX: y"}, ["redirect_url_invalid"]),
        ({"redirect_url": "https://bank.example/" + "a" * 2000}, ["redirect_url_invalid"]),
        (
            {"redirect_url": BACK, "phone_number": {"country_code": "33", "number": "x"}},
            ["phone_number__country_code__invalid", "phone_number__number__invalid"],
        ),
        (
            {"redirect_url": BACK, "phone_number": {}},
            ["phone_number__country_code__required", "phone_number__number__required"],
        ),
        ({"redirect_url": BACK, "phone_number": "+33612345678"}, ["phone_number_invalid"]),
        (
            {
                "redirect_url": BACK,
                "client_information": {"pre_selected_residence_country": "France"},
            },
            ["client_information__pre_selected_residence_country__invalid"],
        ),
    ],
)
def test_an_attempt_that_is_not_valid_is_refused(
    merchant: Merchant, body: dict[str, Any], codes: list[str]
) -> None:
    fav = merchant.create()

    answer = merchant.call("POST", f"face-authentications/{fav}/attempts", json=body)

    assert answer.status_code == 422
    assert answer.json()["error_codes"] == codes
    assert merchant.read(fav)["status"] == "created"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_refused(merchant: Merchant, body: bytes) -> None:
    answer = merchant.call("POST", "face-authentications", data=body)

    assert answer.status_code == 400
    assert answer.json()["error_type"] == "invalid_request"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "{missing}"),
        ("POST", "{missing}/anonymize"),
        ("GET", "{missing}/attempts"),
        ("POST", "{missing}/attempts"),
        ("GET", "{missing}/attempts/fatp_a"),
        ("GET", "{missing}/attempts/fatp_a/assets"),
        ("GET", "{existing}/attempts/fatp_a"),
        ("GET", "applicants/aplt_a"),
    ],
)
def test_what_does_not_exist_is_an_empty_404(merchant: Merchant, method: str, path: str) -> None:
    root = "face-authentications"
    path = path.format(missing=f"{root}/{FAV}", existing=f"{root}/{merchant.create()}")

    answer = merchant.call(method, path, json={"redirect_url": BACK})

    assert (answer.status_code, answer.content) == (404, b"")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "face-authentications", "POST"),
        ("DELETE", f"face-authentications/{FAV}", "GET"),
        ("PUT", f"face-authentications/{FAV}/attempts", "GET, POST"),
        ("GET", "connect/token", "POST"),
    ],
)
def test_a_method_that_does_not_exist_is_405(
    merchant: Merchant, method: str, path: str, allowed: str
) -> None:
    answer = merchant.call(method, path)

    assert answer.status_code == 405
    assert answer.headers["Allow"] == allowed


def test_every_response_has_an_id_a_length_and_a_type(merchant: Merchant) -> None:
    fav = merchant.create()

    answers = [merchant.call("GET", f"face-authentications/{fav}") for _ in range(2)]

    first, second = (answer.headers["Cko-Request-Id"] for answer in answers)
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", first)
    assert first != second
    assert all(answer.headers["Cko-Version"] for answer in answers)
    assert int(answers[0].headers["Content-Length"]) == len(answers[0].content)
    assert answers[0].headers["content-type"] == "application/json"
    assert (answers[0].reason, answers[0].ok) == ("OK", True)
    streamed = merchant.call("GET", f"face-authentications/{fav}", stream=True)
    content = streamed.raw.read1(1) + b"".join(iter(lambda: streamed.raw.read1(64), b""))
    assert json.loads(content)["id"] == fav


def test_urls_stay_under_the_prefix_and_host_of_the_caller(db: None) -> None:
    merchant = Merchant("https://other.example:8443/some/prefix", session(root="/some/prefix"))

    fav = merchant.create()
    link = merchant.capture_url(fav)

    assert link.startswith("https://other.example:8443/some/prefix/capture/")
    assert merchant.read(fav)["_links"]["self"]["href"] == (
        f"https://other.example:8443/some/prefix/face-authentications/{fav}"
    )
    assert CaptureDriver().show_face(link).startswith(BACK)


@pytest.mark.parametrize(
    ("root", "path"),
    [
        ("", "/elsewhere"),
        ("", "/simulator/face-authentications"),
        ("/simulator", "/simulator"),
        ("/simulator", "/face-authentications"),
    ],
)
def test_a_url_outside_the_simulator_is_404(root: str, path: str) -> None:
    assert session(root=root).post(HOST + path).status_code == 404
