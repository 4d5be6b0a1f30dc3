"""The one decision: may this request pass?

Every way through ends in `Allow` at one single place; whatever raises on the way does
not get there (G-01). No call to the provider is made.

What a gate reads, and when: each door keeps this order, since what is read too early may have
changed when the view works.

1. The body, if it is URL-encoded or JSON (`receive_body`). Its client may take as long as it
   likes, so that no transaction is open yet, and nothing is judged.
2. The user. Who authenticates a request does so before the gate (`recognise_client`, the
   authenticators of Django REST framework); from here on the request keeps that user
   (`keep_user`), and the view cannot work for another. Django REST framework knows its user
   before it has the body; what has ended the grant meanwhile is found among the rows.
3. The time: no earlier than the body.
4. The data to bind (`Policy.snapshot`), in the transaction that the view shares. It may lock
   rows, and wait for them, so that the time is taken again.
5. The decision (`judge`), on rows that are read after all that, and on the later time.
6. The use (`grants.consume`): one conditional UPDATE, which one of several racers wins.
7. The work of the view, in the transaction of 4 and 6: what is not done uses nothing up.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from django.http import HttpRequest
from django.http.request import RawPostDataException
from django.utils import timezone

from django_faceauth import clocks
from django_faceauth.gate.policy import CHALLENGE_FIELD, Policy
from django_faceauth.gate.unused import is_in_advance
from django_faceauth.models import FaceChallenge, FaceExemption
from django_faceauth.models.active_grants import Grant
from django_faceauth.models.challenge import EXEMPTION, FACE
from django_faceauth.services.enrolment import applicants
from django_faceauth.services.grants import binding, exemptions, grants, revocation
from django_faceauth.services.grants.binding import Snapshot
from django_faceauth.services.grants.challenge_spec import Principal

logger = logging.getLogger(__name__)

State = FaceChallenge.State

#: The header by which a client without a form names its challenge.
CHALLENGE_HEADER: Final = "Face-Challenge"
URL_ENCODED: Final = "application/x-www-form-urlencoded"
FORMS: Final = frozenset({URL_ENCODED, "multipart/form-data"})


class Reason(StrEnum):
    """Why a request passed or did not: a closed set."""

    FRESH = "fresh"
    OTHER_METHOD = "other_method"
    EXEMPT = "exempt"
    NOT_SHOWN = "not_shown"
    STALE = "stale"
    REVOKED = "revoked"
    SUPERSEDED = "superseded"
    USED = "used"
    CHANGED = "changed"
    ANONYMOUS = "anonymous"
    INACTIVE = "inactive"
    IMPERSONATED = "impersonated"
    NOT_ENROLLED = "not_enrolled"
    IN_ADVANCE = "in_advance"


@dataclass(frozen=True, slots=True)
class Face:
    """What a view finds as `request.face` behind a gate.

    `verified_at` is the latest moment at which we know that the face had not been shown
    yet, `expires_at` when this gate closes again, `challenge` the handle of the challenge
    that was granted. `method` is `"face"`, the name of the site's other way, which was taken
    at `verified_at`, or `"exemption"`; `reason` says why the gate opened.
    """

    verified_at: datetime
    expires_at: datetime
    action: str
    challenge: str
    method: str = FACE
    reason: Reason = Reason.FRESH


class FaceRequest(HttpRequest):
    """The type of a request behind a gate, for annotations."""

    face: Face


@dataclass(frozen=True, slots=True)
class Allow:
    """The request may pass, on this grant or exemption, to do what the snapshot says."""

    face: Face
    basis: Grant | FaceExemption = field(repr=False)
    snapshot: Snapshot = field(default_factory=dict, repr=False)

    @property
    def reason(self) -> Reason:
        """Why it may."""
        return self.face.reason


@dataclass(frozen=True, slots=True)
class Challenge:
    """The request may pass once the user has shown their face, for this snapshot."""

    reason: Reason = Reason.NOT_SHOWN
    snapshot: Snapshot = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Deny:
    """The request may not pass, and no face would change that.

    `challenge` is the one that the request named, and that is worth nothing from now on.
    """

    reason: Reason
    challenge: FaceChallenge | Grant | None = field(default=None, repr=False)


Decision = Allow | Challenge | Deny


def decide(request: HttpRequest, policy: Policy, now: datetime) -> Decision:
    """Decide about one request, and change nothing."""
    # Django REST framework sets UNAUTHENTICATED_USER, which may be None.
    if not getattr(request.user, "is_authenticated", False):
        return Deny(Reason.ANONYMOUS)
    if grants.is_impersonated(request):
        return Deny(Reason.IMPERSONATED)
    if policy.is_single_use and is_in_advance(request):
        return Deny(Reason.IN_ADVANCE)
    seat, named = grants.seat_of(request), named_by(request, policy)
    return judge(seat, policy, now, named=named, only=named if seat.names_challenge else None)


def judge(
    seat: Principal, policy: Policy, now: datetime, *, named: str = "", only: str | None = None
) -> Decision:
    """Decide about a user in a session.

    `named` is the handle that the request brings along, and that must be for this; `only` is
    that of the one grant that counts.
    """
    user = seat.user
    if not user.is_active:
        return Deny(Reason.INACTIVE)
    snapshot = policy.snapshot()
    now = max(now, timezone.now())  # `bind` may have waited for a lock
    fresh = _fresh(seat, policy, now)
    brought = _brought(seat, named, fresh)
    if brought is not None and not _is_for(brought, policy, snapshot):
        return Deny(Reason.CHANGED, brought)
    if isinstance(brought, FaceChallenge) and brought.state == State.CONSUMED:
        return Deny(Reason.USED)
    for grant in fresh:
        if _is_for(grant, policy, snapshot) and only in {None, grant.handle}:
            return Allow(_face(grant, policy, now), grant, snapshot)
    exemption = exemptions.standing(user, action=policy.action, now=now)
    if exemption is not None:
        return Allow(_exempt(exemption, policy, now), exemption, snapshot)
    if not applicants.is_enrolled(user):
        return Deny(Reason.NOT_ENROLLED)
    return Challenge(_why_not(seat, policy, fresh, now), snapshot)


def enter(request: HttpRequest, policy: Policy, now: datetime) -> Decision:
    """Decide about one request, and do what follows: use up, note, burn, tell the log."""
    return conclude(request, policy, decide(request, policy, now), now)


def conclude(request: HttpRequest, policy: Policy, decision: Decision, now: datetime) -> Decision:
    """Do what follows from a decision; the one that is returned may be worse."""
    if isinstance(decision, Allow):
        decision = _pass(request, policy, decision, now)
    elif isinstance(decision, Deny) and decision.challenge is not None:
        revocation.invalidate(decision.challenge)
    _log(policy, decision)
    return decision


def _pass(request: HttpRequest, policy: Policy, allowed: Allow, now: datetime) -> Decision:
    basis, snapshot = allowed.basis, allowed.snapshot
    if isinstance(basis, FaceExemption):
        used = grants.note_exemption(
            request, basis, action=policy.action, snapshot=snapshot, now=now
        )
        return replace(allowed, face=replace(allowed.face, challenge=used.handle))
    if policy.is_single_use and not grants.consume(basis, policy.age_limit, now=now):
        return Challenge(Reason.USED, snapshot)
    grants.see(request, basis, now=now)
    return allowed


def _brought(seat: Principal, named: str, fresh: list[Grant]) -> FaceChallenge | Grant | None:
    """Return the challenge that a request names, without asking again for what stands."""
    for grant in fresh:
        if grant.handle == named:
            return grant
    return grants.one(grants.asked_by(seat), named) if named else None


def _is_for(challenge: FaceChallenge | Grant, policy: Policy, snapshot: Snapshot) -> bool:
    return challenge.action == policy.action and binding.matches(challenge, snapshot)


def _fresh(seat: Principal, policy: Policy, now: datetime) -> list[Grant]:
    standing = grants.fresh(seat, action=policy.action, max_age=policy.age_limit, now=now)
    return [
        grant
        for grant in standing
        if now < policy.end_of(grant) and not _is_ahead(grant, policy, now)
    ]


def _is_ahead(challenge: FaceChallenge | Grant, policy: Policy, now: datetime) -> bool:
    """Tell whether a moment that the window depends on lies in the future."""
    moments = [challenge.verified_at]
    if policy.counts_from_decision:
        moments.append(challenge.granted_at)
    return any(moment and clocks.is_ahead(moment, now=now) for moment in moments)


def _face(grant: Grant, policy: Policy, now: datetime) -> Face:
    reason = Reason.FRESH if grant.method == FACE else Reason.OTHER_METHOD
    return Face(
        verified_at=min(grant.verified_at, now),
        expires_at=policy.end_of(grant),
        action=grant.action,
        challenge=grant.handle,
        method=grant.method,
        reason=reason,
    )


def _exempt(exemption: FaceExemption, policy: Policy, now: datetime) -> Face:
    expires_at = min(exemption.expires_at, now + policy.age_limit)
    return Face(
        verified_at=now,
        expires_at=expires_at,
        action=policy.action,
        challenge="",  # there is one as soon as the exemption is used
        method=EXEMPTION,
        reason=Reason.EXEMPT,
    )


def _why_not(seat: Principal, policy: Policy, fresh: list[Grant], now: datetime) -> Reason:
    """Say what became of the newest grant for this action; `fresh` are those that stand."""
    asked = grants.asked_by(seat).filter(action=policy.action, verified_at__isnull=False)
    newest = asked.order_by("pk").last()
    if newest is None or newest.pk in {grant.pk for grant in fresh}:  # or it is for something else
        return Reason.NOT_SHOWN
    if newest.state != State.GRANTED:
        return _ENDED.get(newest.state, Reason.NOT_SHOWN)
    is_stale = policy.end_of(newest) <= now or _is_ahead(newest, policy, now)
    return Reason.STALE if is_stale else Reason.SUPERSEDED


_ENDED: Final[Mapping[str, Reason]] = {
    State.CONSUMED: Reason.USED,
    State.REVOKED: Reason.REVOKED,
    State.FAILED: Reason.CHANGED,
}


def receive_body(request: HttpRequest) -> None:
    """Wait for the body of a request, if it is URL-encoded or JSON.

    A WSGI server calls the view as soon as it has the head, so a client could send the head
    in time and the body when the face counts no more. Multipart bodies are left to the view,
    which may want to set upload handlers. Raises what `request.body` does, such as
    `RequestDataTooBig`.
    """
    kind = (request.content_type or "").partition(";")[0].strip().lower()
    if kind in {URL_ENCODED, "application/json"} or kind.endswith("+json"):
        with suppress(RawPostDataException):  # the view or a middleware reads it as a stream
            _ = request.body


def named_by(request: HttpRequest, policy: Policy) -> str:
    """Return the handle that a request brings along, or nothing.

    Forms name it where a grant counts once or the gate has a continue page. Other multipart
    bodies are not read: the view may want to set upload handlers, or to read the stream.
    """
    header = request.headers.get(CHALLENGE_HEADER, "")
    read = FORMS if policy.is_single_use or policy.keep is not None else {URL_ENCODED}
    if header or request.method != "POST" or request.content_type not in read:
        return header
    return str(request.POST.get(CHALLENGE_FIELD, ""))


def _log(policy: Policy, decision: Decision) -> None:
    """Write down the decision, without a word about the person (L-01, L-02)."""
    if not logger.isEnabledFor(logging.INFO):
        return
    facts = {
        "decision": type(decision).__name__.lower(),
        "reason": decision.reason.value,
        "action": policy.action,
        "basis": _basis_of(decision),
    }
    logger.info(
        "gate %s", " ".join(f"{name}={value}" for name, value in facts.items()), extra=facts
    )


def _basis_of(decision: Decision) -> str:
    """Name a row by its number, in whatever language the page is."""
    basis = getattr(decision, "basis", None) or getattr(decision, "challenge", None)
    kind = "exemption" if isinstance(basis, FaceExemption) else "challenge"
    return f"{kind} {basis.pk}" if basis else "None"
