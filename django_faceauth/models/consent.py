"""Who agreed to have their face looked at, to which words."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from django_faceauth.models.database import Row, Rows
from django_faceauth.models.erasure import WHO_LENGTH


class ConsentQuerySet(Rows["Consent"]):
    """Look-ups of consents."""

    def standing(self, *, user_id: Any) -> ConsentQuerySet:
        """Consents of a user that were not withdrawn."""
        return self.filter(user_id=user_id, withdrawn_at=None)


class Consent(Row):
    """One person's explicit yes to one version of a text.

    Outlives the account, as a proof: `who` stays when `user` is gone.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        related_name="face_consents",
        null=True,
        blank=True,
        verbose_name=_("user"),
    )
    who = models.CharField(_("primary key of the user"), max_length=WHO_LENGTH)
    version = models.CharField(_("version"), max_length=64)
    text_digest = models.CharField(
        _("digest of the text"), max_length=64, help_text=_("SHA-256 of the words that were shown.")
    )
    language = models.CharField(_("language"), max_length=35)
    given_at = models.DateTimeField(_("given at"))
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True, blank=True)

    objects = ConsentQuerySet.as_manager()  # type: ignore[misc]  # as Row declares it

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        default_permissions = ("view",)
        indexes = [models.Index(fields=["user", "version"], name="faceauth_consent_user")]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"
