"""What staff do to one row, and the entry that says so (L-03).

Each returns what became of it, in words for staff. The provider is never called in a
transaction: the entry is written once it has answered, or has not.
"""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from django_faceauth.models import (
    FaceAuthentication,
    FaceChallenge,
    FaceExemption,
    Lockout,
    WebhookEvent,
    database,
)
from django_faceauth.models.authentication import StatusChange
from django_faceauth.services import audit_log
from django_faceauth.services.background import webhook_events
from django_faceauth.services.flow import finish
from django_faceauth.services.grants import exemptions, revocation
from django_faceauth.services.privacy import erasure
from django_faceauth.statuses import LABELS

Told = str | Promise


def sync_now(row: FaceAuthentication, *, by: AbstractBaseUser, now: datetime) -> Told:
    """Ask the provider; raise a `ProviderError` or a `ConfigurationError`."""
    if not row.provider_id:
        return _("The provider has never heard of it.")
    before = row.status
    try:
        pulled = finish.refresh(row, source=StatusChange.Source.ADMIN, now=now)
    finally:
        audit_log.note("synced", by=by, about=row, now=now)
    if pulled is None:
        return _("Somebody is asking just now. Try again in a moment.")
    if pulled.row.status == before:
        return _("Nothing new.")
    return _("Now: %(status)s.") % {"status": LABELS.get(pulled.row.status, pulled.row.status)}


@database.repeated
def revoke_grants(row: FaceAuthentication, *, by: AbstractBaseUser, now: datetime) -> Told:
    """Take back what was granted on an authentication, at once (G-11)."""
    with database.atomic():
        granted = FaceChallenge.objects.filter(authentication_id=row.pk).granted_once()
        used = granted.filter(state=FaceChallenge.State.CONSUMED).count()
        revoked = revocation.revoke(row, reason="staff", now=now)
        audit_log.note("revoked", by=by, about=row, now=now, grants=revoked, used=used)
    if revoked:
        return ngettext("%d grant taken back.", "%d grants taken back.", revoked) % revoked
    return _("It was used already; noted.") if used else _("There was nothing to take back.")


def anonymize(row: FaceAuthentication, *, by: AbstractBaseUser, now: datetime) -> Told:
    """Have the provider forget it; raise a `ProviderError` or a `ConfigurationError`."""
    if row.erased_at is not None:
        return _("It was forgotten already.")
    if not row.provider_id:
        return _("The provider has never heard of it.")
    erasure.anonymize(row, now=now)
    audit_log.note("anonymized", by=by, about=row, now=now)
    return _("Forgotten at the provider. What it had opened is closed.")


def reprocess(event: WebhookEvent, *, by: AbstractBaseUser, now: datetime) -> Told:
    """Act upon an event once more; raise a `ConfigurationError`."""
    if not event.provider_id:
        return _("It names nothing that could be asked for.")
    webhook_events.reopen(event, now=now)
    webhook_events.process(event.pk, now=now)
    audit_log.note("reprocessed", by=by, about=event, now=now)
    event.refresh_from_db()
    return _("Now: %(state)s.") % {"state": event.get_state_display()}


@database.repeated
def exempt(
    user: AbstractBaseUser,
    *,
    action: str,
    reason: str,
    author: AbstractBaseUser,
    expires_at: datetime,
    now: datetime,
) -> FaceExemption:
    """Exempt somebody; raise what `exemptions.exempt` raises."""
    with database.atomic():
        row = exemptions.exempt(
            user, action=action, reason=reason, author=author, expires_at=expires_at, now=now
        )
        audit_log.note("exempted", by=author, about=row, now=now, action=action)
    return row


@database.repeated
def end_exemption(row: FaceExemption, *, by: AbstractBaseUser, now: datetime) -> Told:
    """End an exemption before its time."""
    with database.atomic():
        stood = exemptions.revoke(row, now=now)
        audit_log.note("exemption_ended", by=by, about=row, now=now)
    return _("Ended.") if stood else _("It had ended already.")


@database.repeated
def lift(lockout: Lockout, *, by: AbstractBaseUser, now: datetime) -> Told:
    """End a lock-out before its time."""
    with database.atomic():
        in_force = Lockout.objects.in_force(user_id=lockout.user_id, now=now)
        lifted = in_force.filter(pk=lockout.pk).update(lifted_at=now)
        audit_log.note("lockout_lifted", by=by, about=lockout, now=now)
    return _("They can try again.") if lifted else _("It had ended already.")
