"""The client against the simulator."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from requests import PreparedRequest, Response

from django_faceauth.exceptions import AccessDenied, Conflict, NotFound, Rejected
from django_faceauth.provider.client import Client, ClientInformation, PhoneNumber
from django_faceauth.provider.credentials import SecretKey
from django_faceauth.provider.factory import get_client
from django_faceauth.provider.resources import ResponseCode
from django_faceauth.provider.transport import Transport
from django_faceauth.secret import Secret
from django_faceauth.simulator.adapter import CaptureDriver, SimulatorAdapter
from tests.provider.samples import APPLICANT, BACK, CALLS, FATP, FAV, HOST, JOURNEY, KEY

APPROVED = "aplt_10000" + "0" * 21
DECLINED = "aplt_62321" + "0" * 21
ABORTED_THEN_APPROVED = "aplt_61203A10000" + "0" * 15


class Recorder(SimulatorAdapter):
    """The simulator, with a record of what it was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[PreparedRequest] = []

    def send(self, request: PreparedRequest, *args: object, **kwargs: object) -> Response:
        self.sent.append(request)
        return super().send(request)


@pytest.fixture
def client(db: None) -> Client:
    return get_client()


@pytest.fixture
def recorder(db: None) -> Recorder:
    return Recorder()


@pytest.fixture
def recorded(recorder: Recorder) -> Client:
    return Client(HOST, SecretKey(Secret(KEY)), Transport(adapter=recorder))


def create(client: Client, applicant_id: str = APPLICANT) -> str:
    return client.create_authentication(applicant_id=applicant_id, user_journey_id=JOURNEY).id


def capture(client: Client, fav: str, clock: time_machine.Traveller) -> str:
    """Go through the capture page and wait for the comparison; return the attempt's id."""
    attempt = client.create_attempt(fav, redirect_url=BACK)
    CaptureDriver().show_face(attempt.capture_url)
    clock.shift(timedelta(seconds=5))
    return attempt.id


def test_an_authentication_is_created_for_the_applicant_and_read(client: Client) -> None:
    """V-11: a face is compared with that of one applicant."""
    created = client.create_authentication(applicant_id=APPLICANT, user_journey_id=JOURNEY)

    assert created.id.startswith("fav_")
    assert (created.status, created.applicant_id) == ("created", APPLICANT)
    assert (created.user_journey_id, created.response_codes) == (JOURNEY, ())
    assert created.created_on is not None
    assert created.created_on.utcoffset() == timedelta(0)
    assert abs(timezone.now() - created.created_on) < timedelta(minutes=1)
    assert client.get_authentication(created.id) == created


def test_an_attempt_has_a_capture_page_and_no_assets_yet(client: Client) -> None:
    fav = create(client)

    attempt = client.create_attempt(fav, redirect_url=BACK)

    assert attempt.id.startswith("fatp_")
    assert attempt.status == "pending_redirection"
    assert attempt.redirect_url == BACK
    assert attempt.capture_url.startswith(f"{HOST}/capture/")
    page = client.list_assets(fav, attempt.id)
    assert (page.items, page.total_count) == ((), 0)


@pytest.mark.parametrize(
    ("applicant", "status", "code"),
    [(APPROVED, "approved", 10000), (DECLINED, "declined", 62321)],
)
def test_a_decided_authentication(
    client: Client, clock: time_machine.Traveller, applicant: str, status: str, code: int
) -> None:
    """It has its code and a picture, takes no attempt, and loses the picture alone when erased."""
    fav = create(client, applicant)
    attempt_id = capture(client, fav, clock)

    decided = client.get_authentication(fav)
    page = client.list_assets(fav, attempt_id)

    assert (decided.status, [code.code for code in decided.response_codes]) == (status, [code])
    assert client.get_attempt(fav, attempt_id).status == "completed"
    assert [asset.type for asset in page.items] == ["face_image"]
    assert page.total_count == 1
    assert page.items[0].url.startswith(f"{HOST}/assets/")
    with pytest.raises(Conflict) as caught:
        client.create_attempt(fav, redirect_url=BACK)
    assert caught.value.operation == "create_attempt"
    assert caught.value.codes == ("face_authentication_status_invalid",)
    anonymized = client.anonymize_authentication(fav)
    assert (anonymized.id, anonymized.status) == (fav, status)
    assert client.list_assets(fav, attempt_id).items == ()


def test_attempts_are_listed_newest_first_and_in_pages(
    client: Client, clock: time_machine.Traveller
) -> None:
    fav = create(client, ABORTED_THEN_APPROVED)
    made = [capture(client, fav, clock), capture(client, fav, clock)]

    first = client.list_attempts(fav, limit=1)
    second = client.list_attempts(fav, skip=1)

    assert [attempt.id for attempt in first.items] == made[1:]
    assert [attempt.id for attempt in second.items] == made[:1]
    assert second.items[0].response_codes == (
        ResponseCode(61203, second.items[0].response_codes[0].summary),
    )
    assert (first.total_count, first.skip, first.limit) == (2, 0, 1)
    assert (second.total_count, second.skip, second.limit) == (2, 1, 10)


@pytest.mark.parametrize("operation", [name for name in CALLS if name != "create_authentication"])
def test_an_unknown_object_is_not_found(client: Client, operation: str) -> None:
    with pytest.raises(NotFound) as caught:
        CALLS[operation](client)

    assert (caught.value.operation, caught.value.status_code) == (operation, 404)
    assert caught.value.request_id


def test_a_rejected_request_has_the_code_of_the_provider(client: Client) -> None:
    phone = PhoneNumber("33", "600000000")
    fav = create(client)

    with pytest.raises(Rejected) as caught:
        client.create_attempt(fav, redirect_url=BACK, phone_number=phone)

    assert caught.value.status_code == 422
    assert caught.value.codes == ("phone_number__country_code__invalid",)


def test_a_wrong_key_is_denied(db: None, provider: SimulatorAdapter) -> None:
    client = Client(HOST, SecretKey(Secret("sk_sbox_wrong")), Transport(adapter=provider))

    with pytest.raises(AccessDenied) as caught:
        client.get_authentication(FAV)

    assert caught.value.status_code == 401


def test_phone_and_preselections_are_sent_as_the_provider_reads_them(
    recorded: Client, recorder: Recorder
) -> None:
    fav = create(recorded)

    recorded.create_attempt(
        fav,
        redirect_url=BACK,
        phone_number=PhoneNumber("+33", "600000000"),
        client_information=ClientInformation(pre_selected_language="en-US"),
    )

    assert recorder.sent[-1].body == (
        b'{"redirect_url": "https://bank.example/face/back", '
        b'"phone_number": {"country_code": "+33", "number": "600000000"}, '
        b'"client_information": {"pre_selected_language": "en-US"}}'
    )


def test_the_headers_and_urls_of_requests(db: None, recorder: Recorder) -> None:
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
def test_an_id_of_another_shape_is_never_sent(
    recorded: Client, recorder: Recorder, identifier: str
) -> None:
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
