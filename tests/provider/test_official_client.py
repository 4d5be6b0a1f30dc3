"""The simulator and the provider's own Python client agree on every call."""

from __future__ import annotations

from types import SimpleNamespace as Request
from typing import Any

import pytest
import time_machine
from checkout_sdk.checkout_sdk import CheckoutSdk
from checkout_sdk.exception import CheckoutApiException
from checkout_sdk.http_client_interface import HttpClientBuilderInterface
from checkout_sdk.identities.identityverification.identityverification import (
    ClientInformation,
    DeclaredData,
    IdentityVerificationAndAttemptRequest,
    IdentityVerificationAttemptRequest,
)
from checkout_sdk.workflows.workflows import (
    CreateWorkflowRequest,
    EventTypesRequest,
    EventWorkflowConditionRequest,
    UpdateWorkflowRequest,
    WebhookSignature,
    WebhookWorkflowActionRequest,
)
from pytest_django.fixtures import Settings
from requests import Session

from django_faceauth.simulator.adapter import CaptureDriver, SimulatorAdapter
from tests.provider.samples import APPLICANT, BACK, JOURNEY

pytestmark = pytest.mark.filterwarnings("ignore:Risk endpoints:DeprecationWarning")

KEY = "sk_sbox_" + "a" * 27


class Simulated(HttpClientBuilderInterface):  # type: ignore[misc]  # has no type hints
    def get_client(self) -> Session:
        session = Session()
        session.mount("https://", SimulatorAdapter())
        return session


@pytest.fixture
def api(db: None, settings: Settings) -> Any:
    settings.FACEAUTH_SECRET_KEY = KEY
    sdk = CheckoutSdk.builder().secret_key(KEY).environment_subdomain("abcd1234")
    return sdk.http_client_builder(Simulated()).build()


def request(kind: type = Request, **values: object) -> Any:
    made = kind()
    for name, value in values.items():
        setattr(made, name, value)
    return made


def shows_face(attempt: Any) -> None:
    CaptureDriver().show_face(attempt._links.verification_url.href)


def test_applicants(api: Any) -> None:
    made = api.applicants.create_applicant(
        request(external_applicant_id="ours", email="a@b.example", external_applicant_name="Ann")
    )
    assert made.http_metadata.status_code == 201
    changed = api.applicants.update_applicant(made.id, request(external_applicant_name="Bea"))
    assert (changed.email, changed.external_applicant_name) == ("a@b.example", "Bea")
    assert api.applicants.get_applicant(made.id).external_applicant_name == "Bea"
    gone = api.applicants.anonymize_applicant(made.id)
    assert (gone.id, hasattr(gone, "email"), hasattr(gone, "external_applicant_name")) == (
        made.id,
        False,
        False,
    )


def test_face_authentications(api: Any, clock: time_machine.Traveller) -> None:
    calls = api.face_authentication
    made = calls.create_face_authentication(
        request(applicant_id=APPLICANT, user_journey_id=JOURNEY)
    )
    assert (made.http_metadata.status_code, made.status) == (201, "created")
    attempt = calls.create_face_authentication_attempt(
        made.id,
        request(
            redirect_url=BACK,
            phone_number=request(country_code="+33", number="600000000"),
            client_information=request(
                pre_selected_residence_country="FR", pre_selected_language="en-US"
            ),
        ),
    )
    assert (attempt.http_metadata.status_code, attempt.redirect_url) == (201, BACK)
    shows_face(attempt)
    clock.shift(5)

    assert calls.get_face_authentication(made.id).status == "approved"
    listed = calls.get_face_authentication_attempts(made.id, request(skip=0, limit=1))
    assert (listed.total_count, listed.data[0].id) == (1, attempt.id)
    assert calls.get_face_authentication_attempt(made.id, attempt.id).status == "completed"
    [asset] = calls.get_face_authentication_attempt_assets(made.id, attempt.id).data
    assert asset.type == "face_image"
    assert not hasattr(calls.anonymize_face_authentication(made.id), "face")


