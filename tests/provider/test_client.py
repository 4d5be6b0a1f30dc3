"""The client against the simulator, and what it sends."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from django_faceauth.exceptions import Conflict
from django_faceauth.provider.factory import get_client
from django_faceauth.simulator.adapter import CaptureDriver
from tests.provider.samples import (
    APPLICANT,
    AUTHENTICATION,
    BACK,
    FAV,
    HOST,
    JOURNEY,
    KEY,
    client_of,
)
from tests.provider.test_answers import answers

ABORTED_THEN_APPROVED = "aplt_61203A10000" + "0" * 15


@pytest.fixture
def client(db):
    return get_client()


def test_an_authentication_from_its_creation_to_its_end(client, clock):
    """V-11: a face is compared with that of one applicant."""
    created = client.create_authentication(
        applicant_id=ABORTED_THEN_APPROVED, user_journey_id=JOURNEY
    )
    assert (created.status, created.applicant_id) == ("created", ABORTED_THEN_APPROVED)
    assert (created.user_journey_id, created.response_codes) == (JOURNEY, ())
    assert abs(timezone.now() - created.created_on) < timedelta(minutes=1)
    assert client.get_authentication(created.id) == created

    made = []
    for _ in range(2):
        attempt = client.create_attempt(created.id, redirect_url=BACK)
        assert (attempt.status, attempt.redirect_url) == ("pending_redirection", BACK)
        assert client.list_assets(created.id, attempt.id).items == ()
        CaptureDriver().show_face(attempt.capture_url)
        clock.shift(timedelta(seconds=5))
        made.append(client.get_attempt(created.id, attempt.id))

    first, second = (
        client.list_attempts(created.id, limit=1),
        client.list_attempts(created.id, skip=1),
    )
    assert (first.items, second.items) == ((made[1],), (made[0],))
    assert [code.code for code in made[0].response_codes] == [61203]
    assert (first.total_count, first.skip, first.limit) == (2, 0, 1)
    assert (second.total_count, second.skip, second.limit) == (2, 1, 10)
    (asset,) = client.list_assets(created.id, made[1].id).items
    assert asset.type == "face_image"
    assert asset.url.startswith(f"{HOST}/assets/")
    with pytest.raises(Conflict) as caught:
        client.create_attempt(created.id, redirect_url=BACK)
    assert caught.value.codes == ("face_authentication_status_invalid",)
    assert client.anonymize_authentication(created.id).status == "approved"
    assert client.list_assets(created.id, made[1].id).items == ()


def test_the_headers_and_urls_of_requests(network):
    answers(network, json.dumps(AUTHENTICATION))
    client = client_of(f"{HOST}//")

    client.create_authentication(applicant_id=APPLICANT, user_journey_id=JOURNEY)
    client.get_authentication(FAV)
    client.create_authentication(applicant_id=APPLICANT, user_journey_id=JOURNEY)

    created, read, again = (call.request for call in network.calls)
    sent = created.headers
    assert created.url == f"{HOST}/face-authentications"
    assert sent["Authorization"] == f"Bearer {KEY}"
    assert sent["Accept"] == sent["Content-Type"] == "application/json"
    assert sent["Accept-Encoding"] == "identity"
    assert sent["User-Agent"].startswith("django-faceauth/")
    assert "Cko-Idempotency-Key" not in read.headers
    keys = {request.headers["Cko-Idempotency-Key"] for request in (created, again)}
    assert len(keys) == 2
