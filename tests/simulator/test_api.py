"""The provider's API."""

from __future__ import annotations

import re

import pytest

from django_faceauth.simulator.models import StoredApplicant, StoredCase
from tests.simulator.merchant import APPLICANT, BACK, HOST, JOURNEY, session

ID = r"_[a-z2-7]{26}"


def test_a_new_attempt_is_told_in_full(merchant, clock):
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


def test_an_approval_takes_the_time_of_the_checks_and_is_final(merchant, visitor, clock):
    fav = merchant.create()
    visitor.show_face(merchant.capture_url(fav))

    for status in ("checks_in_progress", "approved"):
        shown = merchant.read(fav)
        assert shown["status"] == status
        body = {"redirect_url": BACK}
        answer = merchant.call("POST", f"face-authentications/{fav}/attempts", json=body)
        assert answer.status_code == 409
        assert answer.json()["error_codes"] == ["face_authentication_status_invalid"]
        clock.shift(2)

    assert shown["response_codes"] == [{"code": 10000, "summary": "approved"}]
    assert shown["modified_on"] == "2026-03-02T12:00:02.000000Z"


@pytest.mark.parametrize(
    ("is_opened", "status", "code", "summary"),
    [
        (False, "expired", 61101, "applicant_never_started"),
        (True, "capture_aborted", 61121, "applicant_drop"),
    ],
)
def test_a_link_expires_a_quarter_of_an_hour_after_its_last_use(
    merchant, visitor, clock, is_opened, status, code, summary
):
    fav = merchant.create()
    attempt = merchant.attempt(fav)
    if is_opened:
        clock.shift(14 * 60)
        visitor.open(attempt["_links"]["verification_url"]["href"])
    clock.shift(15 * 60 - 1)
    assert merchant.read(fav)["response_codes"] == []
    clock.shift(1)

    shown = merchant.read_attempt(fav, attempt["id"])

    assert shown["status"] == status
    assert shown["_links"] == attempt["_links"]  # the provider sends it in every state (F-72)
    assert merchant.read(fav)["response_codes"] == [{"code": code, "summary": summary}]
    merchant.attempt(fav)
    assert [each["status"] for each in merchant.attempts(fav)["data"]][1] == status
    assert merchant.read(fav)["response_codes"] == []


def test_attempts_are_listed_newest_first_in_pages_with_links(merchant):
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


AUTHENTICATION = {"applicant_id": APPLICANT, "user_journey_id": JOURNEY}
DECLARED = {"name": "Hannah Bret", "birth_date": "1994-10-15"}
VERIFICATION = {"declared_data": DECLARED, "redirect_url": BACK, "user_journey_id": JOURNEY}
INVALID = {
    "face-authentications": (
        AUTHENTICATION,
        [
            ({"applicant_id": ""}, ["applicant_id_required"]),
            ({"applicant_id": "bob"}, ["applicant_id_invalid"]),
            ({"applicant_id": 7}, ["applicant_id_invalid"]),
            ({"applicant_id": "aplt_\ud800"}, ["applicant_id_invalid"]),
            ({"user_journey_id": "usj_"}, ["user_journey_id_invalid"]),
        ],
    ),
    "face-authentications/{fav}/attempts": (
        {"redirect_url": BACK},
        [
            ({"redirect_url": ""}, ["redirect_url_required"]),
            ({"redirect_url": "/back"}, ["redirect_url_invalid"]),
            ({"redirect_url": "javascript:alert(1)"}, ["redirect_url_invalid"]),
            ({"redirect_url": "https://[::1"}, ["redirect_url_invalid"]),
            ({"redirect_url": "https://bank.example/\r\nX: y"}, ["redirect_url_invalid"]),
            ({"phone_number": "+33612345678"}, ["phone_number_invalid"]),
            (
                {"phone_number": {"country_code": "33", "number": "x"}},
                ["phone_number__country_code__invalid", "phone_number__number__invalid"],
            ),
            (
                {"client_information": {"pre_selected_residence_country": "France"}},
                ["client_information__pre_selected_residence_country__invalid"],
            ),
        ],
    ),
    "applicants": (
        {},
        [
            ({"email": "no"}, ["email_invalid"]),
            ({"external_applicant_id": 7}, ["external_applicant_id_invalid"]),
        ],
    ),
    "create-and-open-idv": (
        VERIFICATION,
        [
            ({"declared_data": None}, ["declared_data_required"]),
            ({"declared_data": "Hannah"}, ["declared_data_invalid"]),
            ({"declared_data": {}}, ["declared_data__name__required"]),
            ({"declared_data": {"name": "x"}}, ["declared_data__name__invalid"]),
            (
                {"declared_data": {**DECLARED, "birth_date": "15.10.1994"}},
                ["declared_data__birth_date__invalid"],
            ),
            (
                {"declared_data": {**DECLARED, "phone_number": {"number": "1"}}},
                ["declared_data__phone_number__country_code__required"],
            ),
            ({"redirect_url": ""}, ["redirect_url_required"]),
            ({"user_journey_id": "x"}, ["user_journey_id_invalid"]),
            ({"applicant_id": "fav_x"}, ["applicant_id_invalid"]),
        ],
    ),
    "identity-verifications": (VERIFICATION, [({}, ["applicant_id_required"])]),
}


