"""How often the provider may still be asked."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from django_faceauth.models.database import Row


class ProviderRateLimit(Row):
    """What one set of credentials has spent, shared by all processes of the site.

    `spent_until` is the moment, in microseconds of Unix time, up to which calls are used
    up at the rate that the site allows (the "theoretical arrival time" of the generic cell
    rate algorithm): one number, so that one conditional UPDATE takes a call.
    """

    class Pause(models.TextChoices):
        """Why nothing is asked for a while."""

        ASKED_TO = "asked_to", _("the provider asked us to come back later")
        NO_ACCESS = "no_access", _("the provider does not accept our credentials")

    credentials = models.CharField(
        _("credentials"), max_length=64, unique=True, help_text=_("A digest of them.")
    )
    spent_until = models.BigIntegerField(_("spent until"), default=0)
    paused_until = models.DateTimeField(_("paused until"), null=True, blank=True)
    pause = models.CharField(_("reason of the pause"), max_length=16, choices=Pause, blank=True)

    class Meta:
        verbose_name = _("call budget")
        verbose_name_plural = _("call budgets")

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"
