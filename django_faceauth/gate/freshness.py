"""For pages that want to know before they ask."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpRequest
from django.utils import timezone

from django_faceauth.gate.decision import Allow, Face, decide
from django_faceauth.gate.policy import policy


def freshness(
    request: HttpRequest, *, action: str = "", max_age: float | timedelta | None = None
) -> Face | None:
    """Return what a gate with these arguments would let through on, or None.

    `max_age` is seconds or a `timedelta`. Asks nothing of the user. Asks the database, so
    async views call it through `sync_to_async`. Raises what `face_required` raises.
    """
    decision = decide(request, policy(action=action, max_age=max_age), timezone.now())
    return decision.face if isinstance(decision, Allow) else None
