"""Whole flow of one user: start, capture, return, waiting."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from django_faceauth.conf import conf
from django_faceauth.models import FaceAttempt, FaceAuthentication, FaceChallenge
from django_faceauth.services.flow.progress import Step
from django_faceauth.simulator import representations
from django_faceauth.simulator.adapter import CaptureDriver
from django_faceauth.simulator.state_machine import ELSEWHERE, LOOPBACK
from django_faceauth.statuses import UNDER_WAY, AttemptStatus
from django_faceauth.testing.provider import Outcome
from django_faceauth.testing.responses import json_in, page_at

#: The button of the capture page for each outcome.
BUTTONS: Final[Mapping[Outcome, str]] = {
    "approved": "same_person",
    "declined": "someone_else",
    "retry": "no_camera",
    "left": "leave",
    "refused": "refuse",
}
LONGEST_WAIT: Final = 20
TOO_LONG: Final = "The waiting did not end: FACEAUTH_SIMULATOR_CHECK_SECONDS is not 0."


@dataclass(frozen=True, slots=True)
class FlowDriver:
    """Drives the flow of one challenge with a test client."""

    client: Client
    challenge: FaceChallenge
    secure: bool
    elsewhere: bool = False

    def run_pages(self, outcome: Outcome) -> HttpResponse:
        """Go through the pages, and return the last one."""
        page = self._post(reverse("faceauth:start", args=[self.challenge.handle]), _consent())
        attempt = self._attempt()
        if page.status_code != HTTPStatus.OK or attempt is None:
            return page
        if attempt.status != AttemptStatus.PENDING_REDIRECTION:
            return page
        link = representations.capture_url(
            attempt.authentication.provider_id or "", attempt.provider_id, conf.BASE_URL
        )
        page = self._get(_path(self._phone.show_face(link, BUTTONS[outcome])))
        for _ in range(LONGEST_WAIT):
            view = page_at(page.request["PATH_INFO"])  # type: ignore[attr-defined]
            if view is None or view.view_name not in {"faceauth:returned", "faceauth:waiting"}:
                return page
            attempt = self._attempt()
            if page.has_header("Location"):
                page = self._get(_path(page["Location"]))
            elif self.challenge.is_open and attempt is not None and attempt.status in UNDER_WAY:
                let_time_pass(self.challenge.authentication_id)
                page = self._get(reverse("faceauth:waiting", args=[self.challenge.handle]))
            else:
                return page
        raise AssertionError(TOO_LONG)

    def run_api(
        self, problem: Mapping[str, Any], outcome: Outcome, headers: Mapping[str, str] | None
    ) -> HttpResponse:
        """Start an attempt through the API, and poll the status until there is a result."""
        started = self._post(
            _path(problem["attempts_url"]),
            json.dumps(_consent()),
            content_type="application/json",
            headers=headers,
        )
        if started.status_code != HTTPStatus.CREATED:
            return started
        url = self._phone.show_face(json_in(started)["capture_url"], BUTTONS[outcome])
        # The browser that an app opens is not logged in.
        browser = Client(SERVER_NAME=urlsplit(url).hostname or "testserver")
        browser.get(_path(url), secure=self.secure)
        for _ in range(LONGEST_WAIT):
            response = self._get(_path(problem["status_url"]), headers=headers)
            if json_in(response).get("next") != Step.WAIT:
                return response
            self.challenge.refresh_from_db()
            let_time_pass(self.challenge.authentication_id)
        raise AssertionError(TOO_LONG)

    @property
    def _address(self) -> str:
        address: str = self.client.defaults.get("REMOTE_ADDR", LOOPBACK)
        return address

    @property
    def _phone(self) -> CaptureDriver:
        """The device that shows the face, by default in the network of the client."""
        return CaptureDriver(address=ELSEWHERE if self.elsewhere else self._address)

    def _attempt(self) -> FaceAttempt | None:
        self.challenge.refresh_from_db()
        row = self.challenge.authentication
        return None if row is None else row.attempts.select_related("authentication").first()

    def _get(self, path: str, **options: Any) -> HttpResponse:
        response: Any = self.client.get(path, secure=self.secure, **options)
        return response  # type: ignore[no-any-return]

    def _post(self, path: str, data: Any, **options: Any) -> HttpResponse:
        if conf.TRUSTED_PROXIES:
            hops = ", ".join([self._address] * conf.TRUSTED_PROXIES)
            options.setdefault("HTTP_X_FORWARDED_FOR", hops)
        response: Any = self.client.post(path, data, secure=self.secure, **options)
        return response  # type: ignore[no-any-return]


def let_time_pass(pk: Any) -> None:
    """Make an authentication due, as if its last poll were long ago."""
    rows = FaceAuthentication.objects.filter(pk=pk)
    rows.update(pulled_at=None, pulling_since=None, next_poll_at=timezone.now())


def _consent() -> dict[str, str]:
    return {"consent": conf.CONSENT_VERSION} if conf.CONSENT_VERSION else {}


def _path(url: str) -> str:
    return urlsplit(url)._replace(scheme="", netloc="").geturl()
