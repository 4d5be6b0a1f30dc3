"""What we do when Django says that something happened.

The gate depends on none of it: it compares the session, the password, the user and the
applicant at every request. Here the rows learn of it too, for whoever reads them.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db import DatabaseError, transaction
from django.db.models.signals import post_save, pre_delete
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from django_faceauth.models import Erasure, FaceChallenge, Lockout, ReviewCase
from django_faceauth.services import alerts, erasure, grants, revocation
from django_faceauth.services.alerts import Warn
from django_faceauth.signals import case_raised, challenge_granted, locked_out, reported

logger = logging.getLogger(__name__)


@receiver(user_logged_in)
def on_login(request: HttpRequest | None = None, **_kwargs: Any) -> None:
    """Prepare the session; some log-ins, of tests and tools, have none."""
    if request is not None and hasattr(request, "session"):
        grants.prepare(request)


@receiver(user_logged_out)
def on_logout(
    request: HttpRequest | None = None, user: AbstractBaseUser | None = None, **_kwargs: Any
) -> None:
    """End what was asked in the session that is about to end."""
    if request is None or user is None or not hasattr(request, "session"):
        return
    try:
        with transaction.atomic():
            revocation.end_session(request, now=timezone.now())
    except DatabaseError as error:
        # Its grants are worth nothing without the session: nobody must be kept from leaving.
        logger.error("rows not ended at log-out: %s", type(error).__name__)


@receiver(post_save, sender=get_user_model())
def on_save_of_user(instance: AbstractBaseUser, created: bool = False, **_kwargs: Any) -> None:
    """End what was granted to somebody who may not log in any more, or has a new password."""
    reason = _reason_to_end(instance)
    if created or not reason:
        return
    with transaction.atomic():
        revocation.end_all(instance.pk, reason=reason, now=timezone.now())


def on_deletion_of_user(instance: AbstractBaseUser, **_kwargs: Any) -> None:
    """Have the provider forget somebody whose account is about to go, in one transaction (V-07)."""
    if erasure.is_needed(instance):
        erasure.request(instance, reason=Erasure.Reason.ACCOUNT, by=None, now=timezone.now())


# Django sends what is deleted as a proxy or a child of the user model under that model's name.
for _model in apps.get_models():
    if issubclass(_model, get_user_model()):
        pre_delete.connect(on_deletion_of_user, sender=_model)


@receiver(challenge_granted, sender=FaceChallenge)
def on_grant(challenge: FaceChallenge, **_kwargs: Any) -> None:
    """Tell the user that their face opened a gate."""
    alerts.tell_user(challenge)


@receiver(case_raised, sender=ReviewCase)
def on_case(case: ReviewCase, reasons: Sequence[str], **_kwargs: Any) -> None:
    """Warn the user of what looks like somebody else; tell the operator of signs of duress."""
    if ReviewCase.Reason.DURESS in reasons:
        alerts.tell_operator_of_duress(case)
    elif ReviewCase.Reason.FRAUD in reasons:
        alerts.warn_user(case.authentication.user, Warn.DECLINED)
    elif ReviewCase.Reason.NETWORK in reasons:
        alerts.warn_user(case.authentication.user, Warn.NETWORK)


@receiver(locked_out, sender=Lockout)
def on_lockout(user: AbstractBaseUser, reason: str, **_kwargs: Any) -> None:
    """Warn the user that face checks are locked, unless it was they who asked for it."""
    if reason != Lockout.Reason.REPORTED:
        alerts.warn_user(user, Warn.LOCKED)


@receiver(reported, sender=FaceChallenge)
def on_report(challenge: FaceChallenge, **_kwargs: Any) -> None:
    """Tell the operator that a user says: that was not me."""
    alerts.tell_operator(challenge)


def _reason_to_end(user: AbstractBaseUser) -> str:
    if not user.is_active:
        return "deactivated"
    # Django keeps the new password here from set_password() until the user is saved; it
    # empties it when it only hashes the same password anew.
    return "password" if getattr(user, "_password", None) is not None else ""
