"""Who agreed to have their face looked at, to which words, and until when (V-02, V-03)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from html import unescape
from typing import Final

from django.contrib.auth.base_user import AbstractBaseUser
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.html import strip_tags
from django.utils.safestring import SafeString

from django_faceauth.conf import conf
from django_faceauth.exceptions import ConsentRequired
from django_faceauth.models import Consent, Erasure, database
from django_faceauth.services import limits
from django_faceauth.services.dispatch import send_on_commit
from django_faceauth.services.grants import revocation
from django_faceauth.services.privacy import erasure
from django_faceauth.signals import consent_withdrawn

#: The words that people agree to; sites bring their own by overriding it.
TEMPLATE: Final = "faceauth/consent.html"


@dataclass(frozen=True)
class Words:
    """The text that people agree to, in one language."""

    version: str
    language: str

    @cached_property
    def html(self) -> SafeString:
        """The text as pages show it."""
        context = {"version": self.version, "has_fallback": bool(conf.FALLBACK)}
        with translation.override(self.language or None):
            return render_to_string(TEMPLATE, context)

    @property
    def text(self) -> str:
        """The text for programs: a line for each line of the template that says something."""
        lines = unescape(strip_tags(self.html)).splitlines()
        return "\n".join(filter(None, (" ".join(line.split()) for line in lines)))

    @property
    def digest(self) -> str:
        """SHA-256 of the words, however they are set."""
        return hashlib.sha256(" ".join(self.text.split()).encode()).hexdigest()


def words() -> Words:
    """Return the text of today, in the language of the reader."""
    return Words(conf.CONSENT_VERSION, translation.get_language() or "")


def is_needed(user: AbstractBaseUser) -> bool:
    """Tell whether a user still has to agree to the text of today."""
    version = conf.CONSENT_VERSION
    if not version:
        return False
    standing = Consent.objects.standing(user_id=user.pk)
    # Compared here: to some databases "2026-a" and "2026-A" are one.
    return version not in standing.values_list("version", flat=True)


def asked_of(user: AbstractBaseUser) -> Words | None:
    """Return what a user still has to agree to, if anything."""
    return words() if is_needed(user) else None


def latest(user: AbstractBaseUser) -> Consent | None:
    """Return the newest consent of a user that stands, else the newest that was withdrawn."""
    newest_first = list(Consent.objects.filter(user_id=user.pk).order_by("-pk"))
    standing = (consent for consent in newest_first if consent.withdrawn_at is None)
    return next(standing, next(iter(newest_first), None))


def require(user: AbstractBaseUser, *, said: str = "", now: datetime) -> None:
    """Note the consent to version `said` if one is needed; raise `ConsentRequired` without it."""
    if is_needed(user):
        give(user, version=said, language=words().language, now=now)


@database.repeated
def give(user: AbstractBaseUser, *, version: str, language: str, now: datetime) -> None:
    """Note that a user agrees to the text of `version`, as it is shown in `language` (V-02).

    Once for each version. Raises `ConsentRequired` if another version is asked for, or none.
    """
    if not version or version != conf.CONSENT_VERSION:
        raise ConsentRequired(conf.CONSENT_VERSION)
    digest = Words(version, language).digest
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
    """Take back whatever a user has agreed to; tell whether there was anything (V-03).

    Ends what was asked and granted, and has the provider forget what it holds.
    """
    with database.atomic():
        # The UPDATE comes first: of two at once, one finds something to withdraw.
        if not Consent.objects.standing(user_id=user.pk).update(withdrawn_at=now):
            return False
        revocation.end_all(user.pk, reason="consent_withdrawn", now=now)
        erasure.queue(user, reason=Erasure.Reason.CONSENT, now=now)
        send_on_commit(consent_withdrawn, sender=Consent, user=user)
    return True
