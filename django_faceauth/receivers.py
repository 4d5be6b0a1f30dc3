"""Receivers of Django's signals and of our own.

The gate depends on none of it: it compares the session, the password, the user and the
applicant at every request. Here the rows are updated too, for those who read them.
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

from django_faceauth import runner
from django_faceauth.conf import IGNORE, conf
from django_faceauth.models import (
    Erasure,
    FaceChallenge,
    IdentityVerification,
    Lockout,
    ReviewCase,
    database,
)
from django_faceauth.models.challenge import FACE
from django_faceauth.services import notifications
from django_faceauth.services.grants import identity, revocation
from django_faceauth.services.notifications import WarningKind
from django_faceauth.services.privacy import erasure
from django_faceauth.signals import case_raised, challenge_granted, enrolment_changed, locked_out

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
    """End the challenges of the session that is about to end."""
    if request is None or user is None or not hasattr(request, "session"):
        return
    try:
        with database.atomic():
            revocation.end_session(request, now=timezone.now())
    except DatabaseError as error:
        # Its grants are worth nothing without the session, and logging out must work.
        logger.error("rows not ended at log-out: %s", type(error).__name__)


def on_save_of_user(instance: AbstractBaseUser, created: bool = False, **_kwargs: Any) -> None:
    """End the grants of a user who was deactivated or has a new password."""
    # Django keeps the new password here from set_password() until the user is saved; it
    # empties it when it only hashes the same password again.
    has_new_password = getattr(instance, "_password", None) is not None
    if created or (instance.is_active and not has_new_password):
        return
    reason = "password" if instance.is_active else "deactivated"
    # A child of the user model may have a key of its own.
    user_id = getattr(instance, get_user_model()._meta.pk.attname)
    with database.atomic():
        revocation.end_all(user_id, reason=reason, now=timezone.now())


def on_deletion_of_user(instance: AbstractBaseUser, **_kwargs: Any) -> None:
    """Request the erasure of a user at the provider, in the transaction of the deletion."""
    if instance._meta.concrete_model is not get_user_model()._meta.concrete_model:
        return  # of a child; if the account goes with it, Django sends a signal for that too
    if erasure.is_needed(instance):
        erasure.request(instance, reason=Erasure.Reason.ACCOUNT, by=None, now=timezone.now())


@receiver(class_prepared)
def on_model(sender: type[Model], **_kwargs: Any) -> None:
    """Connect to the user model, its proxies and its children.

    Django sends what is saved or deleted as one of them under the name of that.
    """
    if issubclass(sender, get_user_model()):
        post_save.connect(on_save_of_user, sender=sender)
        pre_delete.connect(on_deletion_of_user, sender=sender)


for _model in apps.get_models():
    on_model(_model)


@receiver(challenge_granted, sender=FaceChallenge)
def on_grant(challenge: FaceChallenge, **_kwargs: Any) -> None:
    """Mail the user that a face, or a second way, opened a gate, if the site wants that.

    A face from another network may be a relay, of which the user is told in any case.
    """
    is_wanted = conf.NOTICES or (challenge.is_flagged and conf.SITE_URL)
    if is_wanted and challenge.method in {FACE, *conf.SECOND_WAYS}:
        _mail("notice", challenge.pk)


@receiver(case_raised, sender=ReviewCase)
def on_case(case: ReviewCase, reasons: Sequence[str], **_kwargs: Any) -> None:
    """Warn the user that another person may be trying; tell operators of signs of duress."""
    user_id = case.authentication.user_id
    if ReviewCase.Reason.DURESS in reasons:
        # The user is not mailed: a person who forces them may be reading along.
        logger.critical("duress: a user may have been forced case=%s", case.pk)
        _mail("duress", case.pk)
    elif ReviewCase.Reason.FRAUD in reasons:
        _warn(user_id, WarningKind.DECLINED)
    elif ReviewCase.Reason.RELAY in reasons:
        if not case.authentication.challenge.is_flagged:  # whose notice says so
            _warn(user_id, WarningKind.RELAY)
    elif ReviewCase.Reason.NETWORK in reasons and not _may_be_relay(case):
        _warn(user_id, WarningKind.NETWORK)


def _may_be_relay(case: ReviewCase) -> bool:
    """Return whether the user gets a mail about the same approval that says more."""
    challenge = getattr(case.authentication, "challenge", None)
    if challenge is None or not challenge.is_open or challenge.network_policy == IGNORE:
        return False
    newest = case.authentication.attempts.first()
    return newest is not None and newest.network != challenge.network


@receiver(locked_out, sender=Lockout)
def on_lockout(
    user: AbstractBaseUser, reason: str, challenge: FaceChallenge | None, **_kwargs: Any
) -> None:
    """Warn the user that face checks are locked; tell operators if it was the user's report."""
    if challenge is not None:
        logger.critical("reported: the user says that it was not them challenge=%s", challenge.pk)
        _mail("reported", challenge.pk)
    elif reason != Lockout.Reason.REPORTED:
        _warn(user.pk, WarningKind.LOCKED)


@receiver(enrolment_changed, sender=IdentityVerification)
def on_enrolment(verification: IdentityVerification, change: str, **_kwargs: Any) -> None:
    """Tell the user of every enrolment, whatever `FACEAUTH_NOTICES` says, and staff of trouble.

    The mail is what makes an enrolment by a thief known to the owner of the account.
    """
    if change == IdentityVerification.Outcome.LINKED:
        _mail("enrolled", verification.pk)
    elif change == IdentityVerification.Outcome.REVOKED:
        _mail(WarningKind.UNENROLLED.value, verification.user_id)
    else:
        logger.critical("enrolment %s verification=%s", change, verification.pk)
        _mail("enrolment_trouble", verification.pk)


def _warn(user_id: Any, kind: WarningKind) -> None:
    if conf.NOTICES:
        _mail(kind.value, user_id)


def _mail(name: str, pk: Any) -> None:
    """Have a worker send a mail where there is one; otherwise send it here."""
    try:
        if tasks := runner.tasks():
            tasks.hand_over(tasks.send_mail, name, pk if isinstance(pk, int) else str(pk))
            return
    except Exception as error:  # each broker fails in its own way
        logger.warning("mail not handed over: %s", type(error).__name__)
    notifications.send(name, pk)
