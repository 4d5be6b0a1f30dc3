"""Record and withdraw consent to face checks."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from html import unescape

from django.contrib.auth.base_user import AbstractBaseUser
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.html import strip_tags
from django.utils.safestring import SafeString

from django_faceauth.conf import OFFER, conf
from django_faceauth.exceptions import ConsentRequired
from django_faceauth.models import Consent, Erasure, database
from django_faceauth.services import limits
from django_faceauth.services.dispatch import send_on_commit
from django_faceauth.services.grants import revocation
from django_faceauth.services.privacy import erasure
from django_faceauth.signals import consent_withdrawn


@dataclass(frozen=True)
class ConsentText:
    """The text that users agree to, in one language."""

    version: str
    language: str

    @cached_property
    def html(self) -> SafeString:
        """The text as pages show it."""
        context = {
            "version": self.version,
            "has_fallback": bool(conf.FALLBACK or conf.SECOND_WAYS),
            "enrols": conf.ENROLMENT == OFFER,
            "erases_applicant": conf.ERASE_APPLICANT,
        }
        with translation.override(self.language or None):
            # Sites override this template with their own text.
            return render_to_string("faceauth/consent.html", context)

    @property
    def text(self) -> str:
        """The plain text: one line for each line of the template that has text."""
        lines = unescape(strip_tags(self.html)).splitlines()
        return "\n".join(filter(None, (" ".join(line.split()) for line in lines)))

    @property
    def digest(self) -> str:
        """The SHA-256 of the text, independent of its markup and white space."""
        return hashlib.sha256(" ".join(self.text.split()).encode()).hexdigest()


def current_text() -> ConsentText:
    """Return the current text, in the active language."""
    return ConsentText(conf.CONSENT_VERSION, translation.get_language() or "")


def is_needed(user: AbstractBaseUser) -> bool:
    """Tell whether a user still has to agree to the current text."""
    version = conf.CONSENT_VERSION
    if not version:
        return False
    standing = Consent.objects.filter(user_id=user.pk, withdrawn_at=None)
    # Compared here: to some databases "2026-a" and "2026-A" are one.
    return version not in standing.values_list("version", flat=True)


def required_text(user: AbstractBaseUser) -> ConsentText | None:
    """Return the text that a user still has to agree to, if any."""
    return current_text() if is_needed(user) else None


def latest(user: AbstractBaseUser) -> Consent | None:
    """Return the newest consent of a user that stands, else the newest withdrawn one."""
    consents = Consent.objects.filter(user_id=user.pk).order_by("pk")
    return consents.filter(withdrawn_at=None).last() or consents.last()


def require(user: AbstractBaseUser, *, version: str = "", now: datetime) -> None:
    """Record the consent to `version` if one is needed; raise `ConsentRequired` without it."""
    if is_needed(user):
        give(user, version=version, language=current_text().language, now=now)


@database.repeated
def give(user: AbstractBaseUser, *, version: str, language: str, now: datetime) -> None:
    """Record that a user agrees to the text of `version`, as shown in `language`.

    Once for each version. Raises `ConsentRequired` for any version but the current one.
    """
    if not version or version != conf.CONSENT_VERSION:
        raise ConsentRequired(conf.CONSENT_VERSION)
    digest = ConsentText(version, language).digest
    with database.atomic():
        limits.hold(user.pk)  # so that a double click is one consent
        if is_needed(user):
            Consent.objects.create(
                user_id=user.pk,
                who=str(user.pk),
                version=version,
                text_digest=digest,
                language=language,
                given_at=now,
            )


@database.repeated
def withdraw(user: AbstractBaseUser, *, now: datetime) -> bool:
    """Withdraw all consents of a user; tell whether there were any.

    Ends open challenges and grants, and has the provider anonymize what it holds.
    """
    with database.atomic():
        # The UPDATE comes first: of two at once, one finds something to withdraw.
        if not Consent.objects.filter(user_id=user.pk, withdrawn_at=None).update(withdrawn_at=now):
            return False
        revocation.end_all(user.pk, reason="consent_withdrawn", now=now)
        erasure.queue(user, reason=Erasure.Reason.CONSENT, now=now)
        send_on_commit(consent_withdrawn, sender=Consent, user=user)
    return True
