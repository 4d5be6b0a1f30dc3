"""What was to be forgotten, how far that is, and the proof that it was."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from django_faceauth.identifiers import MAX_LENGTH
from django_faceauth.models.database import Row

#: Long enough for the primary key of any user model.
WHO_LENGTH = 64


class Erasure(Row):
    """One wish to have everything about somebody's face forgotten. Outlives the account."""

    class Reason(models.TextChoices):
        """What made it necessary."""

        REQUEST = "request", _("the person asked for it")
        ACCOUNT = "account", _("the account was deleted")
        CONSENT = "consent", _("consent was withdrawn")

    who = models.CharField(_("primary key of the user"), max_length=WHO_LENGTH)
    reason = models.CharField(_("reason"), max_length=16, choices=Reason)
    requested_at = models.DateTimeField(_("requested at"))
    finished_at = models.DateTimeField(
        _("finished at"),
        null=True,
        blank=True,
        help_text=_("When the provider had confirmed the last one."),
    )

    class Meta:
        verbose_name = _("erasure")
        verbose_name_plural = _("erasures")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


class ErasureTask(Row):
    """One authentication that the provider is to forget; tried until it says that it did."""

    class State(models.TextChoices):
        """How far we are with it; only `due` changes by itself."""

        DUE = "due", pgettext_lazy("erasure task", "due")
        DONE = "done", _("done")
        REFUSED = "refused", _("refused by the provider: somebody must look")

    erasure = models.ForeignKey(
        Erasure, on_delete=models.CASCADE, related_name="tasks", verbose_name=_("erasure")
    )
    provider_id = models.CharField(
        _("provider id"),
        max_length=MAX_LENGTH,
        blank=True,
        help_text=_("Until it is done; the digest stays."),
    )
    digest = models.CharField(_("digest of the provider id"), max_length=64)
    environment = models.CharField(_("environment"), max_length=16)
    state = models.CharField(_("state"), max_length=16, choices=State, default=State.DUE)
    tries = models.PositiveSmallIntegerField(pgettext_lazy("column", "tries"), default=0)
    error = models.CharField(_("error"), max_length=64, blank=True)
    due_at = models.DateTimeField(_("due at"), null=True, blank=True)
    done_at = models.DateTimeField(_("done at"), null=True, blank=True)

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

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"
