"""Decide whether a request may pass a gate.

`authorize` is the whole trip: load what counts, evaluate it, apply what follows. `evaluate` is
pure, and `Allow` is returned from it alone; an exception on the way never lets a request pass.
The provider is not called.

Every gate reads in this order, since what is read too early may have changed when the view
works:

1. The body, if it is URL-encoded or JSON (`receive_body`). A client may take as long as it
   likes to send it, so no transaction is open yet and nothing is evaluated.
2. The user, who is authenticated before the gate (`recognise_client`, the authenticators of
   Django REST framework). From here on the request keeps that user (`keep_user`), so the view
   cannot work for another one. Django REST framework knows its user before it has the body;
   the rows tell what has ended a grant meanwhile.
3. The data to bind (`Policy.snapshot`), in the transaction that the view shares. This may
   wait for locks on rows, so the time is taken afterwards.
4. The rows, which `evaluate` turns into a decision.
5. The use of the grant (`grants.consume`): one conditional UPDATE, which a single request wins.
6. The work of the view, in the transaction of 3 and 5: if it fails, nothing is used up.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

from django.http import HttpRequest
from django.http.request import RawPostDataException
from django.utils import timezone

from django_faceauth import clocks, metrics
from django_faceauth.conf import DENY
from django_faceauth.gate.policy import CHALLENGE_FIELD, Policy
from django_faceauth.gate.unused import is_in_advance
from django_faceauth.models import FaceChallenge, FaceExemption
from django_faceauth.models.active_grants import Grant
from django_faceauth.models.challenge import EXEMPTION, FACE
from django_faceauth.services.enrolment import applicants
from django_faceauth.services.grants import (
    binding,
    exemptions,
    face_cookie,
    grants,
    identity,
    revocation,
)
from django_faceauth.services.grants.binding import Snapshot
from django_faceauth.services.grants.identity import Principal

logger = logging.getLogger(__name__)

State = FaceChallenge.State

#: The header by which a client names its challenge.
CHALLENGE_HEADER: Final = "Face-Challenge"
CHALLENGE_META: Final = "HTTP_FACE_CHALLENGE"
URL_ENCODED: Final = "application/x-www-form-urlencoded"
FORMS: Final = frozenset({URL_ENCODED, "multipart/form-data"})

#: A decision without bound data. Snapshots are never changed.
NO_DATA: Final[Snapshot] = {}


class Reason(StrEnum):
    """Why a request may or may not pass: a closed set."""

    NOT_REQUIRED = "not_required"
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


class Face(NamedTuple):
    """The value of `request.face` behind a gate.

    `verified_at` is the latest time at which the face was certainly not captured yet,
    `expires_at` is when this gate closes again, `challenge` is the handle of the granted
    challenge. `method` is `"face"`, `"exemption"` or the name of another method of the site,
    used at `verified_at`; `reason` says why the gate opened.
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


class OptionalFaceRequest(HttpRequest):
    """The type of a request behind a gate with `when`: without a face, if none was required."""

    face: Face | None


class Allow(NamedTuple):
    """The request may pass on this grant or exemption, or needs neither: then both are None."""

    face: Face | None
    basis: Grant | FaceExemption | None
    snapshot: Snapshot = NO_DATA

    @property
    def reason(self) -> Reason:
        """Why the request may pass."""
        return Reason.NOT_REQUIRED if self.face is None else self.face.reason


class Challenge(NamedTuple):
    """The request may pass after a face check for this snapshot."""

    reason: Reason = Reason.NOT_SHOWN
    snapshot: Snapshot = NO_DATA


class Deny(NamedTuple):
    """The request may not pass, and a face check would not change that.

    `challenge` is the one that the request named; it is invalidated.
    """

    reason: Reason
    challenge: FaceChallenge | Grant | None = None
    snapshot: Snapshot = NO_DATA


Decision = Allow | Challenge | Deny


class Facts(NamedTuple):
    """What a decision depends on, at the time `now`.

    `denied` is a reason for which rows do not matter. Neither do they unless `is_needed`: the
    gate's `when` has said that this request needs no face. `active` are the grants of the session
    for this action, newest first; unless `only` is None, just the one with that handle counts.
    `grant` is the newest of them that opens the gate, see `usable_grant`. `named` is the
    challenge that the request names. The last three are loaded only if there is no `grant`;
    `latest` is the last challenge that was granted.
    """

    now: datetime
    denied: Reason | None = None
    is_needed: bool = True
    snapshot: Snapshot = NO_DATA
    active: Sequence[Grant] = ()
    only: str | None = None
    grant: Grant | None = None
    named: FaceChallenge | Grant | None = None
    exemption: FaceExemption | None = None
    is_enrolled: bool = True
    latest: FaceChallenge | None = None


