"""The applicants of users at the provider."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils import timezone

from django_faceauth.exceptions import NotEnrolled
from django_faceauth.identifiers import Prefix, is_id
from django_faceauth.models import Applicant, database
from django_faceauth.services.grants import revocation

__all__ = ["applicant_of", "is_enrolled", "link"]


def applicant_of(user: AbstractBaseUser) -> Applicant:
    """Return the applicant of an active user; raise `NotEnrolled` if there is none."""
    if not user.is_active:
        raise NotEnrolled("the user is not active")
    applicant = Applicant.objects.filter(user_id=user.pk).first()
    if applicant is None:
        raise NotEnrolled("the user has no applicant")
    return applicant


def is_enrolled(user: AbstractBaseUser) -> bool:
    """Tell whether `applicant_of` would return an applicant."""
    return user.is_active and Applicant.objects.filter(user_id=user.pk).exists()


@database.repeated
def link(user: AbstractBaseUser, applicant_id: str, *, now: datetime | None = None) -> Applicant:
    """Link a user to their applicant at the provider.

    Raises `ValueError` for an id of the wrong shape, and `IntegrityError` if another user has
    that applicant. Linking to another applicant revokes what the user was granted as the former
    one, in the same transaction; the gate also compares both at every request, for rows that
    were changed in another way.
    """
    if not is_id(applicant_id, Prefix.APPLICANT):
        raise ValueError("not an identifier that starts with aplt_")
    with database.atomic():
        former = Applicant.objects.select_for_update().filter(user_id=user.pk).first()
        if former is not None and former.applicant_id != applicant_id:
            revocation.end_all(user.pk, reason="relinked", now=now or timezone.now())
        applicant, _created = Applicant.objects.update_or_create(
            user_id=user.pk, defaults={"applicant_id": applicant_id}
        )
    return applicant
