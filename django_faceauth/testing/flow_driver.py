"""The way of one user from a closed gate to its end: start, capture, return, waiting."""

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
from django_faceauth.simulator import signed_links
from django_faceauth.simulator.capture_driver import CaptureDriver
from django_faceauth.statuses import UNDER_WAY, AttemptStatus
from django_faceauth.testing.outcomes import CHOICES, Outcome
from django_faceauth.testing.responses import page_at, problem_in

#: Pages between a closed gate and an open one.
WAY: Final = frozenset({"faceauth:returned", "faceauth:waiting"})
LONGEST_WAIT: Final = 20
TOO_LONG: Final = "The waiting never ended: the simulator compares faces for longer than nothing."
JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Walk:
    """One user on their way from a closed gate."""

    client: Client
    challenge: FaceChallenge
    secure: bool

    def as_page(self, outcome: Outcome) -> HttpResponse:
        """Press the button, show the face, come back and wait; return the page at the end."""
        start = reverse("faceauth:start", args=[self.challenge.handle])
        agreed = {"consent": conf.CONSENT_VERSION} if conf.CONSENT_VERSION else {}
        handed_over = self._answer("post", start, agreed)
        link = self._link()
        if handed_over.status_code != HTTPStatus.OK or not link:
            return handed_over
        return self._until_the_end(self._get(_path(self._capture(link, outcome))))

    def as_program(
        self, told: Mapping[str, Any], outcome: Outcome, headers: Mapping[str, str] | None
    ) -> HttpResponse:
        """Start an attempt, show the face in a browser, and ask until there is an end."""
        agreed = {"consent": conf.CONSENT_VERSION} if conf.CONSENT_VERSION else {}
        started = self._answer(
            "post",
            _path(told["attempts_url"]),
            json.dumps(agreed),
            content_type=JSON,
            headers=headers,
        )
        if started.status_code != HTTPStatus.CREATED:
            return started
        back = self._capture(problem_in(started)["capture_url"], outcome)
        # The browser that a program opens is logged in nowhere.
        Client(SERVER_NAME=urlsplit(back).hostname or "testserver").get(
            _path(back), secure=self.secure
        )
        for _ in range(LONGEST_WAIT):
            answer = self._get(_path(told["status_url"]), headers=headers)
            if problem_in(answer).get("next") != Step.WAIT:
                return answer
            self._wait()
        raise AssertionError(TOO_LONG)

    def _until_the_end(self, page: HttpResponse) -> HttpResponse:
        for _ in range(LONGEST_WAIT):
            here = page_at(page.request["PATH_INFO"])  # type: ignore[attr-defined]
            if here is None or here.view_name not in WAY:
                return page
            if page.has_header("Location"):
                page = self._get(_path(page["Location"]))
            elif self._is_under_way():
                self._wait()
                page = self._get(reverse("faceauth:waiting", args=[self.challenge.handle]))
            else:
                return page
        raise AssertionError(TOO_LONG)

    def _capture(self, link: str, outcome: Outcome) -> str:
        return CaptureDriver().show_face(link, CHOICES[outcome])

    def _link(self) -> str:
        """Return the capture link that was handed over, if one was."""
        attempt = self._attempt()
        if attempt is None or attempt.status != AttemptStatus.PENDING_REDIRECTION:
            return ""
        case_id = attempt.authentication.provider_id or ""
        return (
            f"{conf.BASE_URL}/capture/{signed_links.capture_token(case_id, attempt.provider_id)}/"
        )

    def _is_under_way(self) -> bool:
        """Tell whether there is something to wait for."""
        attempt = self._attempt()
        return self.challenge.is_open and attempt is not None and attempt.status in UNDER_WAY

    def _attempt(self) -> FaceAttempt | None:
        self.challenge.refresh_from_db()
        row = self.challenge.authentication
        return None if row is None else row.attempts.select_related("authentication").first()

    def _wait(self) -> None:
        self.challenge.refresh_from_db()
        let_time_pass(self.challenge.authentication_id)

    def _get(self, path: str, **more: Any) -> HttpResponse:
        return self._answer("get", path, None, **more)

    def _answer(self, method: str, path: str, data: Any, **more: Any) -> HttpResponse:
        answer: HttpResponse = getattr(self.client, method)(path, data, secure=self.secure, **more)
        return answer


def let_time_pass(pk: Any) -> None:
    """Let the last question about an authentication be long enough ago for another one."""
    rows = FaceAuthentication.objects.filter(pk=pk)
    rows.update(pulled_at=None, pulling_since=None, next_poll_at=timezone.now())


def _path(url: str) -> str:
    return urlsplit(url)._replace(scheme="", netloc="").geturl()
