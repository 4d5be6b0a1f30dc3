"""Exempt users from gates, each by a row with a reason."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser

from django_faceauth import clocks
from django_faceauth.models import FaceChallenge, FaceExemption
from django_faceauth.models.exemption import EVERY_ACTION
from django_faceauth.services.dispatch import send_on_commit
from django_faceauth.signals import exemption_changed

__all__ = ["exempt", "revoke", "revoke_all"]

logger = logging.getLogger(__name__)


def exempt(
    user: AbstractBaseUser,
    *,
    action: str,
    reason: str,
    author: AbstractBaseUser,
    expires_at: datetime,
    now: datetime,
) -> FaceExemption:
    """Let a user pass the gates of `action` (`"*"` for all) without a face until `expires_at`.

    Raises `ValueError` without a reason, for an end in the past or after the year 2099, and
    if author and user are the same.
    """
    if not reason.strip():
        raise ValueError("an exemption needs a reason")
    if expires_at <= now:
        raise ValueError("an exemption must end in the future")
    if expires_at >= clocks.LATEST:
        raise ValueError(f"an exemption must end before {clocks.LATEST:%Y}")
    if author.pk == user.pk:
        raise ValueError("staff cannot exempt themselves")
    row = FaceExemption.objects.create(
        user_id=user.pk,
        action=action,
        reason=reason,
        author_id=author.pk,
        created_at=now,
        expires_at=expires_at,
    )
    send_change(row, "granted")
    return row


def revoke(exemption: FaceExemption, *, now: datetime) -> bool:
    """End an exemption; return whether it was in force."""
    standing = FaceExemption.objects.filter(pk=exemption.pk, revoked_at=None)
    revoked = standing.update(revoked_at=now) == 1
    if revoked:
        send_change(exemption, "revoked")
    return revoked


def revoke_all(user_id: Any, *, now: datetime) -> int:
    """End all exemptions of a user; return how many were in force."""
    rows = FaceExemption.objects.standing(user_id=user_id, now=now)
    return sum(revoke(row, now=now) for row in rows)


def standing(user: AbstractBaseUser, *, action: str, now: datetime) -> FaceExemption | None:
    """Return the exemption in force for a user and an action, or None."""
    # Compared here, since some databases take "Payout" for "payout".
    rows = FaceExemption.objects.standing(user_id=user.pk, now=now).order_by("-expires_at")
    for row in rows:
        if row.action not in {action, EVERY_ACTION}:
            continue
        if not clocks.is_ahead(row.created_at, now=now):
            return row
        logger.warning("refused, made in the future: exemption=%s", row.pk)
    return None


def send_change(
    exemption: FaceExemption, change: str, challenge: FaceChallenge | None = None
) -> None:
    """Send the signal of a change of an exemption, after commit."""
    facts = {"exemption": exemption, "change": change, "challenge": challenge}
    send_on_commit(exemption_changed, sender=FaceExemption, **facts)
