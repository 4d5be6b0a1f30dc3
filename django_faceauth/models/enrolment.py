"""Applicants."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from django_faceauth.identifiers import MAX_LENGTH
from django_faceauth.models.database import Row


class Applicant(Row):
    """A site user as the provider knows them."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="face_applicant",
        verbose_name=_("user"),
    )
    applicant_id = models.CharField(_("applicant id"), max_length=MAX_LENGTH, unique=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("applicant")
        verbose_name_plural = _("applicants")

    def __str__(self) -> str:
        return self.applicant_id
