"""A merchant who calls the provider's API with a plain `requests.Session`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from requests import Response, Session

from django_faceauth.simulator.adapter import SimulatorAdapter

HOST: Final = "https://identity-verification.sandbox.checkout.com"
KEY: Final = "sk_sbox_test"
APPLICANT: Final = "aplt_" + "a" * 26
JOURNEY: Final = "usj_" + "a" * 26
BACK: Final = "https://bank.example/face/back?order=7"


def session(key: str = KEY, root: str = "") -> Session:
    """A session that reaches the simulator instead of the network."""
    opened = Session()
    opened.mount("https://", SimulatorAdapter(root))
    opened.headers["Authorization"] = f"Bearer {key}"
    return opened


@dataclass
class Merchant:
    """Knows the addresses; `call` gives the answer as it came, the others the JSON of a success."""

    address: str = HOST
    session: Session = field(default_factory=session)

    def call(self, method: str, path: str, **kwargs: Any) -> Response:
        return self.session.request(method, f"{self.address}/{path}", **kwargs)

    def create(self, applicant_id: str = APPLICANT) -> str:
        body = {"applicant_id": applicant_id, "user_journey_id": JOURNEY}
        return str(self._told("POST", "face-authentications", json=body)["id"])

    def attempt(self, fav: str, **extra: Any) -> dict[str, Any]:
        body = {"redirect_url": BACK, **extra}
        return self._told("POST", f"face-authentications/{fav}/attempts", json=body)

    def capture_url(self, fav: str) -> str:
        return str(self.attempt(fav)["_links"]["verification_url"]["href"])

    def read(self, fav: str) -> dict[str, Any]:
        return self._told("GET", f"face-authentications/{fav}")

    def read_attempt(self, fav: str, fatp: str) -> dict[str, Any]:
        return self._told("GET", f"face-authentications/{fav}/attempts/{fatp}")

    def attempts(self, fav: str, **query: Any) -> dict[str, Any]:
        return self._told("GET", f"face-authentications/{fav}/attempts", params=query)

    def assets(self, fav: str, fatp: str) -> dict[str, Any]:
        return self._told("GET", f"face-authentications/{fav}/attempts/{fatp}/assets")

    def anonymize(self, fav: str) -> dict[str, Any]:
        return self._told("POST", f"face-authentications/{fav}/anonymize")

    def _told(self, method: str, path: str, **kwargs: Any) -> dict[str, Any]:
        answer = self.call(method, path, **kwargs)
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
        return told