def authorize(request: HttpRequest, policy: Policy) -> Decision:
    """Decide about one request, with all effects: use the grant up, log the decision."""
    facts = load(request, policy)
    return apply(request, policy, evaluate(facts, policy), facts.now)


def load(request: HttpRequest, policy: Policy) -> Facts:
    """Load what the decision about a request depends on. Raises what `bind` raises."""
    denied = None
    # Django REST framework sets UNAUTHENTICATED_USER, which may be None.
    if not getattr(request.user, "is_authenticated", False):
        denied = Reason.ANONYMOUS
    elif identity.is_impersonated(request):
        denied = Reason.IMPERSONATED
    elif policy.is_single_use and is_in_advance(request):
        denied = Reason.IN_ADVANCE
    if denied is not None:
        return Facts(timezone.now(), denied)
    principal, handle = identity.principal_of(request), named_by(request, policy)
    only = handle if principal.names_challenge else None
    return load_rows(principal, policy, handle=handle, only=only)


def load_rows(
    principal: Principal, policy: Policy, *, handle: str = "", only: str | None = None
) -> Facts:
    """Load what the decision about a user in a session depends on.

    `handle` is that of the challenge that the request names, `only` that of the one grant
    that counts, if not any does.
    """
    user = principal.user
    if not user.is_active:
        return Facts(timezone.now(), Reason.INACTIVE)
    if not policy.is_face_needed():
        return Facts(timezone.now(), is_needed=False)
    snapshot = policy.snapshot()
    now = timezone.now()  # `bind` may have waited for a lock
    active = grants.active(principal, action=policy.action, max_age=policy.age_limit, now=now)
    named: FaceChallenge | Grant | None
    named = next((grant for grant in active if grant.handle == handle), None)
    if named is None and handle:
        named = grants.one(grants.asked_by(principal), handle)
    facts = Facts(now, snapshot=snapshot, active=active, only=only, named=named)
    grant = usable_grant(facts, policy)
    if grant is not None:
        return facts._replace(grant=grant)
    exemption = exemptions.standing(user, action=policy.action, now=now)
    is_enrolled = exemption is None and applicants.is_enrolled(user)
    latest = grants.latest(principal, action=policy.action) if is_enrolled else None
    return facts._replace(exemption=exemption, is_enrolled=is_enrolled, latest=latest)


def evaluate(facts: Facts, policy: Policy) -> Decision:
    """Return the decision that follows from the facts, and change nothing."""
    if facts.denied is not None:
        return Deny(facts.denied)
    if not facts.is_needed:
        return Allow(None, None)
    named, snapshot = facts.named, facts.snapshot
    if named is not None and not _is_for(named, policy, snapshot):
        return Deny(Reason.CHANGED, named)
    if isinstance(named, FaceChallenge) and named.state == State.CONSUMED:
        return Deny(Reason.USED)
    grant = facts.grant
    if grant is not None:
        face = Face(
            verified_at=min(grant.verified_at, facts.now),
            expires_at=policy.end_of(grant),
            action=grant.action,
            challenge=grant.handle,
            method=grant.method,
            reason=Reason.FRESH if grant.method == FACE else Reason.OTHER_METHOD,
        )
        return Allow(face, grant, snapshot)
    if facts.exemption is not None:
        face = Face(
            verified_at=facts.now,
            expires_at=min(facts.exemption.expires_at, facts.now + policy.age_limit),
            action=policy.action,
            challenge="",  # it exists as soon as the exemption is used
            method=EXEMPTION,
            reason=Reason.EXEMPT,
        )
        return Allow(face, facts.exemption, snapshot)
    if not facts.is_enrolled:
        return Deny(Reason.NOT_ENROLLED, snapshot=snapshot)
    return Challenge(_reason_to_ask(facts, policy), snapshot)


def usable_grant(facts: Facts, policy: Policy) -> Grant | None:
    """Return the newest grant that counts now and is for exactly this."""
    for grant in facts.active:
        if facts.only is not None and grant.handle != facts.only:
            continue
        if not _is_for(grant, policy, facts.snapshot):
            continue
        if _is_accepted(grant, policy) and _counts(grant, facts, policy):
            return grant
    return None


