"""Ask for a face, and find, issue and use grants."""

from __future__ import annotations

import logging
import secrets
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q
from django.db.models.functions import Greatest
from django.http import HttpRequest
from django.utils.http import MAX_URL_LENGTH, url_has_allowed_host_and_scheme

from django_faceauth import clocks
from django_faceauth.models import FaceChallenge, FaceExemption, database
from django_faceauth.models.active_grants import Grant, standing
from django_faceauth.models.challenge import EXEMPTION, FaceChallengeQuerySet
from django_faceauth.services.dispatch import send_on_commit
from django_faceauth.services.grants import challenge_spec, exemptions
from django_faceauth.services.grants.binding import Snapshot, is_storable
from django_faceauth.services.grants.challenge_spec import ChallengeSpec
from django_faceauth.services.grants.identity import Principal, ensure_principal, principal_of
from django_faceauth.signals import challenge_granted

logger = logging.getLogger(__name__)

State = FaceChallenge.State

#: Open challenges of one user, in all sessions and clients.
MOST_OPEN: Final = 20
#: How long after its start a challenge is shown, and can be reported, without its session.
KNOWN_ELSEWHERE: Final = timedelta(days=1)


def asked_by(principal: Principal) -> FaceChallengeQuerySet:
    """Return the challenges of the user in this session, with this face cookie."""
    return FaceChallenge.objects.of(user_id=principal.user.pk, digests=principal.digests)


def asked_in_session_of(principal: Principal) -> FaceChallengeQuerySet:
    """Return the challenges of the user in this session, with any face cookie."""
    return FaceChallenge.objects.in_session(user_id=principal.user.pk, digests=principal.digests)


def active(principal: Principal, *, action: str, max_age: timedelta, now: datetime) -> list[Grant]:
    """Return the grants for `action` in this session, none older than `max_age`, newest first."""
    if not principal.session_digest:
        return []
    grants = standing(
        user_id=principal.user.pk, digests=principal.digests, action=action, since=now - max_age
    )
    for grant in grants:
        if clocks.is_ahead(grant.verified_at, now=now):
            logger.warning("anchor in the future: %s", grant)
    return grants


def latest(principal: Principal, *, action: str) -> FaceChallenge | None:
    """Return the last challenge for `action` in this session that was granted."""
    granted = asked_by(principal).filter(action=action, verified_at__isnull=False)
    return granted.order_by("pk").last()


def one(asked: FaceChallengeQuerySet, handle: str) -> FaceChallenge | None:
    """Return the challenge with that handle among those asked, or None.

    A challenge that was not started has several handles if clients share a credential.
    """
    if not is_storable(handle):  # the database would raise
        return None
    asked = asked.select_related("authentication", "user")
    challenge = asked.filter(handle=handle).first()
    if challenge is not None:
        return challenge if challenge.handle == handle else None
    if len(handle) != challenge_spec.NONCE_LENGTH + challenge_spec.MARK_LENGTH:
        return None
    for shared in asked.filter(state=State.OPEN, started_at=None):
        if challenge_spec.is_handle_of(handle, shared.handle):
            shared.handle = handle
            return shared
    return None


def find(request: HttpRequest, handle: str) -> FaceChallenge | None:
    """Return the challenge with that handle if it is of this user in this session."""
    return one(asked_by(principal_of(request)), handle)


def find_replaced(request: HttpRequest, handle: str) -> FaceChallenge | None:
    """Return the challenge with that handle if it is of this session, with another cookie.

    Either this request or the one that asked was on its way while the cookie was replaced.
    """
    return one(asked_in_session_of(principal_of(request)), handle)


def is_behind(request: HttpRequest, handle: str) -> bool:
    """Return whether a request was on its way while the cookie was replaced.

    Only then a grant was used under the cookie of the challenge with that handle.
    """
    challenge = find_replaced(request, handle)
    if challenge is None:
        return False
    asked = FaceChallenge.objects.of(user_id=challenge.user_id, digests=[challenge.session_digest])
    return asked.filter(session_rotated_at__isnull=False).exists()


def find_started(handle: str, *, now: datetime) -> FaceChallenge | None:
    """Return the challenge with that handle, of any user, if it was started within a day.

    For browsers without the session, which must learn little of it: the user may have been
    talked into showing their face for the session of a thief.
    """
    started = FaceChallenge.objects.filter(handle=handle, started_at__gt=now - KNOWN_ELSEWHERE)
    challenge = started.select_related("authentication").first()
    return challenge if challenge is not None and challenge.handle == handle else None


