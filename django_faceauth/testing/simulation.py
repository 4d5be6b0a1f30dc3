"""Controls of the simulator for tests.

Imports models of the simulator, so it must be among the apps; `simulated()` checks that.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpResponse
from django.test import AsyncRequestFactory, Client
from django.utils import timezone

from django_faceauth.gate.decision import CHALLENGE_HEADER
from django_faceauth.gate.policy import CHALLENGE_FIELD
from django_faceauth.models import FaceAuthentication, FaceChallenge
from django_faceauth.services.flow.progress import Step
from django_faceauth.simulator import fault_injection, state_machine
from django_faceauth.simulator.control import change_case
from django_faceauth.simulator.models import StoredCase
from django_faceauth.simulator.scenarios import CHOICES
from django_faceauth.simulator.state_machine import AttemptRequest
from django_faceauth.simulator.store import dump
from django_faceauth.testing.flow_driver import FlowDriver, let_time_pass
from django_faceauth.testing.provider import Outcome
from django_faceauth.testing.responses import challenge_of, json_in, page_at
from django_faceauth.testing.webhooks import authentication_of, deliver_webhook, webhook_event


@dataclass
class Simulation:
    """The provider of one test; `simulated()` yields it."""

    plans: dict[Any, deque[Outcome]] = field(default_factory=dict, repr=False)

    def decides(self, user: AbstractBaseUser, *outcomes: Outcome) -> None:
        """Set the outcomes of the next face checks of a user; the last one stays.

        A scripted applicant id of the simulator takes precedence.
        """
        self.plans[user.pk] = deque(outcomes)

    def show_face(
        self,
        client: Client,
        url: str,
        *,
        outcome: Outcome | None = None,
        elsewhere: bool = False,
        method: str = "get",
        data: Any = None,
        headers: Mapping[str, str] | None = None,
        secure: bool = False,
        **request: Any,
    ) -> HttpResponse:
        """Send a request that a gate refuses, do the whole face check, and return its end.

        For a page that is the last page: the wanted one, the one with the button to press
        again, or the reason why not. For an API it is the response to the repeated request.
        Gives the consent that `FACEAUTH_CONSENT_VERSION` asks for, and does not sleep.

        `outcome` is "approved" by default, or what `decides` set. With `elsewhere`, the face is
        shown in another network than that of the client, as in a relay. The other arguments are
        those of the client. Raises `AssertionError` if no face is asked for, and `TypeError`
        for an async client.
        """
        if isinstance(client, AsyncRequestFactory):
            raise TypeError("show_face() needs a sync client: django.test.Client()")
        send = partial(getattr(client, method), url, data, secure=secure, **request)
        refusal = send(headers=headers)
        driver = FlowDriver(client, challenge_of(refusal), secure, elsewhere)
        outcome = outcome or self._next_outcome(driver.challenge)
        if refusal.status_code != HTTPStatus.UNAUTHORIZED:
            return driver.run_pages(outcome)
        end = driver.run_api(json_in(refusal), outcome, headers)
        if end.status_code != HTTPStatus.OK or json_in(end)["next"] != Step.REPEAT:
            return end
        repeated: HttpResponse = send(
            headers={**(headers or {}), CHALLENGE_HEADER: driver.challenge.handle}
        )
        return repeated

    def confirm(self, client: Client, page: HttpResponse, **extra: Any) -> HttpResponse:
        """Press the button of the page on which `show_face` ends for a form.

        Raises `AssertionError` for another page.
        """
        view = page_at(page.request["PATH_INFO"])  # type: ignore[attr-defined]
        if view is None or view.view_name != "faceauth:continue":
            raise AssertionError("This is not the page that asks to press the button again.")
        challenge = FaceChallenge.objects.get(handle=view.kwargs["handle"])
        form = {**dict(challenge.saved_form_data or []), CHALLENGE_FIELD: challenge.handle}
        response: Any = client.post(challenge.resume_url, form, **extra)
        return response  # type: ignore[no-any-return]

    def changes_mind(
        self, subject: FaceChallenge | FaceAuthentication, status: str = "declined"
    ) -> HttpResponse:
        """Change the result by an audit and send its webhook; return the site's response.

        Raises `ValueError` or `NotAllowed` if there is no result yet.
        """
        row = authentication_of(subject)
        change_case(status, row.provider_id or "")
        let_time_pass(row.pk)
        return deliver_webhook(webhook_event(row, "audit_completed"))

    @contextmanager
    def away(self) -> Iterator[None]:
        """Make the provider answer 503 in this block."""
        fault_injection.add_call(
            {"kind": "server_error", "amount": 503, "calls": None, "operation": ""}
        )
        try:
            yield
        finally:
            fault_injection.clear()

    def _next_outcome(self, challenge: FaceChallenge) -> Outcome:
        plan = self.plans.get(challenge.user_id)
        if not plan:
            return "approved"
        return plan.popleft() if len(plan) > 1 else plan[0]


def remember(row: FaceAuthentication) -> None:
    """Store a case for an authentication that `face_shown` and its siblings made up."""
    moment = row.modified_on or timezone.now()
    redirect_url = f"https://testserver/{row.challenge.handle}/"
    case = state_machine.create(
        row.provider_id or "",
        applicant_id=row.applicant_id,
        user_journey_id=row.user_journey_id,
        now=moment,
    )
    case = state_machine.add_attempt(
        case, row.attempts.get().provider_id, AttemptRequest(redirect_url=redirect_url), moment
    )
    case = state_machine.finish_capture(
        case,
        case.attempts[-1].id,
        CHOICES["same_person" if row.status == "approved" else "someone_else"],
        check_time=timedelta(0),
        now=moment,
    )
    # Not through the store, which would send a webhook.
    case = state_machine.advance(case, moment)
    StoredCase.objects.create(id=case.id, document=dump(case))
