"""Client of the provider's identity API: face authentications, applicants, verifications.

Usable from a plain Python shell, without a Django project::

    from django_faceauth.provider.client import Client
    from django_faceauth.provider.credentials import SecretKey
    from django_faceauth.secret import Secret

    client = Client(
        "https://identity-verification.sandbox.checkout.com",
        SecretKey(Secret("sk_sbox_…")),
    )
    client.get_authentication("fav_…").status

Every method raises a `ProviderError`, and `ValueError` for an id of the wrong shape.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import asdict
from functools import partial
from typing import Any, TypeVar

from django_faceauth.exceptions import AccessDenied, MalformedAnswer
from django_faceauth.identifiers import Prefix, is_id
from django_faceauth.provider.credentials import Credentials
from django_faceauth.provider.resources import (
    ApplicantSnapshot,
    AssetSnapshot,
    AttemptSnapshot,
    AuthenticationSnapshot,
    ClientInformation,
    DeclaredData,
    IdentityVerificationSnapshot,
    Page,
    PhoneNumber,
)
from django_faceauth.provider.transport import Bearer, Image, Json, Transport
from django_faceauth.provider.url_validation import is_capture_url
from django_faceauth.secret import Secret

__all__ = ["Client", "ClientInformation", "DeclaredData", "PhoneNumber"]

Snapshot = TypeVar(
    "Snapshot",
    ApplicantSnapshot,
    AttemptSnapshot,
    AuthenticationSnapshot,
    IdentityVerificationSnapshot,
)
Parsed = TypeVar("Parsed")


class ApiClient:
    """What the clients of the provider's APIs share."""

    def __init__(
        self, base_url: str, credentials: Credentials, transport: Transport | None = None
    ) -> None:
        self._root = base_url.rstrip("/")
        self.credentials = credentials
        self.transport = transport or Transport()

    def renew_token(self) -> None:
        """Request a new OAuth token, if the credentials use one, to prove that they work."""
        self.credentials.renew(self.credentials.token())
        self.credentials.token()

    def _call(
        self, parse: Callable[..., Parsed], operation: str, method: str, path: str, **parts: Any
    ) -> Parsed:
        try:
            return parse(self._answer(operation, method, path, **parts), operation=operation)
        except MalformedAnswer as error:
            # The frames that parsed hold the response and with it the capture URL, and an
            # error report would print them.
            raise error.with_traceback(None) from None

    def _answer(self, operation: str, method: str, path: str, **parts: Any) -> Json:
        token = self.credentials.token()
        if method == "POST":
            # The platform's header; not documented for these endpoints, so never relied on.
            parts["headers"] = {"Cko-Idempotency-Key": str(uuid.uuid4())}
        url = self._root + path
        try:
            return self.transport.send(operation, method, url, auth=Bearer(token.reveal), **parts)
        except AccessDenied as error:
            # A 401 was not carried out, so even a POST may be sent once more.
            if error.status_code != 401 or not self.credentials.renew(token):
                raise
        fresh = self.credentials.token()
        return self.transport.send(operation, method, url, auth=Bearer(fresh.reveal), **parts)