@pytest.mark.parametrize("in_one_call", [True, False])
def test_identity_verifications(api: Any, clock: time_machine.Traveller, in_one_call: bool) -> None:
    calls = api.identity_verification
    declared = request(
        DeclaredData, name="Hannah Bret", birth_date="1994-10-15", email="h@b.example"
    )
    asked = {"declared_data": declared, "user_journey_id": JOURNEY}
    if in_one_call:
        made = opened = calls.create_identity_verification_and_attempt(
            request(IdentityVerificationAndAttemptRequest, redirect_url=BACK, **asked)
        )
        assert (made.status, made.redirect_url) == ("pending", BACK)
        assert made.applicant_id.startswith("aplt_")
    else:
        made = calls.create_identity_verification(request(applicant_id=APPLICANT, **asked))
        assert (made.status, made.applicant_id) == ("created", APPLICANT)
        opened = calls.create_identity_verification_attempt(
            made.id,
            request(
                IdentityVerificationAttemptRequest,
                redirect_url=BACK,
                client_information=request(
                    ClientInformation,
                    pre_selected_language="de",
                    pre_selected_document_type="Passport",
                    pre_selected_document_issuing_country="FR",
                ),
            ),
        )
    assert made.http_metadata.status_code == 201
    assert (made.declared_data.name, made.user_journey_id) == ("Hannah Bret", JOURNEY)
    shows_face(opened)
    with pytest.raises(CheckoutApiException) as caught:
        calls.anonymize_identity_verification(made.id)
    assert caught.value.error_details == ["identity_verification_in_progress"]
    clock.shift(5)

    shown = calls.get_identity_verification(made.id)
    assert (shown.status, shown.response_codes[0].code) == ("approved", 10000)
    [attempt] = calls.get_identity_verification_attempts(made.id, request(limit=5)).data
    read = calls.get_identity_verification_attempt(made.id, attempt.id)
    assert (read.id, read.status) == (attempt.id, "completed")
    gone = calls.anonymize_identity_verification(made.id)
    assert not any(hasattr(gone, name) for name in ("declared_data", "documents", "face"))


def test_workflows(api: Any) -> None:
    calls = api.workflows
    [source] = [one for one in calls.get_event_types().items if one.id != "gateway"]
    names = [event.id for event in source.events]
    action = request(
        WebhookWorkflowActionRequest,
        url=BACK,
        headers={"Authorization": "x"},
        signature=request(WebhookSignature, method="HMACSHA256", key="k"),
    )
    made = calls.create_workflow(
        request(
            CreateWorkflowRequest,
            name="A",
            active=True,
            conditions=[request(EventWorkflowConditionRequest, events={source.id: names})],
            actions=[action],
        )
    )
    assert made.http_metadata.status_code == 201
    shown = calls.get_workflow(made.id)
    [condition], [webhook] = shown.conditions, shown.actions
    assert (shown.name, condition.type, webhook.url) == ("A", "event", BACK)
    assert (webhook.headers.Authorization, webhook.signature.key) == ("x", "k")
    assert [one.id for one in calls.get_workflows().data] == [made.id]
    changed = calls.update_workflow(made.id, request(UpdateWorkflowRequest, active=False))
    assert (changed.name, changed.active) == ("A", False)
    action.signature.key = "other"
    updated = calls.update_workflow_action(made.id, webhook.id, action)
    assert updated.http_metadata.status_code == 200
    assert calls.get_workflow(made.id).actions[0].signature.key == "other"
    tested = calls.test_workflow(made.id, request(EventTypesRequest, event_types=names))
    assert tested.http_metadata.status_code == 204
    assert calls.remove_workflow(made.id).http_metadata.status_code == 204
    assert calls.get_workflows().data == []


def test_errors(api: Any) -> None:
    for call, status, code in (
        (lambda: api.applicants.get_applicant("aplt_unknown"), 404, None),
        (lambda: api.applicants.create_applicant(request(email="no")), 422, "email_invalid"),
        (
            lambda: api.identity_verification.create_identity_verification_and_attempt(request()),
            422,
            "declared_data_required",
        ),
    ):
        with pytest.raises(CheckoutApiException) as caught:
            call()
        assert caught.value.http_metadata.status_code == status
        assert (caught.value.error_details or [None])[0] == code
