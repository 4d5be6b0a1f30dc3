"""The person in front of the camera, for tests."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from requests import Response, Session

from django_faceauth.simulator.adapter import SimulatorAdapter

__all__ = ["Visitor"]


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody with a browser. A link that can no longer be used raises `requests.HTTPError`."""

    user_agent: str = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"

    def open(self, capture_url: str) -> str:
        """Open the capture page and stay there; return its HTML."""
        return self._ask("GET", capture_url).text

    def show_face(self, capture_url: str, outcome: str = "same_person") -> str:
        """Go through the capture page and return the address that the browser is sent to."""
        self.open(capture_url)
        return self._ask("POST", capture_url, {"outcome": outcome}).headers["Location"]

    def _ask(self, method: str, url: str, form: dict[str, str] | None = None) -> Response:
        root, _, _ = urlsplit(url).path.rpartition("/capture/")
        with Session() as browser:
            for scheme in ("http://", "https://"):
                browser.mount(scheme, SimulatorAdapter(root))
            browser.headers["User-Agent"] = self.user_agent
            answer = browser.request(method, url, data=form, allow_redirects=False)
        answer.raise_for_status()
        return answer
