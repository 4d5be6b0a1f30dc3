"""Telling people that their face opened a gate, or that somebody else's did not (C-05, C-06)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

from django.contrib.auth.base_user import AbstractBaseUser
from django.core import signing
from django.core.mail import mail_admins, send_mail
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext

from django_faceauth.conf import PREFIX, conf
from django_faceauth.exceptions import ConfigurationError
from django_faceauth.models import FaceChallenge, ReviewCase
from django_faceauth.models.challenge import FACE
from django_faceauth.services.presentation import label, lines, moment

logger = logging.getLogger(__name__)


class Warn(StrEnum):
    """What a user is warned of."""

    DECLINED = "declined"
    NETWORK = "network"
    LOCKED = "locked"


SALT: Final = "django_faceauth.report"
#: How long the link of a mail can be used.
LINK_LASTS: Final = timedelta(days=7)


def tell_user(challenge: FaceChallenge) -> None:
    """Mail a user that their face opened a gate, if the site wants that.

    Changes nothing, and raises nothing: a mail that cannot be sent is logged (D-12).
    """
    if conf.NOTICES and challenge.method == FACE:
        _deliver(partial(_mail_user, challenge), f"challenge={challenge.pk}")


def warn_user(user: AbstractBaseUser, what: Warn) -> None:
    """Mail a user that somebody else may be trying, if the site wants that (C-06).

    Says nothing of why (V-12). Changes nothing, and raises nothing (D-12).
    """
    if conf.NOTICES:
        _deliver(lambda: _mail_warning(user, what), f"user={user.pk}")


def tell_operator_of_duress(case: ReviewCase) -> None:
    """Tell those who run the site that somebody may have been forced (TH-06).

    The user is not mailed: whoever forces them may be reading along.
    """
    logger.critical("duress: somebody may have been forced case=%s", case.pk)
    _deliver(partial(_mail_duress, case), f"case={case.pk}")


def tell_operator(challenge: FaceChallenge) -> None:
    """Tell those who run the site that a user says: that was not me."""
    logger.critical("reported: a user says that it was not them challenge=%s", challenge.pk)
    _deliver(partial(_mail_operator, challenge), f"challenge={challenge.pk}")


def facts(challenge: FaceChallenge) -> dict[str, Any]:
    """Return what a mail or a page says of a grant."""
    return {
        "action": label(challenge.action) if challenge.action else "",
        "lines": lines(challenge.snapshot, challenge.snapshot_order),
        "at": moment(challenge.granted_at or challenge.created_at),
    }


def link_to_report(challenge: FaceChallenge) -> str:
    """Return the address at which the user can say: that was not me.

    Good for a week, for whoever has it. Raises `ConfigurationError` without
    `FACEAUTH_SITE_URL`: a worker has no request that would know the address of the site.
    """
    if not conf.SITE_URL:
        raise ConfigurationError(f"{PREFIX}SITE_URL is not set.")
    token = signing.dumps(challenge.pk, salt=SALT)
    return conf.SITE_URL + reverse("faceauth:report", args=[token])


def challenge_of(token: str) -> FaceChallenge | None:
    """Return the challenge that a link was made for; None if it is not ours, or too old."""
    try:
        pk = signing.loads(token, salt=SALT, max_age=LINK_LASTS)
    except signing.BadSignature:
        return None
    return FaceChallenge.objects.filter(pk=pk).first()


def _deliver(send: Callable[[], None], about: str) -> None:
    try:
        send()
    except Exception as error:  # a mail server fails in many ways, and tells the address
        logger.error("mail not sent: %s %s", type(error).__name__, about)


def _mail_user(challenge: FaceChallenge) -> None:
    if address := _address_of(challenge.user):
        _mail("notice", address, {**facts(challenge), "link": link_to_report(challenge)})


def _mail_warning(user: AbstractBaseUser, what: Warn) -> None:
    if address := _address_of(user):
        _mail("warning", address, {"what": what.value})


def _mail(name: str, address: str, context: dict[str, Any]) -> None:
    context["site"] = urlsplit(conf.SITE_URL).netloc
    subject = render_to_string(f"faceauth/{name}_subject.txt", context)
    body = render_to_string(f"faceauth/{name}.txt", context)
    send_mail(" ".join(subject.split()), body.strip() + "\n", None, [address])


def _mail_duress(case: ReviewCase) -> None:
    mail_admins(
        gettext("A person may have been forced to show their face"),
        gettext(
            "The provider saw signs of it in authentication %(authentication)s of user %(user)s, "
            "and declined. Please look at case %(case)s in the review queue, and think of the "
            "person first: do not write to them about it."
        )
        % {
            "authentication": case.authentication_id,
            "user": case.authentication.user_id,
            "case": case.pk,
        },
    )


def _mail_operator(challenge: FaceChallenge) -> None:
    mail_admins(
        gettext("A user says that a face check was not theirs"),
        gettext(
            "User %(user)s reported challenge %(challenge)s, for “%(action)s”, at state "
            "“%(state)s”. Everything of theirs was ended, and face checks are locked for a day. "
            "Please find out what happened."
        )
        % {
            "user": challenge.user_id,
            "challenge": challenge.pk,
            "action": challenge.action,
            "state": challenge.get_state_display(),
        },
    )


def _address_of(user: AbstractBaseUser) -> str:
    return getattr(user, user.get_email_field_name(), "") or ""
