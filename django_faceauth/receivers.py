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
from django.db import DatabaseError
from django.db.models import Model
from django.db.models.signals import class_prepared, post_save, pre_delete
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from django_faceauth.models import Erasure, FaceChallenge, Lockout, ReviewCase, database
from django_faceauth.services import notifications
from django_faceauth.services.grants import identity, revocation
from django_faceauth.services.notifications import WarningKind
from django_faceauth.services.privacy import erasure
from django_faceauth.signals import case_raised, challenge_granted, locked_out, reported

logger = logging.getLogger(__name__)


@receiver(user_logged_in)
def on_login(request: HttpRequest | None = None, **_kwargs: Any) -> None:
    """Prepare the session; some log-ins, of tests and tools, have none."""
    if request is not None and hasattr(request, "session"):
        identity.prepare(request)


@receiver(user_logged_out)
def on_logout(
    request: HttpRequest | None = None, user: AbstractBaseUser | None = None, **_kwargs: Any
) -> None:
    """End what was asked in the session that is about to end."""
    if request is None or user is None or not hasattr(request, "session"):
        return
    try:
        with database.atomic():
            revocation.end_session(request, now=timezone.now())
    except DatabaseError as error:
        # Its grants are worth nothing without the session: nobody must be kept from leaving.
        logger.error("rows not ended at log-out: %s", type(error).__name__)


def on_save_of_user(instance: AbstractBaseUser, created: bool = False, **_kwargs: Any) -> None:
    """End what was granted to somebody who may not log in any more, or has a new password."""
    reason = _reason_to_end(instance)
    if created or not reason:
        return
    # A child of the user model may have a key of its own.
    user_id = getattr(instance, get_user_model()._meta.pk.attname)
    with database.atomic():
        revocation.end_all(user_id, reason=reason, now=timezone.now())


def on_deletion_of_user(instance: AbstractBaseUser, **_kwargs: Any) -> None:
    """Have the provider forget somebody whose account is about to go, in one transaction (V-07)."""
    if instance._meta.concrete_model is not get_user_model()._meta.concrete_model:
        return  # of a child; if the account goes with it, Django tells of that too
    if erasure.is_needed(instance):
        erasure.request(instance, reason=Erasure.Reason.ACCOUNT, by=None, now=timezone.now())


@receiver(class_prepared)
def on_model(sender: type[Model], **_kwargs: Any) -> None:
    """Listen to the user model, its proxies and its children.

    Django sends what is saved or deleted as one of them under the name of that.
    """
    if issubclass(sender, get_user_model()):
        post_save.connect(on_save_of_user, sender=sender)
        pre_delete.connect(on_deletion_of_user, sender=sender)


for _model in apps.get_models():
    on_model(_model)


@receiver(challenge_granted, sender=FaceChallenge)
def on_grant(challenge: FaceChallenge, **_kwargs: Any) -> None:
    """Tell the user that their face opened a gate."""
    notifications.tell_user(challenge)


@receiver(case_raised, sender=ReviewCase)
def on_case(case: ReviewCase, reasons: Sequence[str], **_kwargs: Any) -> None:
    """Warn the user of what looks like somebody else; tell the operator of signs of duress."""
    if ReviewCase.Reason.DURESS in reasons:
        notifications.tell_operator_of_duress(case)
    elif ReviewCase.Reason.FRAUD in reasons:
        notifications.warn_user(case.authentication.user, WarningKind.DECLINED)
    elif ReviewCase.Reason.NETWORK in reasons:
        notifications.warn_user(case.authentication.user, WarningKind.NETWORK)


@receiver(locked_out, sender=Lockout)
def on_lockout(user: AbstractBaseUser, reason: str, **_kwargs: Any) -> None:
    """Warn the user that face checks are locked, unless it was they who asked for it."""
    if reason != Lockout.Reason.REPORTED:
        notifications.warn_user(user, WarningKind.LOCKED)


@receiver(reported, sender=FaceChallenge)
def on_report(challenge: FaceChallenge, **_kwargs: Any) -> None:
    """Tell the operator that a user says: that was not me."""
    notifications.tell_operator(challenge)


def _reason_to_end(user: AbstractBaseUser) -> str:
    if not user.is_active:
        return "deactivated"
    # Django keeps the new password here from set_password() until the user is saved; it
    # empties it when it only hashes the same password anew.
    return "password" if getattr(user, "_password", None) is not None else ""