class Client(ApiClient):
    """All calls of the identity API that we use, with one set of credentials."""

    def _about(
        self, identifier: str, kind: type[Snapshot], operation: str, method: str, path: str
    ) -> Snapshot:
        """Return what the provider answers about one object, which must be that object."""
        snapshot = self._call(kind.parse, operation, method, path)
        if snapshot.id != identifier:
            raise MalformedAnswer(operation, cause="another id")
        return snapshot

    def create_authentication(
        self, *, applicant_id: str, user_journey_id: str
    ) -> AuthenticationSnapshot:
        """Create a face authentication for an applicant."""
        payload = {
            "applicant_id": _checked(applicant_id, Prefix.APPLICANT),
            "user_journey_id": _checked(user_journey_id, Prefix.USER_JOURNEY),
        }
        parse, path = AuthenticationSnapshot.parse, "/face-authentications"
        return self._call(parse, "create_authentication", "POST", path, json=payload)

    def get_authentication(self, authentication_id: str) -> AuthenticationSnapshot:
        """Return the current state of a face authentication."""
        path = _authentication(authentication_id)
        return self._about(
            authentication_id, AuthenticationSnapshot, "get_authentication", "GET", path
        )

    def anonymize_authentication(self, authentication_id: str) -> AuthenticationSnapshot:
        """Remove the personal data of a face authentication. This cannot be undone."""
        operation = "anonymize_authentication"
        path = f"{_authentication(authentication_id)}/anonymize"
        return self._about(authentication_id, AuthenticationSnapshot, operation, "POST", path)

    def create_attempt(
        self,
        authentication_id: str,
        *,
        redirect_url: str,
        phone_number: PhoneNumber | None = None,
        client_information: ClientInformation | None = None,
    ) -> AttemptSnapshot:
        """Open a new attempt; the provider terminates an open one.

        Raises `Conflict` when the authentication accepts no more attempts.
        """
        payload = _attempt_request(redirect_url, phone_number, client_information)
        path = f"{_authentication(authentication_id)}/attempts"
        return self._call(AttemptSnapshot.parse, "create_attempt", "POST", path, json=payload)

    def list_attempts(
        self, authentication_id: str, *, skip: int = 0, limit: int = 10
    ) -> Page[AttemptSnapshot]:
        """Return a page of the attempts, newest first."""
        path = f"{_authentication(authentication_id)}/attempts"
        parse = partial(Page.parse, item=AttemptSnapshot.parse)
        window = {"skip": skip, "limit": limit}
        return self._call(parse, "list_attempts", "GET", path, params=window)

    def get_attempt(self, authentication_id: str, attempt_id: str) -> AttemptSnapshot:
        """Return the current state of one attempt."""
        path = _attempt(authentication_id, attempt_id)
        return self._about(attempt_id, AttemptSnapshot, "get_attempt", "GET", path)

    def list_assets(
        self, authentication_id: str, attempt_id: str, *, skip: int = 0, limit: int = 10
    ) -> Page[AssetSnapshot]:
        """Return a page of the pictures and videos of one attempt, as short-lived links."""
        path = f"{_attempt(authentication_id, attempt_id)}/assets"
        parse = partial(Page.parse, item=AssetSnapshot.parse)
        window = {"skip": skip, "limit": limit}
        return self._call(parse, "list_assets", "GET", path, params=window)

    def fetch_image(
        self, asset: AssetSnapshot, *, hosts: Iterable[str], debug: bool = False
    ) -> Image:
        """Return the picture that an asset links to, without sending our credentials.

        `hosts` and `debug` restrict its URL as they do for capture pages.
        """
        if not is_capture_url(asset.url, hosts=hosts, debug=debug):
            raise MalformedAnswer("fetch_image", cause="asset host not allowed")
        return self.transport.fetch("fetch_image", Secret(asset.url))

    def create_applicant(self, *, external_applicant_id: str) -> ApplicantSnapshot:
        """Create an applicant that bears an id of ours, and no personal data."""
        payload = {"external_applicant_id": external_applicant_id}
        return self._call(
            ApplicantSnapshot.parse, "create_applicant", "POST", "/applicants", json=payload
        )

    def get_applicant(self, applicant_id: str) -> ApplicantSnapshot:
        """Return an applicant; what the provider knows of the person is not read."""
        path = f"/applicants/{_checked(applicant_id, Prefix.APPLICANT)}"
        return self._about(applicant_id, ApplicantSnapshot, "get_applicant", "GET", path)

    def anonymize_applicant(self, applicant_id: str) -> ApplicantSnapshot:
        """Remove the personal data of an applicant's profile. This cannot be undone."""
        path = f"/applicants/{_checked(applicant_id, Prefix.APPLICANT)}/anonymize"
        return self._about(applicant_id, ApplicantSnapshot, "anonymize_applicant", "POST", path)

    def create_and_open_identity_verification(
        self,
        *,
        applicant_id: str,
        user_journey_id: str,
        redirect_url: str,
        declared_data: DeclaredData,
        phone_number: PhoneNumber | None = None,
    ) -> IdentityVerificationSnapshot:
        """Create an identity verification with its first attempt, whose `capture_url` is set.

        With a phone number, the provider sends the link by SMS, too.
        """
        declared = Unshown(name=declared_data.name)
        if declared_data.birth_date:
            declared["birth_date"] = declared_data.birth_date
        if phone_number:
            declared["phone_number"] = asdict(phone_number)
        payload: Json = {
            "declared_data": declared,
            "redirect_url": redirect_url,
            "user_journey_id": _checked(user_journey_id, Prefix.USER_JOURNEY),
            "applicant_id": _checked(applicant_id, Prefix.APPLICANT),
        }
        operation, path = "create_and_open_identity_verification", "/create-and-open-idv"
        parse = IdentityVerificationSnapshot.parse
        return self._call(parse, operation, "POST", path, json=payload)

    def get_identity_verification(self, verification_id: str) -> IdentityVerificationSnapshot:
        """Return the current state of an identity verification, without its documents."""
        operation, path = "get_identity_verification", _verification(verification_id)
        return self._about(verification_id, IdentityVerificationSnapshot, operation, "GET", path)

    def anonymize_identity_verification(self, verification_id: str) -> IdentityVerificationSnapshot:
        """Remove the personal data of an identity verification. This cannot be undone."""
        operation = "anonymize_identity_verification"
        path = f"{_verification(verification_id)}/anonymize"
        return self._about(verification_id, IdentityVerificationSnapshot, operation, "POST", path)

    def create_identity_verification_attempt(
        self,
        verification_id: str,
        *,
        redirect_url: str,
        phone_number: PhoneNumber | None = None,
        client_information: ClientInformation | None = None,
    ) -> AttemptSnapshot:
        """Open a new attempt of an identity verification; like `create_attempt`."""
        operation, path = "create_identity_verification_attempt", _verification(verification_id)
        payload = _attempt_request(redirect_url, phone_number, client_information)
        parse = partial(AttemptSnapshot.parse, prefix=None)
        return self._call(parse, operation, "POST", f"{path}/attempts", json=payload)

    def list_identity_verification_attempts(
        self, verification_id: str, *, skip: int = 0, limit: int = 10
    ) -> Page[AttemptSnapshot]:
        """Return a page of the attempts of an identity verification, newest first."""
        operation, path = "list_identity_verification_attempts", _verification(verification_id)
        parse = partial(Page.parse, item=partial(AttemptSnapshot.parse, prefix=None))
        window = {"skip": skip, "limit": limit}
        return self._call(parse, operation, "GET", f"{path}/attempts", params=window)


class Unshown(dict[str, Any]):
    """Personal data or secrets in a request, hidden from error reports."""

    def __repr__(self) -> str:
        return "***"


def _attempt_request(
    redirect_url: str, phone: PhoneNumber | None, information: ClientInformation | None
) -> Json:
    payload: Json = {"redirect_url": redirect_url}
    if phone:
        payload["phone_number"] = Unshown(asdict(phone))
    given = asdict(information) if information else {}
    if given := {name: value for name, value in given.items() if value}:
        payload["client_information"] = given
    return payload


def _authentication(authentication_id: str) -> str:
    return f"/face-authentications/{_checked(authentication_id, Prefix.AUTHENTICATION)}"


def _verification(verification_id: str) -> str:
    return f"/identity-verifications/{_checked(verification_id, Prefix.IDENTITY_VERIFICATION)}"


def _attempt(authentication_id: str, attempt_id: str) -> str:
    return f"{_authentication(authentication_id)}/attempts/{_checked(attempt_id, Prefix.ATTEMPT)}"


def _checked(identifier: str, prefix: Prefix) -> str:
    if not is_id(identifier, prefix):
        raise ValueError(f"not an identifier that starts with {prefix}_")
    return identifier
