"""Mails to users and operators."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from enum import StrEnum
from functools import partial
from threading import Thread
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core import mail, signing
from django.core.mail import EmailMessage
from django.db import connections
from django.template.loader import render_to_string
from django.urls import get_script_prefix, reverse
from django.utils.translation import gettext

from django_faceauth.conf import PREFIX, conf
from django_faceauth.exceptions import ConfigurationError
from django_faceauth.messages import WAYS
from django_faceauth.models import (
    Applicant,
    FaceChallenge,
    FaceExemption,
    IdentityVerification,
    ReviewCase,
)
from django_faceauth.models.challenge import NOT_ME
from django_faceauth.services.grants.formatting import label, lines, moment

logger = logging.getLogger(__name__)

#: Seconds that a mail server may take for a step, unless the site has set EMAIL_TIMEOUT.
MAIL_TIMEOUT: Final = 5
#: Seconds that a request waits for a mail. It is sent all the same.
WAIT: Final = 1

#: What a user can report by the link of a mail.
Subject = FaceChallenge | IdentityVerification
SALTS: Final[Mapping[type[Subject], str]] = {
    FaceChallenge: "django_faceauth.report",
    IdentityVerification: "django_faceauth.report_enrolment",
}
#: How long the link of a mail can be used.
LINK_LASTS: Final = timedelta(days=7)


class WarningKind(StrEnum):
    """The reason of a warning to a user, which the mail does not tell."""

    DECLINED = "declined"
    NETWORK = "network"
    RELAY = "relay"
    LOCKED = "locked"
    UNENROLLED = "unenrolled"


def send(name: str, pk: Any) -> None:
    """Send the mail of that name about the row with that primary key.

    Raises nothing and waits a second at most: a mail that cannot be sent is logged.
    """
    try:
        message = _MAILS[name](pk)
    except Exception as error:  # templates and settings are the site's
        logger.error("mail not sent: %s %s=%s", type(error).__name__, name, pk)
        return
    if message is None or not message.recipients():
        return
    # In a thread: a server that sends a byte now and then would hold a request for ever.
    thread = Thread(target=_send, args=(message, f"{name}={pk}"), name="faceauth-mail")
    thread.start()
    thread.join(WAIT)


def facts(subject: Subject) -> dict[str, Any]:
    """Return the template context for a grant or an enrolment."""
    if isinstance(subject, IdentityVerification):
        applicant = Applicant.objects.filter(user_id=subject.user_id).first()
        usable_from = applicant.usable_from if applicant else None
        return {
            "verification": subject,
            "at": moment(subject.ended_at or subject.created_at),
            "usable_from": usable_from and moment(usable_from),
        }
    return {
        "action": label(subject.action) if subject.action else "",
        "lines": lines(subject.snapshot, subject.snapshot_order),
        "at": moment(subject.granted_at or subject.created_at),
    }


def link_to_report(subject: Subject) -> str:
    """Return the URL at which the user can report that it was not them.

    Good for a week, for anyone who has it. Raises `ConfigurationError`.
    """
    token = signing.dumps(subject.pk, salt=SALTS[type(subject)])
    return absolute_url(reverse("faceauth:report", args=[token]))


def absolute_url(path: str) -> str:
    """Return the URL of a path of the site.

    Raises `ConfigurationError` without `FACEAUTH_SITE_URL`: a worker has no request that would
    know the URL of the site.
    """
    if not conf.SITE_URL:
        raise ConfigurationError(f"{PREFIX}SITE_URL is not set.")
    # A site below a path has it in FACEAUTH_SITE_URL, and maybe in `path` too: a request knows
    # the prefix under which it came, and a worker does not.
    below, prefix = urlsplit(conf.SITE_URL).path, get_script_prefix().rstrip("/")
    if below and not prefix and path.startswith(f"{below}/"):
        return conf.SITE_URL + path.removeprefix(below)
    return conf.SITE_URL + (path.removeprefix(prefix) if below else path)


def subject_of(token: str) -> Subject | None:
    """Return the challenge or enrolment of a link; None if it is not ours, or too old."""
    for model, salt in SALTS.items():
        with suppress(signing.BadSignature):
            pk = signing.loads(token, salt=salt, max_age=LINK_LASTS)
            return model._base_manager.filter(pk=pk).first()
    return None


def _send(message: EmailMessage, about: str) -> None:
    try:
        # Since Django 6.1 there are mailers, which the site's MAILERS setting names.
        mailers = getattr(mail, "mailers", None)
        connection: Any = mailers.default if mailers else mail.get_connection()
        if getattr(connection, "timeout", MAIL_TIMEOUT) is None:
            connection.timeout = MAIL_TIMEOUT
        connection.send_messages([message])
    except Exception as error:  # a mail server fails in many ways, and names the recipient
        logger.error("mail not sent: %s %s", type(error).__name__, about)
    finally:
        connections.close_all()  # of this thread: some back-ends queue in the database


def _notice(pk: Any) -> EmailMessage | None:
    challenge = FaceChallenge.objects.select_related("user").get(pk=pk)
    context = {
        **facts(challenge),
        "link": link_to_report(challenge),
        "is_flagged": challenge.is_flagged,
        "method": challenge.method,
        "way": WAYS.get(challenge.method, ""),
    }
    return _to_user("notice", challenge.user, context)


def _enrolled(pk: Any) -> EmailMessage | None:
    verification = IdentityVerification.objects.select_related("user").get(pk=pk)
    context = {**facts(verification), "link": link_to_report(verification)}
    return _to_user("enrolled", verification.user, context)


def _enrolment_trouble(pk: Any) -> EmailMessage | None:
    row = IdentityVerification.objects.get(pk=pk)
    if row.reported_at is not None:
        text = gettext(
            "User %(user)s reported enrolment %(pk)s as not theirs. It was taken back, everything "
            "of theirs was ended, and face checks are locked for a day. Please find out what "
            "happened."
        )
    else:
        text = gettext(
            "Enrolment %(pk)s of user %(user)s was approved, but was not carried out: the user "
            "or the applicant was linked otherwise meanwhile. Please find out what happened."
        )
    body = text % {"user": row.user_id, "pk": row.pk}
    return _to_operators(gettext("An enrolment needs attention"), body)


def _warning(kind: WarningKind, pk: Any) -> EmailMessage | None:
    user = get_user_model()._default_manager.get(pk=pk)
    return _to_user("warning", user, {"what": kind.value})


def _to_user(name: str, user: AbstractBaseUser, context: dict[str, Any]) -> EmailMessage | None:
    address = getattr(user, user.get_email_field_name(), "")
    if not address:
        return None
    context["site"] = urlsplit(conf.SITE_URL).netloc
    subject = render_to_string(f"faceauth/{name}_subject.txt", context)
    body = render_to_string(f"faceauth/{name}.txt", context)
    return EmailMessage(" ".join(subject.split()), body.strip() + "\n", to=[address])


def _to_operators(subject: str, body: str) -> EmailMessage:
    # As `mail_admins`, for a connection of ours.
    admins: list[Any] = settings.ADMINS  # until Django 6.0, pairs of names and addresses
    return EmailMessage(
        settings.EMAIL_SUBJECT_PREFIX + subject,
        body,
        settings.SERVER_EMAIL,
        [admin if isinstance(admin, str) else admin[1] for admin in admins],
    )


def _duress(pk: Any) -> EmailMessage | None:
    case = ReviewCase.objects.select_related("authentication").get(pk=pk)
    return _to_operators(
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


def _report(pk: Any) -> EmailMessage | None:
    challenge = FaceChallenge.objects.get(pk=pk)
    if challenge.reason == NOT_ME:
        text = gettext(
            "On the device that showed the face, challenge %(challenge)s of user %(user)s, for "
            "“%(action)s”, was reported as not theirs. It was ended, at state “%(state)s”, and "
            "face checks are locked for a day; nothing else was ended. Someone else may be "
            "logged in as this user: please find out what happened."
        )
    else:
        text = gettext(
            "User %(user)s reported challenge %(challenge)s, for “%(action)s”, at state "
            "“%(state)s”. Everything of theirs was ended, and face checks are locked for a day. "
            "Please find out what happened."
        )
    body = text % {
        "user": challenge.user_id,
        "challenge": challenge.pk,
        "action": challenge.action,
        "state": challenge.get_state_display(),
    }
    ended = FaceExemption.objects.filter(
        user_id=challenge.user_id, revoked_at=challenge.reported_at
    )
    numbers = ", ".join(str(pk) for pk in ended.order_by("pk").values_list("pk", flat=True))
    if numbers:
        text = gettext("These exemptions of theirs were ended, too: %(exemptions)s.")
        body += "\n\n" + text % {"exemptions": numbers}
    return _to_operators(gettext("A user says that a face check was not theirs"), body)


_MAILS: Final[Mapping[str, Callable[[Any], EmailMessage | None]]] = {
    "notice": _notice,
    "enrolled": _enrolled,
    "enrolment_trouble": _enrolment_trouble,
    **{kind.value: partial(_warning, kind) for kind in WarningKind},
    "duress": _duress,
    "reported": _report,
}
