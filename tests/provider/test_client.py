"""The seven calls, against the simulator."""

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
from django_faceauth.simulator.adapter import SimulatorAdapter
from django_faceauth.simulator.capture_driver import CaptureDriver
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


def test_a_new_authentication_is_created_for_the_applicant(client: Client) -> None:
    """V-11: a face is compared with that of one applicant."""
    created = client.create_authentication(applicant_id=APPLICANT, user_journey_id=JOURNEY)

    assert created.id.startswith("fav_")
    assert (created.status, created.applicant_id) == ("created", APPLICANT)
    assert created.user_journey_id == JOURNEY
    assert created.created_on is not None
    assert created.created_on.utcoffset() == timedelta(0)
    assert abs(timezone.now() - created.created_on) < timedelta(minutes=1)


def test_an_authentication_is_read(client: Client) -> None:
    fav = create(client)

    read = client.get_authentication(fav)

    assert (read.id, read.status, read.response_codes) == (fav, "created", ())


def test_an_attempt_comes_with_its_capture_page(client: Client) -> None:
    attempt = client.create_attempt(create(client), redirect_url=BACK)

    assert attempt.id.startswith("fatp_")
    assert attempt.status == "pending_redirection"
    assert attempt.redirect_url == BACK
    assert attempt.capture_url.startswith(f"{HOST}/capture/")


def test_an_approved_face_is_told_with_its_code(
    client: Client, clock: time_machine.Traveller
) -> None:
    fav = create(client, APPROVED)
    attempt_id = capture(client, fav, clock)

    read = client.get_authentication(fav)

    assert read.status == "approved"
    assert read.response_codes == (ResponseCode(10000, "approved"),)
    assert client.get_attempt(fav, attempt_id).status == "completed"


def test_a_declined_face_is_told_with_its_code(
    client: Client, clock: time_machine.Traveller
) -> None:
    fav = create(client, DECLINED)
    capture(client, fav, clock)

    read = client.get_authentication(fav)

    assert read.status == "declined"
    assert [code.code for code in read.response_codes] == [62321]


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


def test_assets_of_a_captured_attempt_are_links(
    client: Client, clock: time_machine.Traveller
) -> None:
    fav = create(client, APPROVED)
    attempt_id = capture(client, fav, clock)

    page = client.list_assets(fav, attempt_id)

    assert page.total_count == 1
    assert [asset.type for asset in page.items] == ["face_image"]
    assert page.items[0].url.startswith(f"{HOST}/assets/")


def test_an_attempt_without_a_capture_has_no_assets(client: Client) -> None:
    fav = create(client)
    attempt = client.create_attempt(fav, redirect_url=BACK)

    page = client.list_assets(fav, attempt.id)

    assert (page.items, page.total_count) == ((), 0)


def test_anonymizing_leaves_the_verdict_and_removes_the_pictures(
    client: Client, clock: time_machine.Traveller
) -> None:
    fav = create(client, APPROVED)
    attempt_id = capture(client, fav, clock)

    anonymized = client.anonymize_authentication(fav)

    assert (anonymized.id, anonymized.status) == (fav, "approved")
    assert client.list_assets(fav, attempt_id).items == ()


@pytest.mark.parametrize("operation", [name for name in CALLS if name != "create_authentication"])
def test_what_is_unknown_is_not_found(client: Client, operation: str) -> None:
    with pytest.raises(NotFound) as caught:
        CALLS[operation](client)

    assert (caught.value.operation, caught.value.status_code) == (operation, 404)
    assert caught.value.request_id


def test_a_decided_authentication_takes_no_attempt(
    client: Client, clock: time_machine.Traveller
) -> None:
    fav = create(client, APPROVED)
    capture(client, fav, clock)

    with pytest.raises(Conflict) as caught:
        client.create_attempt(fav, redirect_url=BACK)

    assert caught.value.operation == "create_attempt"
    assert caught.value.codes == ("face_authentication_status_invalid",)


def test_an_unusable_phone_number_is_rejected_with_the_providers_code(client: Client) -> None:
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


def test_only_posts_carry_an_idempotency_key_and_each_its_own(
    recorded: Client, recorder: Recorder
) -> None:
    recorded.get_authentication(create(recorded))
    create(recorded)

    keys = [request.headers.get("Cko-Idempotency-Key") for request in recorder.sent]

    assert keys[1] is None
    assert keys[0]
    assert keys[2]
    assert keys[0] != keys[2]


def test_every_request_asks_for_json_that_is_not_compressed(
    recorded: Client, recorder: Recorder
) -> None:
    create(recorded)

    sent = recorder.sent[0].headers

    assert sent["Authorization"] == f"Bearer {KEY}"
    assert sent["Accept"] == sent["Content-Type"] == "application/json"
    assert sent["Accept-Encoding"] == "identity"
    assert sent["User-Agent"].startswith("django-faceauth/")


def test_a_trailing_slash_on_the_base_url_makes_no_difference(db: None, recorder: Recorder) -> None:
    client = Client(f"{HOST}//", SecretKey(Secret(KEY)), Transport(adapter=recorder))

    create(client)

    assert recorder.sent[0].url == f"{HOST}/face-authentications"


@pytest.mark.parametrize(
    "identifier",
    ["", "fav_", "fatp_a", "fav_x/../../applicants/y", "fav_a?b", "fav_a%2f", "fav_a\n", "fav_ä"],
)
def test_an_id_of_another_shape_is_never_sent(
    recorded: Client, recorder: Recorder, identifier: str
) -> None:
    """P-01: an id cannot lead to another address."""
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
