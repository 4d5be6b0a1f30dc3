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


def fav_of(attempt: dict[str, Any]) -> str:
    return str(attempt["_links"]["self"]["href"].split("/")[-3])


def link_of(attempt: dict[str, Any]) -> str:
    return str(attempt["_links"]["verification_url"]["href"])


@pytest.fixture
def fav(attempt: dict[str, Any]) -> str:
    return fav_of(attempt)


@pytest.fixture
def approved(attempt: dict[str, Any], visitor: CaptureDriver, clock: Traveller) -> dict[str, Any]:
    visitor.show_face(link_of(attempt))
    clock.shift(2)
    return attempt


def test_a_decided_authentication_shows_the_face(
    merchant: Merchant, fav: str, approved: dict[str, Any]
) -> None:
    url = merchant.read(fav)["face"]["image_signed_url"]

    answer = session("").get(url)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.content.startswith(b"\x89PNG\r\n\x1a\n")


def test_a_captured_attempt_has_one_picture(
    merchant: Merchant, fav: str, approved: dict[str, Any]
) -> None:
    told = merchant.assets(fav, approved["id"])

    assert told["total_count"] == 1
    assert told["data"][0]["type"] == "face_image"
    url = told["data"][0]["_links"]["asset_url"]["href"]
    assert session("").get(url).status_code == 200


@pytest.mark.parametrize("choice", ["no_camera", "leave", "refuse"])
def test_a_capture_without_a_face_has_no_picture(
    merchant: Merchant, visitor: CaptureDriver, attempt: dict[str, Any], fav: str, choice: str
) -> None:
    visitor.show_face(link_of(attempt), choice)

    assert merchant.assets(fav, attempt["id"])["data"] == []
    assert "face" not in merchant.read(fav)


def test_the_link_to_a_picture_is_short_lived(
    merchant: Merchant, fav: str, approved: dict[str, Any], clock: Traveller
) -> None:
    url = merchant.read(fav)["face"]["image_signed_url"]

    clock.shift(timedelta(minutes=15, seconds=1))

    assert session("").get(url).status_code == 404


def test_the_link_to_a_picture_cannot_be_made_up(
    merchant: Merchant, fav: str, approved: dict[str, Any]
) -> None:
    url = merchant.read(fav)["face"]["image_signed_url"]

    assert session("").get(url.replace("assets/", "assets/x")).status_code == 404


def test_a_capture_link_is_no_link_to_a_picture(attempt: dict[str, Any]) -> None:
    url = link_of(attempt).replace("/capture/", "/assets/") + "face.png"

    assert session("").get(url).status_code == 404


def test_anonymizing_removes_what_tells_of_the_person(
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


def test_anonymizing_is_refused_while_faces_are_compared(
    merchant: Merchant, visitor: CaptureDriver, fav: str, attempt: dict[str, Any], clock: Traveller
) -> None:
    visitor.show_face(link_of(attempt))

    answer = merchant.call("POST", f"face-authentications/{fav}/anonymize")

    assert answer.status_code == 400
    assert answer.json()["error_codes"] == ["face_authentication_in_progress"]
    assert merchant.read(fav)["status"] == "checks_in_progress"