@pytest.mark.parametrize("path", INVALID)
def test_what_is_invalid_is_refused(merchant, path):
    fav = merchant.create()
    valid, cases = INVALID[path]
    for wrong, codes in cases:
        answer = merchant.call("POST", path.format(fav=fav), json={**valid, **wrong})

        assert answer.status_code == 422
        assert answer.json() == {
            "request_id": answer.headers["Cko-Request-Id"],
            "error_type": "request_invalid",
            "error_codes": codes,
        }
    assert merchant.call("PATCH", "applicants/aplt_10000", json={"email": 1}).status_code == 422
    assert merchant.read(fav)["status"] == "created"
    assert StoredCase.objects.count() == 1
    assert not StoredApplicant.objects.exists()


def test_an_id_is_looked_up_in_its_own_collection(merchant):
    idv = merchant.call("POST", "create-and-open-idv", json=VERIFICATION).json()
    fav = merchant.create()
    for path in (
        *(f"face-authentications/{idv['id']}", "face-authentications/fav_a"),
        *(f"identity-verifications/{fav}", "identity-verifications/idv_a"),
    ):
        for method, end in (
            *(("GET", ""), ("POST", "/anonymize")),
            *(("GET", "/attempts"), ("POST", "/attempts"), ("GET", "/attempts/fatp_a")),
        ):
            answer = merchant.call(method, path + end, json={"redirect_url": BACK})
            assert (answer.status_code, answer.content) == (404, b""), path + end
    for path in (
        *(f"face-authentications/{each}/attempts/fatp_a/assets" for each in (fav, "fav_a")),
        *(f"face-authentications/{fav}/attempts/fatp_a", f"applicants/{fav}"),
        *(f"applicants/{APPLICANT}x", "applicants/aplt_unknown"),
    ):
        assert merchant.call("GET", path).status_code == 404, path
    # An applicant that came with a case, or that a scenario names, is known.
    for applicant_id in (idv["applicant_id"], APPLICANT, "aplt_10000"):
        assert merchant.call("GET", f"applicants/{applicant_id}").status_code == 200


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"\xff", b"[" * 100_000])
def test_a_body_must_be_a_json_object(merchant, body):
    answer = merchant.call("POST", "face-authentications", data=body)

    assert answer.status_code == 400
    assert answer.json()["error_type"] == "invalid_request"


@pytest.fixture
def attempt(merchant, clock):
    return merchant.attempt(
        merchant.create(), phone_number={"country_code": "+33", "number": "612345678"}
    )


@pytest.fixture
def fav(attempt):
    return attempt["_links"]["self"]["href"].split("/")[-3]


def test_a_decided_authentication_has_a_picture_for_a_while(merchant, visitor, clock, fav, attempt):
    capture_url = attempt["_links"]["verification_url"]["href"]
    visitor.show_face(capture_url)
    clock.shift(2)

    url = merchant.read(fav)["face"]["image_signed_url"]
    [asset] = merchant.assets(fav, attempt["id"])["data"]

    assert asset["type"] == "face_image"
    for link in (url, asset["_links"]["asset_url"]["href"]):
        answer = session("").get(link)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "image/png"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.content.startswith(b"\x89PNG\r\n\x1a\n")
    made_up = url.replace("assets/", "assets/x")
    of_the_capture = capture_url.replace("/capture/", "/assets/") + "face.png"
    for link in (made_up, of_the_capture):
        assert session("").get(link).status_code == 404
    clock.shift(15 * 60 + 1)
    assert session("").get(url).status_code == 404


def test_anonymizing_waits_for_the_checks_and_removes_personal_data(
    merchant, visitor, clock, fav, attempt
):
    visitor.show_face(attempt["_links"]["verification_url"]["href"])
    answer = merchant.call("POST", f"face-authentications/{fav}/anonymize")
    assert answer.status_code == 400
    assert answer.json()["error_codes"] == ["face_authentication_in_progress"]
    assert merchant.read(fav)["status"] == "checks_in_progress"
    clock.shift(2)
    picture = merchant.read(fav)["face"]["image_signed_url"]

    told = merchant.anonymize(fav)

    assert told["status"] == "approved"
    assert "face" not in told
    assert session("").get(picture).status_code == 404
    assert merchant.assets(fav, attempt["id"])["data"] == []
    left = merchant.read_attempt(fav, attempt["id"])
    assert left["redirect_url"] == attempt["redirect_url"]
    assert not {"phone_number", "applicant_session_information"} & left.keys()
