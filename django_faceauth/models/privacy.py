"""Consents and erasures."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from django_faceauth.identifiers import MAX_LENGTH
from django_faceauth.models.database import Row
from django_faceauth.models.resource import optional_datetime

#: Long enough for the primary key of any user model.
WHO_LENGTH = 64


class Consent(Row):
    """A user's explicit consent to one version of a text.

    Outlives the account as a proof: `who` stays when `user` is gone.
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
        _("digest of the text"), max_length=64, help_text=_("SHA-256 of the text that was shown.")
    )
    language = models.CharField(_("language"), max_length=35)
    given_at = models.DateTimeField(_("given at"))
    withdrawn_at = optional_datetime(_("withdrawn at"))

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        default_permissions = ("view",)
        indexes = [models.Index(fields=["version", "user"], name="faceauth_consent_user")]


class Erasure(Row):
    """A request to erase all data of a user's face. Outlives the account."""

    class Reason(models.TextChoices):
        REQUEST = "request", _("the user requested it")
        ACCOUNT = "account", _("the account was deleted")
        CONSENT = "consent", _("consent was withdrawn")

    who = models.CharField(_("primary key of the user"), max_length=WHO_LENGTH)
    reason = models.CharField(_("reason"), max_length=16, choices=Reason)
    requested_at = models.DateTimeField(_("requested at"))
    finished_at = optional_datetime(
        _("finished at"), _("When the provider confirmed the last task.")
    )

    class Meta:
        verbose_name = _("erasure")
        verbose_name_plural = _("erasures")
        default_permissions = ("view",)


class ErasureTask(Row):
    """One authentication to anonymize at the provider, retried until that is confirmed."""

    class State(models.TextChoices):
        """Progress of the task; only `due` changes by itself."""

        DUE = "due", pgettext_lazy("erasure task", "due")
        DONE = "done", _("done")
        REFUSED = "refused", _("rejected by the provider: needs attention")

    erasure = models.ForeignKey(
        Erasure, on_delete=models.CASCADE, related_name="tasks", verbose_name=_("erasure")
    )
    provider_id = models.CharField(
        _("provider id"),
        max_length=MAX_LENGTH,
        blank=True,
        help_text=_("Until the task is done; the digest stays."),
    )
    digest = models.CharField(_("digest of the provider id"), max_length=64)
    environment = models.CharField(_("environment"), max_length=16)
    state = models.CharField(_("state"), max_length=16, choices=State, default=State.DUE)
    tries = models.PositiveSmallIntegerField(pgettext_lazy("column", "tries"), default=0)
    error = models.CharField(_("error"), max_length=64, blank=True)
    due_at = optional_datetime(_("due at"))
    done_at = optional_datetime(_("done at"))

    class Meta:
        verbose_name = _("erasure task")
        verbose_name_plural = _("erasure tasks")
        default_permissions = ("view",)
        indexes = [models.Index(fields=["due_at"], name="faceauth_erasure_due")]
        constraints = [
            models.UniqueConstraint(fields=["erasure", "digest"], name="faceauth_erased_once_each"),
            models.CheckConstraint(
                condition=models.Q(state="due", due_at__isnull=False)
                | (~models.Q(state="due") & models.Q(due_at__isnull=True)),
                name="faceauth_due_erasure_is_due",
            ),
        ]
