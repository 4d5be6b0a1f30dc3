"""Rows of every kind that a client can name."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib.auth.models import Permission

from django_faceauth.models import FaceChallenge
from tests.api_client import Program
from tests.user_driver import Person

State = FaceChallenge.State

BEHIND_A_GATE = "/shop/secret/"
API = "/face/api/"


PROGRAMS = [Program.with_session, Program.with_token]


def one_in_each_state(program: Program) -> Iterator[str]:
    """Yield the handles of challenges that this program was given, the open one last."""
    for state in [*(state for state in State if state != State.OPEN), State.OPEN]:
        handle = program.is_asked()["challenge"]
        if state != State.OPEN:
            challenge = FaceChallenge.objects.filter(handle=handle)
            challenge.update(state=state, dedup_key=None, **_moments_of(state, challenge.get()))
        yield handle


def _moments_of(state: State, challenge: FaceChallenge) -> dict[str, object]:
    if state not in {State.GRANTED, State.CONSUMED, State.REVOKED}:
        return {}
    # Seen already, so that nothing rotates; too old to open the gate for the next one.
    at = challenge.created_at - challenge.age_limit
    used = {"consumed_at": at} if state == State.CONSUMED else {}
    return {"verified_at": at, "granted_at": at, "session_rotated_at": at, **used}


def has_history(person: Person) -> None:
    """Let a person show their face, to one end and the other."""
    person.passes("/statements/", "same_person")
    person.passes("/payout/", "someone_else")


def may_anonymize(person: Person) -> None:
    """Make staff of a person, who may have the provider forget faces."""
    person.user.user_permissions.add(
        Permission.objects.get(codename="anonymize_faceauthentication")
    )
