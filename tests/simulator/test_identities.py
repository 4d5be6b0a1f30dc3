"""Applicants and identity verifications of the simulator."""

from __future__ import annotations

import pytest

from django_faceauth.simulator.models import StoredApplicant, StoredCase
from tests.simulator.merchant import BACK, JOURNEY
from tests.simulator.test_scenarios import SCENARIOS

DECLARED = {"name": "Hannah Bret", "birth_date": "1994-10-15"}
NEW = {"declared_data": DECLARED, "redirect_url": BACK, "user_journey_id": JOURNEY}


def told(merchant, method, path, **body):
    answer = merchant.call(method, path, json=body)
    answer.raise_for_status()
    return answer.json()


def new_applicant(merchant, **profile):
    return told(merchant, "POST", "applicants", **profile)["id"]


def opened(merchant, **more):
    """Return a new identity verification and its capture URL."""
    idv = told(merchant, "POST", "create-and-open-idv", **{**NEW, **more})
    return idv, idv["_links"]["verification_url"]["href"]


@pytest.mark.parametrize(
    ("method", "path", "body", "codes"),
    [
        ("POST", "applicants", {"email": "no"}, ["email_invalid"]),
        ("POST", "applicants", {"external_applicant_id": 7}, ["external_applicant_id_invalid"]),
        ("PATCH", "applicants/aplt_10000", {"email": "no"}, ["email_invalid"]),
        *(
            ("POST", "create-and-open-idv", {**NEW, **wrong}, codes)
            for wrong, codes in (
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
            )
        ),
        ("POST", "identity-verifications", NEW, ["applicant_id_required"]),
    ],
)
def test_what_is_invalid_is_refused(merchant, method, path, body, codes):
    answer = merchant.call(method, path, json=body)

    assert (answer.status_code, sorted(answer.json()["error_codes"])) == (422, codes)
    assert not StoredCase.objects.exists()
    assert not StoredApplicant.objects.exists()


@pytest.mark.parametrize("is_external", [True, False])
@pytest.mark.parametrize(("tail", "ends"), SCENARIOS.items(), ids=list(SCENARIOS))
def test_a_scenario_is_chosen_by_either_id(merchant, visitor, clock, site, tail, ends, is_external):
    applicant_id = f"aplt_{tail:0<26}"
    if is_external:
        applicant_id = new_applicant(merchant, external_applicant_id=f"e{applicant_id}")
    idv, capture = opened(merchant, applicant_id=applicant_id)
    path = f"identity-verifications/{idv['id']}"
    for number, (status, code, _events) in enumerate(ends):
        if number:
            attempt = told(merchant, "POST", f"{path}/attempts", redirect_url=BACK)
            capture = attempt["_links"]["verification_url"]["href"]
        back = visitor.show_face(capture, "leave")
        clock.shift(2)

        assert f"id={idv['id']}&event=identity_verification_" in back
        shown = merchant.call("GET", path).json()
        assert (shown["status"], shown["response_codes"][0]["code"]) == (status, code)
        assert ("face" in shown) == ("documents" in shown) == (status in {"approved", "declined"})
    site.is_told()
    events = [received.event for received in site.received]
    expected = [name for *_end, names in ends for name in names]
    names = [event["type"].removeprefix("identity_verification_") for event in events]
    assert [name for name in names if name in expected] == expected
    assert {event["data"]["identity_verification_id"] for event in events} == {idv["id"]}
    assert {event["data"].get("external_applicant_id") for event in events} == {
        f"eaplt_{tail:0<26}" if is_external else None
    }


@pytest.mark.parametrize(("language", "shown"), [("de", "de"), ("fr-CA", "fr"), (None, "en")])
def test_the_capture_page_is_in_the_language_that_was_asked_for(merchant, visitor, language, shown):
    idv, _capture = opened(merchant)
    information = {"pre_selected_language": language} if language else {}
    attempt = told(
        merchant,
        "POST",
        f"identity-verifications/{idv['id']}/attempts",
        redirect_url=BACK,
        client_information=information,
    )
    page = visitor.open(attempt["_links"]["verification_url"]["href"])
    assert f'<html lang="{shown}' in page
    assert attempt.get("client_information", {}) == information
