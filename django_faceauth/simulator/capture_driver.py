"""A browser on the capture page, for tests."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from requests import Response, Session

from django_faceauth.simulator.adapter import SimulatorAdapter

__all__ = ["CaptureDriver"]


@dataclass(frozen=True, slots=True)
class CaptureDriver:
    """Uses the capture page; a link that is closed raises `requests.HTTPError`."""

    user_agent: str = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"

    def open(self, capture_url: str) -> str:
        """Open the capture page and return its HTML."""
        return self._request("GET", capture_url).text

    def show_face(self, capture_url: str, outcome: str = "same_person") -> str:
        """Complete the capture page and return the URL that the browser is sent to."""
        self.open(capture_url)
        return self._request("POST", capture_url, {"outcome": outcome}).headers["Location"]

    def _request(self, method: str, url: str, form: dict[str, str] | None = None) -> Response:
        root, _, _ = urlsplit(url).path.rpartition("/capture/")
        with Session() as browser:
            for scheme in ("http://", "https://"):
                browser.mount(scheme, SimulatorAdapter(root))
            browser.headers["User-Agent"] = self.user_agent
            response = browser.request(method, url, data=form, allow_redirects=False)
        response.raise_for_status()
        return response
