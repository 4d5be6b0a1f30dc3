"""Applicants, and the identity verifications by which users enrol themselves."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from django_faceauth.identifiers import MAX_LENGTH
from django_faceauth.models.database import Row, Rows
from django_faceauth.models.resource import Flow, Resource, optional_datetime, user_key


class ApplicantQuerySet(Rows["Applicant"]):
    def usable(self, *, now: datetime) -> ApplicantQuerySet:
        """Return those whose face counts at `now`: the cool-off of their enrolment is over."""
        return self.filter(models.Q(usable_from=None) | models.Q(usable_from__lte=now))


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
    usable_from = optional_datetime(
        _("usable from"), _("When the face of a user who enrolled themselves begins to count.")
    )

    objects = ApplicantQuerySet.as_manager()  # type: ignore[misc]  # as Row declares it

    class Meta:
        verbose_name = _("enrolment")
        verbose_name_plural = _("enrolments")

    def __str__(self) -> str:
        return self.applicant_id


class IdentityVerification(Flow, Resource):
    """Mirror of one `idv_` object: a user shows a document and their face to enrol.

    Neither what the user declares nor what the document says is held.
    """

    class Outcome(models.TextChoices):
        """What came of it; only `open` and `linked` change."""

        OPEN = "open", pgettext_lazy("identity verification", "open")
        LINKED = "linked", _("user linked to the applicant")
        FAILED = "failed", pgettext_lazy("identity verification", "failed")
        REFUSED = "refused", pgettext_lazy("identity verification", "refused")
        CONFLICT = "conflict", _("conflict with another link")
        REVOKED = "revoked", _("link removed again")

    user = user_key("identity_verifications")
    # The part about the session alone, which our own cookie does not change.
    session_digest = models.CharField(_("session"), max_length=64)
    replaces = models.CharField(
        _("replaces applicant"),
        max_length=MAX_LENGTH,
        blank=True,
        help_text=_("The applicant that the user was linked to at the start."),
    )
    outcome = models.CharField(_("result"), max_length=16, choices=Outcome, default=Outcome.OPEN)
    ended_at = optional_datetime(_("ended at"))

    class Meta:
        verbose_name = _("identity verification")
        verbose_name_plural = _("identity verifications")
        indexes = [
            models.Index(fields=["next_poll_at"], name="faceauth_idv_due"),
            models.Index(fields=["user", "-created_at"], name="faceauth_idv_user"),
            models.Index(fields=["applicant_id"], name="faceauth_idv_applicant"),
        ]

    @property
    def session_part(self) -> str:
        """The digest of the session, under the name that limits use for challenges."""
        return self.session_digest

    @property
    def is_scrubbed(self) -> bool:
        """Whether the personal data was removed for good; a new row has no applicant yet."""
        return not self.session_digest

    @property
    def is_open(self) -> bool:
        """Whether it waits for its result."""
        return self.outcome == self.Outcome.OPEN
