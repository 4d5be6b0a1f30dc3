"""Pictures, and what is left after anonymization."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from time_machine import Traveller

from django_faceauth.simulator.capture_driver import CaptureDriver
from tests.simulator.merchant import Merchant, session

PHONE = {"country_code": "+33", "number": "612345678"}


@pytest.fixture
def attempt(merchant: Merchant) -> dict[str, Any]:
    return merchant.attempt(merchant.create(), phone_number=PHONE)


def link_of(attempt: dict[str, Any]) -> str:
    return str(attempt["_links"]["verification_url"]["href"])


@pytest.fixture
def fav(attempt: dict[str, Any]) -> str:
    return str(attempt["_links"]["self"]["href"].split("/")[-3])


@pytest.fixture
def approved(attempt: dict[str, Any], visitor: CaptureDriver, clock: Traveller) -> dict[str, Any]:
    visitor.show_face(link_of(attempt))
    clock.shift(2)
    return attempt


def test_a_decided_authentication_has_a_picture_for_a_while(
    merchant: Merchant, fav: str, approved: dict[str, Any], clock: Traveller
) -> None:
    url = merchant.read(fav)["face"]["image_signed_url"]
    page = merchant.assets(fav, approved["id"])

    assert page["total_count"] == 1
    assert page["data"][0]["type"] == "face_image"
    for link in (url, page["data"][0]["_links"]["asset_url"]["href"]):
        answer = session("").get(link)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "image/png"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.content.startswith(b"\x89PNG\r\n\x1a\n")
    made_up = url.replace("assets/", "assets/x")
    of_the_capture = link_of(approved).replace("/capture/", "/assets/") + "face.png"
    for link in (made_up, of_the_capture):
        assert session("").get(link).status_code == 404
    clock.shift(timedelta(minutes=15, seconds=1))
    assert session("").get(url).status_code == 404


@pytest.mark.parametrize("choice", ["no_camera", "leave", "refuse"])
def test_a_capture_without_a_face_has_no_picture(
    merchant: Merchant, visitor: CaptureDriver, attempt: dict[str, Any], fav: str, choice: str
) -> None:
    visitor.show_face(link_of(attempt), choice)

    assert merchant.assets(fav, attempt["id"])["data"] == []
    assert "face" not in merchant.read(fav)


def test_anonymizing_removes_personal_data(
    merchant: Merchant, fav: str, approved: dict[str, Any]
) -> None:
    picture = merchant.read(fav)["face"]["image_signed_url"]

    told = merchant.anonymize(fav)

    assert told["status"] == "approved"
    assert "face" not in told
    assert session("").get(picture).status_code == 404
    assert merchant.assets(fav, approved["id"])["data"] == []
    left = merchant.read_attempt(fav, approved["id"])
    assert left["redirect_url"] == approved["redirect_url"]
    assert not {"phone_number", "applicant_session_information"} & left.keys()


def test_anonymizing_closes_an_open_authentication(
    merchant: Merchant, fav: str, attempt: dict[str, Any]
) -> None:
    told = merchant.anonymize(fav)

    assert told["status"] == "inconclusive"
    assert told["response_codes"] == [{"code": 64001, "summary": "forcibly_closed"}]
    assert merchant.read_attempt(fav, attempt["id"])["status"] == "terminated"


def test_anonymizing_is_rejected_during_the_checks(
    merchant: Merchant, visitor: CaptureDriver, fav: str, attempt: dict[str, Any], clock: Traveller
) -> None:
    visitor.show_face(link_of(attempt))

    answer = merchant.call("POST", f"face-authentications/{fav}/anonymize")

    assert answer.status_code == 400
    assert answer.json()["error_codes"] == ["face_authentication_in_progress"]
    assert merchant.read(fav)["status"] == "checks_in_progress"
