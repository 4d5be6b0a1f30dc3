"""The simulator and the provider's own Python client agree on every call."""

from __future__ import annotations

from types import SimpleNamespace as Request

import pytest
from checkout_sdk.checkout_sdk import CheckoutSdk
from checkout_sdk.exception import CheckoutApiException
from checkout_sdk.http_client_interface import HttpClientBuilderInterface
from checkout_sdk.identities.identityverification.identityverification import (
    ClientInformation,
    DeclaredData,
    IdentityVerificationAndAttemptRequest,
    IdentityVerificationAttemptRequest,
)
from requests import Session

from django_faceauth.simulator.adapter import CaptureDriver, SimulatorAdapter
from tests.provider.samples import APPLICANT, BACK, JOURNEY

pytestmark = pytest.mark.filterwarnings("ignore:Risk endpoints:DeprecationWarning")

KEY = "sk_sbox_" + "a" * 27


class Simulated(HttpClientBuilderInterface):  # type: ignore[misc]  # has no type hints
    def get_client(self):
        session = Session()
        session.mount("https://", SimulatorAdapter())
        return session


@pytest.fixture
def api(db, settings):
    settings.FACEAUTH_SECRET_KEY = KEY
    sdk = CheckoutSdk.builder().secret_key(KEY).environment_subdomain("abcd1234")
    return sdk.http_client_builder(Simulated()).build()


def request(kind=Request, **values):
    made = kind()
    for name, value in values.items():
        setattr(made, name, value)
    return made


def shows_face(attempt):
    CaptureDriver().show_face(attempt._links.verification_url.href)


def test_applicants(api):
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


def test_face_authentications(api, clock):
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
def test_identity_verifications(api, clock, in_one_call):
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
