"""The client against the simulator."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from requests import PreparedRequest

from django_faceauth.exceptions import Conflict
from django_faceauth.provider.client import Client
from django_faceauth.provider.credentials import SecretKey
from django_faceauth.provider.factory import get_client
from django_faceauth.provider.transport import Transport
from django_faceauth.secret import Secret
from django_faceauth.simulator.adapter import CaptureDriver, SimulatorAdapter
from tests.provider.samples import APPLICANT, BACK, FATP, FAV, HOST, JOURNEY, KEY

ABORTED_THEN_APPROVED = "aplt_61203A10000" + "0" * 15


class Recorder(SimulatorAdapter):
    """The simulator, with a record of what it was sent."""

    def __init__(self):
        super().__init__()
        self.sent: list[PreparedRequest] = []

    def send(self, request, *args, **kwargs):
        self.sent.append(request)
        return super().send(request)


@pytest.fixture
def client(db):
    return get_client()


@pytest.fixture
def recorder(db):
    return Recorder()


@pytest.fixture
def recorded(recorder):
    return Client(HOST, SecretKey(Secret(KEY)), Transport(adapter=recorder))


def create(client, applicant_id=APPLICANT):
    return client.create_authentication(applicant_id=applicant_id, user_journey_id=JOURNEY).id


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


def test_the_headers_and_urls_of_requests(db, recorder):
    client = Client(f"{HOST}//", SecretKey(Secret(KEY)), Transport(adapter=recorder))

    client.get_authentication(create(client))
    create(client)

    sent = recorder.sent[0].headers
    assert recorder.sent[0].url == f"{HOST}/face-authentications"
    assert sent["Authorization"] == f"Bearer {KEY}"
    assert sent["Accept"] == sent["Content-Type"] == "application/json"
    assert sent["Accept-Encoding"] == "identity"
    assert sent["User-Agent"].startswith("django-faceauth/")
    first, read, second = (row.headers.get("Cko-Idempotency-Key") for row in recorder.sent)
    assert read is None
    assert first
    assert second
    assert first != second


@pytest.mark.parametrize(
    "identifier",
    ["", "fav_", "fatp_a", "fav_x/../../applicants/y", "fav_a?b", "fav_a%2f", "fav_a\n", "fav_ä"],
)
def test_an_id_of_another_shape_is_never_sent(recorded, recorder, identifier):
    """P-01: an id cannot lead to another URL."""
    calls: list[Callable[[], object]] = [
        lambda: recorded.get_authentication(identifier),
        lambda: recorded.anonymize_authentication(identifier),
        lambda: recorded.create_attempt(identifier, redirect_url=BACK),
        lambda: recorded.list_attempts(identifier),
        lambda: recorded.get_attempt(identifier, FATP),
        lambda: recorded.list_assets(identifier, FATP),
        lambda: recorded.get_attempt(FAV, identifier.replace("fatp", "x").replace("fav", "fatp")),
        lambda: recorded.create_authentication(applicant_id=identifier, user_journey_id=JOURNEY),
        lambda: recorded.create_authentication(applicant_id=APPLICANT, user_journey_id=identifier),
    ]

    for call in calls:
        with pytest.raises(ValueError, match="not an identifier"):
            call()

    assert recorder.sent == []
