"""A merchant: its client of the provider's API, and its site, which receives webhooks."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils import timezone
from requests import Response, Session

from django_faceauth.provider.webhook_payloads import FAMILY, IDENTITY_FAMILY
from django_faceauth.simulator import webhook_sender
from django_faceauth.simulator.adapter import SimulatorAdapter

HOST: Final = "https://identity-verification.sandbox.checkout.com"
KEY: Final = "sk_sbox_test"
APPLICANT: Final = "aplt_" + "a" * 26
JOURNEY: Final = "usj_" + "a" * 26
URL: Final = "https://bank.example/face/webhook/"
KEYS: Final = ["the-key-that-was-added-last-" + "a" * 8, "the-key-of-before-" + "b" * 20]
BACK: Final = "https://bank.example/face/back?order=7"

#: Middleware of a site that asks for a login and a CSRF token everywhere.
STRICT_MIDDLEWARE: Final = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
]


def session(key: str = KEY, root: str = "") -> Session:
    """A session that reaches the simulator instead of the network."""
    opened = Session()
    opened.mount("https://", SimulatorAdapter(root))
    opened.headers["Authorization"] = f"Bearer {key}"
    return opened


def path_of(case_id: str) -> str:
    is_of_identity = case_id.startswith("idv_")
    return f"{'identity-verifications' if is_of_identity else 'face-authentications'}/{case_id}"


@dataclass
class Merchant:
    """Knows the addresses; `call` gives the answer as it came, the others the JSON of a success."""

    address: str = HOST
    session: Session = field(default_factory=session)

    def call(self, method: str, path: str, **kwargs: Any) -> Response:
        return self.session.request(method, f"{self.address}/{path}", **kwargs)

    def create(self, applicant_id: str = APPLICANT, **declared_data: str) -> str:
        """Create a face authentication, or with declared data an identity verification."""
        body: dict[str, Any] = {"applicant_id": applicant_id, "user_journey_id": JOURNEY}
        if declared_data:
            body["declared_data"] = declared_data
        path = "identity-verifications" if declared_data else "face-authentications"
        return str(self._told("POST", path, json=body)["id"])

    def attempt(self, case_id: str, **extra: Any) -> dict[str, Any]:
        body = {"redirect_url": BACK, **extra}
        return self._told("POST", f"{path_of(case_id)}/attempts", json=body)

    def capture_url(self, case_id: str) -> str:
        return str(self.attempt(case_id)["_links"]["verification_url"]["href"])

    def read(self, case_id: str) -> dict[str, Any]:
        return self._told("GET", path_of(case_id))

    def read_attempt(self, case_id: str, attempt_id: str) -> dict[str, Any]:
        return self._told("GET", f"{path_of(case_id)}/attempts/{attempt_id}")

    def attempts(self, case_id: str, **query: Any) -> dict[str, Any]:
        return self._told("GET", f"{path_of(case_id)}/attempts", params=query)

    def assets(self, fav: str, fatp: str) -> dict[str, Any]:
        return self._told("GET", f"{path_of(fav)}/attempts/{fatp}/assets")

    def anonymize(self, case_id: str) -> dict[str, Any]:
        return self._told("POST", f"{path_of(case_id)}/anonymize")

    def _told(self, method: str, path: str, **kwargs: Any) -> dict[str, Any]:
        answer = self.call(method, path, **kwargs)
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
        return told


@dataclass(frozen=True)
class Received:
    """One webhook as it arrived."""

    url: str
    body: bytes
    headers: Mapping[str, str]

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.body)
        return event

    @property
    def name(self) -> str:
        return str(self.event["type"]).removeprefix(FAMILY).removeprefix(IDENTITY_FAMILY)


@dataclass
class Site:
    """Keeps what it is sent; gives the next of `answers`, the last one for whatever follows."""

    answers: deque[int | BaseException] = field(default_factory=lambda: deque([200]))
    received: list[Received] = field(default_factory=list)

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Be sent a webhook."""
        self.received.append(Received(url, body, headers))
        answer = self.answers.popleft() if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def answer(self, *answers: int | BaseException) -> None:
        """Decide how the next webhooks are answered."""
        self.answers = deque(answers)

    def is_told(self) -> list[str]:
        """Have all delivered that is due, and return what that is."""
        before = len(self.received)
        webhook_sender.deliver_due(timezone.now(), self)
        return [one.name for one in self.received[before:]]