@database.repeated
def ask(
    request: HttpRequest,
    spec: ChallengeSpec,
    *,
    window: timedelta,
    now: datetime,
    named: str = "",
) -> FaceChallenge:
    """Return the open challenge for a spec in this session; there is never more than one.

    One whose attempt is older than `window` is closed, and a new one takes its place. Clients
    without a session get the one that they have `named`, or, with a handle of their own, the
    one of their credential for the same spec, unless it was started.
    """
    principal = ensure_principal(request)
    slot, held = challenge_spec.slot(principal, spec), None
    # A challenge from before a rotation of SECRET_KEY keeps its slot.
    slots = [
        challenge_spec.slot(principal._replace(session_digest=former), spec)
        for former in principal.former
    ]
    if slots:
        former = FaceChallenge.objects.filter(dedup_key__in=slots).first()
        slot = (former and former.dedup_key) or slot
    if principal.names_challenge:
        held = one(asked_by(principal).filter(state=State.OPEN), named)
        accept = spec.accept and [*spec.accept]
        if held and (held.accept, held.network_policy) != (accept, spec.network_policy):
            held = None  # another gate has asked
        if held and held.dedup_key:
            slot = held.dedup_key
        else:
            # A started challenge belongs to the client that named it: make room for another.
            started = FaceChallenge.objects.filter(dedup_key=slot, started_at__isnull=False)
            started.update(dedup_key=secrets.token_hex(32))
    in_slot = FaceChallenge.objects.filter(dedup_key=slot)
    in_slot.filter(started_at__lte=now - window).close(State.EXPIRED, reason="abandoned")
    challenge, created = FaceChallenge.objects.get_or_create(
        dedup_key=slot, defaults=challenge_spec.columns(principal, spec, now)
    )
    if not created:
        # The user goes on to the newest page that asked, unless another site linked to it; a
        # script of another tab does not change this. An approval is of no use after the
        # longest window; each gate applies its own.
        is_kept = spec.is_of_client or _comes_from_another_site(request)
        way_on = {} if is_kept else spec.way_on
        in_slot.update(max_age=Greatest("max_age", spec.seconds), **way_on, reason=spec.reason)
        if held is not None:
            challenge.handle = held.handle
        elif principal.names_challenge:
            challenge.handle = challenge_spec.handle_of_another_client(challenge.handle)
    else:
        _make_room(challenge)
    return challenge


def of_client(challenge: FaceChallenge) -> FaceChallengeQuerySet:
    """Return the row of a challenge, unless a client with another handle has started it."""
    is_its_own = Q(handle=challenge.handle) | Q(started_at=None)
    return FaceChallenge.objects.filter(is_its_own, pk=challenge.pk)


def handle_columns(challenge: FaceChallenge) -> dict[str, str]:
    """Return the columns to write when the client with this handle starts the challenge."""
    return challenge_spec.handle_columns(
        challenge.handle, challenge.action, challenge.snapshot, challenge.user_id
    )


def go_on_to(challenge: FaceChallenge, url: str) -> None:
    """Have the user of an open challenge go on to a local URL, dropping a saved form."""
    asked = FaceChallenge.objects.filter(pk=challenge.pk, state=State.OPEN)
    asked.update(next_url=url, resume_url="", saved_form_data=None)


def approve_by_other_method(
    challenge: FaceChallenge, *, method: str, since: datetime, now: datetime
) -> bool:
    """Grant a challenge by another method of the site; return whether it could be granted."""
    asked = of_client(challenge)
    # As a start does, unless another client is starting it.
    asked.filter(start_locked_at=None).update(**handle_columns(challenge))
    asked = asked.filter(handle=challenge.handle)
    granted = asked.answer(method, since=since, now=now) == 1
    if granted:
        send_on_commit(challenge_granted, sender=FaceChallenge, challenge=asked.get())
    return granted


def note_exemption(
    request: HttpRequest,
    exemption: FaceExemption,
    *,
    action: str,
    snapshot: Snapshot,
    now: datetime,
) -> FaceChallenge:
    """Record the use of an exemption as a consumed challenge; return it."""
    spec = ChallengeSpec(action, timedelta(0), snapshot, reason=f"exemption {exemption.pk}")
    used = FaceChallenge.objects.create(
        **challenge_spec.columns(ensure_principal(request), spec, now),
        state=State.CONSUMED,
        method=EXEMPTION,
        verified_at=now,
        granted_at=now,
        consumed_at=now,
    )
    exemptions.send_change(exemption, "used", used)
    return used


def issue(
    challenge: FaceChallenge, *, verified_at: datetime, is_same_network: bool, now: datetime
) -> bool:
    """Grant an open challenge; `verified_at` is the anchor, which never changes."""
    asked = FaceChallenge.objects.filter(pk=challenge.pk)
    granted = asked.close(
        State.GRANTED,
        reason="approved",
        verified_at=verified_at,
        granted_at=now,
        is_same_network=is_same_network,
    )
    if granted:
        send_on_commit(challenge_granted, sender=FaceChallenge, challenge=asked.get())
    return granted == 1


def consume(challenge: FaceChallenge | Grant, max_age: timedelta, *, now: datetime) -> bool:
    """Use a grant up; return whether this caller was the one that did."""
    return FaceChallenge.objects.filter(pk=challenge.pk).consume(max_age, now=now) == 1


def _comes_from_another_site(request: HttpRequest) -> bool:
    """Return whether a page of another site led here; older browsers send only the referrer."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "cross-site"
    referrer = request.headers.get("Referer", "")[:MAX_URL_LENGTH]
    return referrer != "" and not url_has_allowed_host_and_scheme(
        referrer, allowed_hosts={request.get_host()}
    )


def _make_room(challenge: FaceChallenge) -> None:
    """Expire the oldest challenges of a user that were not started.

    So a client can neither fill the table nor keep its owner from being challenged.
    """
    others = FaceChallenge.objects.filter(user_id=challenge.user_id, state=State.OPEN)
    others = others.exclude(pk=challenge.pk)
    surplus = others.count() - (MOST_OPEN - 1)
    if surplus > 0:
        unstarted = others.filter(started_at=None, start_locked_at=None).order_by(
            "created_at", "pk"
        )
        oldest = list(unstarted.values_list("pk", flat=True)[:surplus])
        FaceChallenge.objects.filter(pk__in=oldest).close(State.EXPIRED, reason="gave_way")
