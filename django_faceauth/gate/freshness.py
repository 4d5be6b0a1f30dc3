"""Check for a fresh face without a gate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse

from django_faceauth.gate.decision import Allow, Decision, Face, evaluate, load, load_rows
from django_faceauth.gate.policy import policy
from django_faceauth.gate.responses import refuse
from django_faceauth.models import FaceChallenge
from django_faceauth.services.grants.identity import Principal


def freshness(
    request: HttpRequest,
    *,
    action: str = "",
    max_age: float | timedelta | None = None,
    accept: Iterable[str] | None = None,
    network: str | None = None,
) -> Face | None:
    """Return the face on which a gate with these arguments would open, or None.

    `max_age` is seconds or a `timedelta`. Queries the database, so async views call it through
    `sync_to_async`. Raises what `face_required` raises.
    """
    gate_policy = policy(action=action, max_age=max_age, accept=accept, network=network).resolved()
    return _face_of(evaluate(load(request, gate_policy), gate_policy))


def ask_first(
    request: HttpRequest,
    *,
    action: str = "",
    max_age: float | timedelta | None = None,
    accept: Iterable[str] | None = None,
    network: str | None = None,
) -> HttpResponse | None:
    """Return None on a fresh face, else the response that asks for one and comes back here.

    For the page with a form, so that users show their face before they type. Uses nothing up.
    Raises what `face_required` raises.
    """
    gate_policy = policy(action=action, max_age=max_age, accept=accept, network=network).resolved()
    facts = load(request, gate_policy)
    decision = evaluate(facts, gate_policy)
    return (
        None if isinstance(decision, Allow) else refuse(request, gate_policy, decision, facts.now)
    )


def recorded_face(
    user: AbstractBaseUser,
    challenge: str,
    *,
    action: str = "",
    max_age: float | timedelta | None = None,
    bound: Mapping[str, Any] | None = None,
    accept: Iterable[str] | None = None,
    network: str | None = None,
) -> Face | None:
    """Return the face check that our rows record for a challenge of `user`, or None.

    For tasks and commands, which have no request: `challenge` is the `request.face.challenge`
    that a view has passed on, `bound` is what its `bind` returned. Uses nothing up, and returns
    None for a grant that was used up. Raises what `face_required` raises.

    This is weaker than a gate, since it knows no session: a session that was deleted, or a
    password that `QuerySet.update()` has changed, closes the gate but does not end this record.
    A log-out, and a password changed by `User.save()`, end both.
    """
    bind = None if bound is None else lambda: bound
    gate_policy = policy(
        action=action, max_age=max_age, bind=bind, accept=accept, network=network
    ).resolved()
    row = FaceChallenge.objects.filter(user_id=user.pk, handle=challenge).first()
    if row is None:
        return None
    principal = Principal(user, row.session_digest)
    return _face_of(evaluate(load_rows(principal, gate_policy, only=challenge), gate_policy))


def _face_of(decision: Decision) -> Face | None:
    return decision.face if isinstance(decision, Allow) else None
