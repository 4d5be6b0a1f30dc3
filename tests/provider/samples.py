"""What provider and site have in common in these tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django_faceauth.provider.client import Client
from django_faceauth.provider.credentials import SecretKey
from django_faceauth.provider.transport import Transport
from django_faceauth.secret import Secret

HOST: Final = "https://identity-verification.sandbox.checkout.com"
TOKEN_URL: Final = "https://access.sandbox.checkout.com/connect/token"
KEY: Final = "sk_sbox_test"

FAV: Final = "fav_" + "a" * 26
FATP: Final = "fatp_" + "b" * 26
APPLICANT: Final = "aplt_" + "c" * 26
JOURNEY: Final = "usj_" + "a" * 26
BACK: Final = "https://bank.example/face/back"
CAPTURE: Final = "https://capture.sandbox.checkout.com/c/canary-capture-link"

AUTHENTICATION: Final[dict[str, Any]] = {
    "id": FAV,
    "status": "approved",
    "applicant_id": APPLICANT,
    "user_journey_id": JOURNEY,
    "response_codes": [{"code": 10000, "summary": "approved"}],
    "risk_labels": ["multiple_faces_detected"],
    "created_on": "2026-03-01T12:00:00.000001Z",
    "modified_on": "2026-03-01T14:00:00+01:00",
    "face": {"image_signed_url": "https://assets.checkout.com/canary-face"},
    "_links": {"self": {"href": "https://169.254.169.254/"}},
}
ATTEMPT: Final[dict[str, Any]] = {
    "id": FATP,
    "status": "pending_redirection",
    "response_codes": [],
    "redirect_url": BACK,
    "created_on": "2026-03-01T12:00:00Z",
    "phone_number": {"country_code": "+33", "number": "600000000"},
    "_links": {"verification_url": {"href": CAPTURE}},
}

#: Each call of the API.
CALLS: Final[dict[str, Callable[[Client], object]]] = {
    "create_authentication": lambda client: client.create_authentication(
        applicant_id=APPLICANT, user_journey_id=JOURNEY
    ),
    "get_authentication": lambda client: client.get_authentication(FAV),
    "anonymize_authentication": lambda client: client.anonymize_authentication(FAV),
    "create_attempt": lambda client: client.create_attempt(FAV, redirect_url=BACK),
    "list_attempts": lambda client: client.list_attempts(FAV),
    "get_attempt": lambda client: client.get_attempt(FAV, FATP),
    "list_assets": lambda client: client.list_assets(FAV, FATP),
}
POSTS: Final = ("create_authentication", "anonymize_authentication", "create_attempt")


def client_of(url: str, transport: Transport | None = None, key: str = KEY) -> Client:
    """A client with a secret key and no adapter: its requests go to the network."""
    return Client(url, SecretKey(Secret(key)), transport)


class Clock:
    """A clock that moves when it is told to, or slept by."""

    def __init__(self, *, step: float = 0.0) -> None:
        self.now = 1000.0
        self.step = step
        self.slept: list[float] = []

    def __call__(self) -> float:
        self.now += self.step
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def patient(clock: Clock | None = None, *, read: float = 10) -> Transport:
    """A transport that does not really sleep."""
    clock = clock or Clock()
    return Transport(timeout=(3, read), clock=clock, sleep=clock.sleep)
