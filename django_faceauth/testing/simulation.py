"""The simulator in the provider's place, and a person who walks through the whole check.

Only for sites that have the simulator among their apps; `simulated()` sees to that.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpResponse
from django.test import AsyncRequestFactory, Client
from django.utils import timezone

from django_faceauth.gate.decision import CHALLENGE_HEADER
from django_faceauth.gate.policy import CHALLENGE_FIELD
from django_faceauth.models import FaceAuthentication, FaceChallenge
from django_faceauth.services.flow.progress import Step
from django_faceauth.simulator import fault_injection
from django_faceauth.simulator.control import change_case
from django_faceauth.simulator.models import StoredCase
from django_faceauth.simulator.state_machine import Attempt, AttemptRequest, Case
from django_faceauth.simulator.store import dump
from django_faceauth.statuses import AttemptStatus, AuthenticationStatus
from django_faceauth.testing.flow_driver import Walk, let_time_pass
from django_faceauth.testing.outcomes import Outcome
from django_faceauth.testing.responses import challenge_of, page_at, problem_in
from django_faceauth.testing.webhooks import authentication_of, deliver_webhook, webhook_event

CONTINUE: Final = "faceauth:continue"


@dataclass
class Simulation:
    """The provider of one test; begin it with `simulated()`."""

    plans: dict[Any, deque[Outcome]] = field(default_factory=dict, repr=False)

    def decides(self, user: AbstractBaseUser, *outcomes: Outcome) -> None:
        """Say how the next face checks of a user end, one after the other; the last one stays.

        A user whose applicant id is one of the simulator's scripts keeps to that script.
        """
        self.plans[user.pk] = deque(outcomes)

    def show_face(
        self,
        client: Client,
        url: str,
        *,
        outcome: Outcome | None = None,
        method: str = "get",
        data: Any = None,
        headers: Mapping[str, str] | None = None,
        secure: bool = False,
        **request: Any,
    ) -> HttpResponse:
        """Send a request that a gate refuses, do the whole face check, and return its end.

        For a page that is what the user sees last: the page they wanted, the one on which they
        press the button again, or what went wrong. For a program it is the answer to the
        repeated request. Agrees to what `FACEAUTH_CONSENT_VERSION` asks for. Takes no time: the
        waiting is walked through, not slept through.

        `outcome` is how the check ends, by default as `decides` said, else approved. The other
        arguments are those of the client. Raises `AssertionError` if nobody is asked for a
        face, and `TypeError` for an async client.
        """
        if isinstance(client, AsyncRequestFactory):
            raise TypeError("show_face() walks with a sync client: give it django.test.Client()")
        send = partial(getattr(client, method), url, data, secure=secure, **request)
        refusal = send(headers=headers)
        walk = Walk(client, challenge_of(refusal), secure)
        decided = outcome or self._next(walk.challenge)
        if refusal.status_code != HTTPStatus.UNAUTHORIZED:
            return walk.as_page(decided)
        told = problem_in(refusal)
        end = walk.as_program(told, decided, headers)
        if end.status_code != HTTPStatus.OK or problem_in(end)["next"] != Step.REPEAT:
            return end
        named = {**(headers or {}), CHALLENGE_HEADER: walk.challenge.handle}
        repeated: HttpResponse = send(headers=named)
        return repeated

    def confirm(self, client: Client, page: HttpResponse, **extra: Any) -> HttpResponse:
        """Press the button of the page on which `show_face` ends for a form; return the answer.

        Raises `AssertionError` for another page.
        """
        here = page_at(page.request["PATH_INFO"])  # type: ignore[attr-defined]
        if here is None or here.view_name != CONTINUE:
            raise AssertionError("This is not the page that asks to press the button again.")
        challenge = FaceChallenge.objects.get(handle=here.kwargs["handle"])
        form = {**dict(challenge.saved_form_data or []), CHALLENGE_FIELD: challenge.handle}
        answer: Any = client.post(challenge.resume_url, form, **extra)
        pressed: HttpResponse = answer
        return pressed

    def changes_mind(
        self, subject: FaceChallenge | FaceAuthentication, status: str = "declined"
    ) -> HttpResponse:
        """Have an audit find `declined` or `approved`, and the site told by a webhook.

        Returns what the site answers to the webhook. Raises `ValueError` and `NotAllowed` if
        nothing was decided yet.
        """
        row = authentication_of(subject)
        change_case(status, row.provider_id or "")
        let_time_pass(row.pk)
        return deliver_webhook(webhook_event(row, "audit_completed"))

    @contextmanager
    def away(self) -> Iterator[None]:
        """Let the provider answer nothing but 503 in this block."""
        fault_injection.add_call(
            {"kind": "server_error", "amount": 503, "calls": None, "operation": ""}
        )
        try:
            yield
        finally:
            fault_injection.clear()

    def _next(self, challenge: FaceChallenge) -> Outcome:
        plan = self.plans.get(challenge.user_id)
        if not plan:
            return "approved"
        return plan.popleft() if len(plan) > 1 else plan[0]


def remember(row: FaceAuthentication) -> None:
    """Keep a case for an authentication that was made up, so that the simulator knows it."""
    case = _case_of(row, row.modified_on or timezone.now())
    # Not by the store, which would have the site told of it.
    StoredCase.objects.create(id=case.id, document=dump(case))


def _case_of(row: FaceAuthentication, moment: datetime) -> Case:
    attempts = tuple(
        Attempt(
            id=attempt.provider_id,
            created_on=attempt.created_on or moment,
            modified_on=attempt.modified_on or moment,
            request=AttemptRequest(redirect_url=f"https://testserver/{row.challenge.handle}/"),
            status=AttemptStatus(attempt.status),
            code=row.code,
        )
        for attempt in reversed(row.attempts.all())
    )
    return Case(
        id=row.provider_id or "",
        applicant_id=row.applicant_id,
        user_journey_id=row.user_journey_id,
        created_on=row.created_on or moment,
        modified_on=moment,
        status=AuthenticationStatus(row.status),
        code=row.code,
        attempts=attempts,
    )
