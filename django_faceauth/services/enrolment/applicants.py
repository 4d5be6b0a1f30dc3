"""The applicants of users at the provider."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError
from django.utils import timezone

from django_faceauth.conf import OFFER, conf
from django_faceauth.exceptions import NotEnrolled
from django_faceauth.identifiers import Prefix, is_id
from django_faceauth.models import Applicant, IdentityVerification, Lockout, database
from django_faceauth.provider.factory import get_client
from django_faceauth.services.dispatch import send_on_commit
from django_faceauth.services.grants import revocation
from django_faceauth.services.sync import provider_rate_limit
from django_faceauth.signals import enrolment_changed
from django_faceauth.statuses import AuthenticationStatus

if TYPE_CHECKING:
    from django_faceauth.provider.resources import AuthenticationSnapshot

__all__ = ["applicant_of", "is_enrolled", "link"]

logger = logging.getLogger(__name__)

Outcome = IdentityVerification.Outcome

#: How an identity verification ends after a negative result.
ENDS: Final[Mapping[str, IdentityVerification.Outcome]] = {
    AuthenticationStatus.DECLINED: Outcome.FAILED,
    AuthenticationStatus.INCONCLUSIVE: Outcome.FAILED,
    AuthenticationStatus.REFUSED: Outcome.REFUSED,
}


def applicant_of(user: AbstractBaseUser) -> Applicant:
    """Return the applicant of an active user; raise `NotEnrolled` if there is none to use yet."""
    if not user.is_active:
        raise NotEnrolled("the user is not active")
    usable = Applicant.objects.usable(now=timezone.now())
    applicant = usable.filter(user_id=user.pk).first()
    if applicant is None:
        raise NotEnrolled("the user has no applicant, or one in its cool-off")
    return applicant


def is_enrolled(user: AbstractBaseUser) -> bool:
    """Tell whether `applicant_of` would return an applicant."""
    usable = Applicant.objects.usable(now=timezone.now())
    return user.is_active and usable.filter(user_id=user.pk).exists()


def link(user: AbstractBaseUser, applicant_id: str, *, check: bool = True) -> Applicant:
    """Link a user to their applicant at the provider.

    Asks the provider first whether it knows the applicant in the environment of the settings,
    unless `check` is False. The face counts at once. Linking to another applicant revokes what
    the user was granted as the former one, in the same transaction; the gate also compares both
    at every request, for rows that were changed in another way.

    Raises `ValueError` for an id of the wrong shape, `NotFound` if the provider does not know
    it, another `ProviderError` or `ConfigurationError` if it cannot be asked, and
    `IntegrityError` if another user has that applicant.
    """
    if not is_id(applicant_id, Prefix.APPLICANT):
        raise ValueError("not an identifier that starts with aplt_")
    now = timezone.now()
    if check:
        require_known(applicant_id, now=now)
    return _link(user, applicant_id, now, None)


def require_known(applicant_id: str, *, now: datetime) -> None:
    """Raise `NotFound` if the provider does not know an applicant, or another error of a call."""
    provider_rate_limit.record(now=now)
    with provider_rate_limit.honour_retry_after(now=now):
        get_client().get_applicant(applicant_id)


@database.repeated
def _link(
    user: AbstractBaseUser, applicant_id: str, now: datetime, usable_from: datetime | None
) -> Applicant:
    with database.atomic():
        former = Applicant.objects.select_for_update().filter(user_id=user.pk).first()
        if former is not None and former.applicant_id != applicant_id:
            revocation.end_all(user.pk, reason="relinked", now=now)
        applicant, _created = Applicant.objects.update_or_create(
            user_id=user.pk, defaults={"applicant_id": applicant_id, "usable_from": usable_from}
        )
    return applicant


def unlink(verification: IdentityVerification, *, reason: str, now: datetime) -> bool:
    """Remove the link that an identity verification made, and end all grants; tell if it stood."""
    linked = Applicant.objects.filter(user_id=verification.user_id)
    if not linked.filter(applicant_id=verification.applicant_id).delete()[0]:
        return False
    revocation.end_all(verification.user_id, reason=reason, now=now)
    return True


def settle(
    verification: IdentityVerification, snapshot: AuthenticationSnapshot | None, *, now: datetime
) -> None:
    """Link or unlink the user of an identity verification by its status, and set its outcome.

    `snapshot` is the provider's last answer, if there was one. The caller has locked the row
    and saves it, in the same transaction.
    """
    is_approved = (
        verification.status == AuthenticationStatus.APPROVED and verification.erased_at is None
    )
    outcome = Outcome(verification.outcome)
    is_told = outcome is Outcome.OPEN
    if outcome is Outcome.LINKED and not is_approved:
        stood = unlink(verification, reason="enrolment_revoked", now=now)
        is_told = stood and snapshot is not None  # an erasure is the user's own wish
        outcome = Outcome.REVOKED
    elif outcome is Outcome.OPEN and verification.erased_at is not None:
        outcome = Outcome.FAILED
    elif outcome is Outcome.OPEN and is_approved:
        if snapshot is not None and snapshot.status == verification.status:
            outcome = _outcome_of_approval(verification, snapshot, now)
    elif outcome is Outcome.OPEN:
        outcome = ENDS.get(verification.status, outcome)
    if outcome == verification.outcome:
        return
    verification.outcome, verification.ended_at = outcome, now
    logger.info("enrolment %s verification=%s", outcome.value, verification.pk)
    if is_told and outcome in {Outcome.LINKED, Outcome.REVOKED, Outcome.CONFLICT}:
        send_change(verification, outcome.value)


def send_change(verification: IdentityVerification, change: str) -> None:
    """Send the signal of a change of the enrolment of a user, after commit."""
    send_on_commit(
        enrolment_changed,
        sender=IdentityVerification,
        user=verification.user,
        verification=verification,
        change=change,
    )


def _outcome_of_approval(
    verification: IdentityVerification, snapshot: AuthenticationSnapshot, now: datetime
) -> IdentityVerification.Outcome:
    """Link the user to the applicant, unless the approval is not for what holds today."""
    user: Any = verification.user
    reported = Lockout.objects.in_force(user_id=user.pk, now=now).reported()
    journeys = {snapshot.user_journey_id, verification.user_journey_id, conf.ENROLMENT_JOURNEY_ID}
    facts = {
        "applicant": snapshot.applicant_id == verification.applicant_id,
        "journey": len(journeys) == 1,
        "environment": verification.environment == conf.ENVIRONMENT,
        "offer": conf.ENROLMENT == OFFER,
        "start": verification.started_at is not None,
        "user": user.is_active and not reported.exists(),
    }
    wrong = [name for name, holds in facts.items() if not holds]
    if wrong:
        logger.error("enrolment refused: %s verification=%s", ", ".join(wrong), verification.pk)
        return Outcome.FAILED
    current = Applicant.objects.select_for_update().filter(user_id=user.pk).first()
    held = current.applicant_id if current else ""
    others = Applicant.objects.exclude(user_id=user.pk)
    taken = others.filter(applicant_id=verification.applicant_id).exists()
    if taken or held not in {verification.replaces, verification.applicant_id}:
        logger.error("enrolment in conflict verification=%s", verification.pk)
        return Outcome.CONFLICT
    cool_off = conf.ENROLMENT_COOL_OFF
    try:
        _link(user, verification.applicant_id, now, now + cool_off if cool_off else None)
    except IntegrityError:  # linked to another user at this moment
        logger.error("enrolment in conflict verification=%s", verification.pk)
        return Outcome.CONFLICT
    return Outcome.LINKED