def _counts(grant: FaceChallenge | Grant, facts: Facts, policy: Policy) -> bool:
    """Return whether the window of a grant has begun and not ended."""
    moments = [grant.verified_at]
    if policy.counts_from_decision:
        moments.append(grant.granted_at)
    is_ahead = any(moment and clocks.is_ahead(moment, now=facts.now) for moment in moments)
    return not is_ahead and facts.now < policy.end_of(grant)


def _is_accepted(grant: FaceChallenge | Grant, policy: Policy) -> bool:
    """Return whether a grant was given by a method, and in a network, that count here."""
    is_elsewhere = grant.method == FACE and not grant.is_same_network
    return policy.counts(grant.method) and not (is_elsewhere and policy.network == DENY)


def _is_for(challenge: FaceChallenge | Grant, policy: Policy, snapshot: Snapshot) -> bool:
    return challenge.action == policy.action and binding.matches(challenge, snapshot)


def _reason_to_ask(facts: Facts, policy: Policy) -> Reason:
    """Return what became of the latest grant for this action."""
    latest = facts.latest
    if latest is None:
        return Reason.NOT_SHOWN
    if latest.state != State.GRANTED:
        return _ENDED.get(latest.state, Reason.NOT_SHOWN)
    if not _counts(latest, facts, policy):
        return Reason.STALE
    is_active = latest.pk in {grant.pk for grant in facts.active}
    return Reason.NOT_SHOWN if is_active else Reason.SUPERSEDED  # it is for something else


_ENDED: Final[Mapping[str, Reason]] = {
    State.CONSUMED: Reason.USED,
    State.REVOKED: Reason.REVOKED,
    State.FAILED: Reason.CHANGED,
}


def apply(request: HttpRequest, policy: Policy, decision: Decision, now: datetime) -> Decision:
    """Carry out what follows from a decision; return it, or a refusal if a race was lost."""
    if isinstance(decision, Deny) and decision.challenge is not None:
        revocation.invalidate(decision.challenge)
    if isinstance(decision, Allow) and decision.face and decision.basis:
        basis, snapshot = decision.basis, decision.snapshot
        if isinstance(basis, FaceExemption):
            used = grants.note_exemption(
                request, basis, action=policy.action, snapshot=snapshot, now=now
            )
            decision = decision._replace(face=decision.face._replace(challenge=used.handle))
        elif policy.is_single_use and not grants.consume(basis, policy.age_limit, now=now):
            decision = Challenge(Reason.USED, snapshot)
        else:
            face_cookie.see(request, basis, now=now)
    record(policy, decision)
    return decision


def receive_body(request: HttpRequest) -> None:
    """Wait for the body of a request, if it is URL-encoded or JSON.

    A WSGI server calls the view as soon as it has the headers, so a client could send them in
    time and the body after the face has expired. Multipart bodies are left to the view, which
    may set upload handlers. Raises what `request.body` raises, such as `RequestDataTooBig`.
    """
    kind = (request.content_type or "").partition(";")[0].strip().lower()
    if kind in {URL_ENCODED, "application/json"} or kind.endswith("+json"):
        with suppress(RawPostDataException):  # the view or a middleware reads it as a stream
            _ = request.body


def named_by(request: HttpRequest, policy: Policy) -> str:
    """Return the handle of the challenge that a request names; empty if it names none.

    Forms name it where a grant counts once or the gate has a continue page. Other multipart
    bodies are not read: the view may set upload handlers or read the stream.
    """
    header = str(request.META.get(CHALLENGE_META, ""))  # `headers` would parse them all
    read = FORMS if policy.is_single_use or policy.keep is not None else {URL_ENCODED}
    if header or request.method != "POST" or request.content_type not in read:
        return header
    return str(request.POST.get(CHALLENGE_FIELD, ""))


def record(policy: Policy, decision: Decision) -> None:
    """Count and log the decision, by ids and codes alone."""
    metrics.count(f"gate.{decision.reason}")
    if not logger.isEnabledFor(logging.INFO):
        return
    basis = getattr(decision, "basis", None) or getattr(decision, "challenge", None)
    kind = "exemption" if isinstance(basis, FaceExemption) else "challenge"
    facts = {
        "decision": type(decision).__name__.lower(),
        "reason": decision.reason.value,
        "action": policy.action,
        "basis": f"{kind} {basis.pk}" if basis else "None",
        "method": getattr(getattr(decision, "face", None), "method", "None"),
    }
    logger.info(
        "gate %s", " ".join(f"{name}={value}" for name, value in facts.items()), extra=facts
    )
