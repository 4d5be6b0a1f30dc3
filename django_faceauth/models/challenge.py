"""One question that the gate asked, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models.functions import Concat, Substr
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from django_faceauth import clocks
from django_faceauth.models.authentication import FaceAuthentication
from django_faceauth.models.database import Row, Rows

ACTION_LENGTH = 100
METHOD_LENGTH = 32
#: So many characters of a session digest are about the session alone, the others also about
#: our cookie. A slot begins with those others.
SESSION_PART = 32
#: The method of whoever shows a face; everything else is another way of the site.
FACE = "face"
#: The method of whoever the site lets through without asking.
EXEMPTION = "exemption"

#: Ends of a question that do not say that something was wrong with it.
HARMLESS = ("declined", "inconclusive", "unknown_to_provider")


class FaceChallengeQuerySet(Rows["FaceChallenge"]):
    """Look-ups and the legal ways from one state to the next."""

    def of(self, *, user_id: Any, digests: Sequence[str]) -> FaceChallengeQuerySet:
        """Challenges that this user was asked in this session, with this cookie."""
        return self.filter(user_id=user_id, session_digest__in=digests)

    def in_session(self, *, user_id: Any, digests: Sequence[str]) -> FaceChallengeQuerySet:
        """Challenges that this user was asked in this session, with whatever cookie."""
        is_there = models.Q(pk__in=[])
        for digest in digests:
            is_there |= models.Q(session_digest__startswith=digest[:SESSION_PART])
        return self.filter(is_there, user_id=user_id)

    def rekey(self, digest: str, *, seen: Sequence[int], now: datetime) -> int:
        """Give these another digest, and note which were `seen`; return how many there were.

        One statement, so that no two at once wait for each other's rows.
        """
        moved = Concat(models.Value(digest[SESSION_PART:]), Substr("dedup_key", SESSION_PART + 1))
        return self.update(
            session_digest=digest,
            dedup_key=models.Case(models.When(dedup_key__isnull=False, then=moved)),
            session_rotated_at=models.Case(
                models.When(pk__in=seen, then=models.Value(now)),
                default=models.F("session_rotated_at"),
            ),
        )

    def shown_within(self, max_age: timedelta, *, now: datetime) -> FaceChallengeQuerySet:
        """Challenges whose face was shown less than `max_age` ago; the future is not fresh."""
        latest = now + clocks.ALLOWED_SKEW
        return self.filter(verified_at__gt=now - max_age, verified_at__lte=latest)

    def close(self, state: FaceChallenge.State, *, reason: str = "", **values: Any) -> int:
        """End the open ones among these, or grant them; return how many there were.

        Whatever ended otherwise stays ended.
        """
        still_open = self.filter(state=FaceChallenge.State.OPEN)
        if state != FaceChallenge.State.GRANTED:
            values["saved_form_data"] = None  # of no more use
        return still_open.update(state=state, reason=reason, dedup_key=None, **values)

    def can_use_fallback(self) -> FaceChallengeQuerySet:
        """Ended questions that another way of the site may still answer."""
        refused = models.Q(state=FaceChallenge.State.REFUSED)
        unlucky = models.Q(state=FaceChallenge.State.FAILED, reason__in=HARMLESS)
        return self.filter(refused | unlucky, revoked_at=None)

    def unanswered(self, *, since: datetime) -> FaceChallengeQuerySet:
        """Questions since then that another way of the site may answer.

        One that ended with a refusal or a decline is among them; what was burnt, used or
        taken back is not.
        """
        still_open = self.filter(state=FaceChallenge.State.OPEN)
        return (still_open | self.can_use_fallback()).filter(created_at__gte=since)

    def answer(self, method: str, *, since: datetime, now: datetime) -> int:
        """Grant the unanswered ones among these by another way; return how many there were.

        One statement with all its conditions, so that of any number of racers one wins.
        """
        return self.unanswered(since=since).update(
            state=FaceChallenge.State.GRANTED,
            reason="other_method",
            method=method,
            dedup_key=None,
            verified_at=now,
            granted_at=now,
        )

    def consume(self, max_age: timedelta, *, now: datetime) -> int:
        """Use up the grants among these that are fresh; return how many there were.

        One statement with all its conditions, so that of any number of racers one wins.
        """
        usable = self.filter(
            state=FaceChallenge.State.GRANTED, consumed_at=None, revoked_at=None
        ).shown_within(max_age, now=now)
        return usable.update(
            state=FaceChallenge.State.CONSUMED, reason="used", consumed_at=now, saved_form_data=None
        )

    def burn(self, *, reason: str) -> int:
        """Fail those among these that could still open a gate; return how many there were."""
        live = self.filter(state__in=[FaceChallenge.State.OPEN, FaceChallenge.State.GRANTED])
        return live.update(
            state=FaceChallenge.State.FAILED, reason=reason, dedup_key=None, saved_form_data=None
        )

    def granted_once(self) -> FaceChallengeQuerySet:
        """Challenges that were granted, and not revoked."""
        states = [FaceChallenge.State.GRANTED, FaceChallenge.State.CONSUMED]
        return self.filter(state__in=states, revoked_at=None)

    def revoke(self, *, reason: str, now: datetime) -> int:
        """Take back the grants among these; return how many there were."""
        granted = self.filter(state=FaceChallenge.State.GRANTED)
        return granted.update(
            state=FaceChallenge.State.REVOKED, reason=reason, revoked_at=now, saved_form_data=None
        )

    def mark_revoked_after_use(self, *, reason: str, now: datetime) -> int:
        """Note on the used grants among these that it is too late to take them back."""
        used = self.filter(state=FaceChallenge.State.CONSUMED, revoked_at=None)
        return used.update(reason=reason, revoked_at=now)

    def report(self, *, now: datetime) -> int:
        """Note on those among these of which nobody has said it yet: that was not me."""
        return self.filter(reported_at=None).update(reported_at=now)


class FaceChallenge(Row):
    """One question that the gate asked. A grant is a challenge in state `granted`."""

    class State(models.TextChoices):
        """Where the challenge stands; the queryset has every step from one to another."""

        OPEN = "open", pgettext_lazy("question", "open")
        GRANTED = "granted", _("granted")
        CONSUMED = "consumed", _("consumed")
        REVOKED = "revoked", _("revoked")
        REFUSED = "refused", pgettext_lazy("question", "refused")
        FAILED = "failed", pgettext_lazy("question", "failed")
        EXPIRED = "expired", _("expired")

    handle = models.CharField(_("handle"), max_length=64, unique=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="face_challenges",
        verbose_name=_("user"),
    )
    session_digest = models.CharField(_("session"), max_length=64)
    action = models.CharField(_("action"), max_length=ACTION_LENGTH, blank=True)
    binding_digest = models.CharField(_("binding"), max_length=64, blank=True)
    snapshot = models.JSONField(_("what the user was shown"), default=dict, blank=True)
    # PostgreSQL keeps the names of an object in an order of its own.
    snapshot_order = models.JSONField(_("order of its names"), default=list, blank=True)
    max_age = models.PositiveIntegerField(_("maximum age in seconds"))
    next_url = models.TextField(_("where the user was"), blank=True)
    resume_url = models.TextField(_("where saved form data goes"), blank=True)
    return_url = models.TextField(
        _("where the capture ends"),
        blank=True,
        help_text=_("Where a program wants the browser to go after the capture."),
    )
    saved_form_data = models.JSONField(
        _("saved form data"),
        null=True,
        blank=True,
        help_text=_("Names and values of the request that was refused, until it is repeated."),
    )
    authentication = models.OneToOneField(
        FaceAuthentication,
        on_delete=models.SET_NULL,
        related_name="challenge",
        null=True,
        blank=True,
        verbose_name=_("face authentication"),
    )
    state = models.CharField(_("state"), max_length=16, choices=State, default=State.OPEN)
    reason = models.CharField(_("reason"), max_length=64, blank=True)
    method = models.CharField(
        _("method"),
        max_length=METHOD_LENGTH,
        default=FACE,
        help_text=_("How the question was answered: by a face, or in another way of the site."),
    )
    verified_at = models.DateTimeField(
        _("face shown at"), null=True, blank=True, help_text=_("The anchor: it never moves.")
    )
    created_at = models.DateTimeField(_("created at"))
    started_at = models.DateTimeField(
        _("attempt asked for at"),
        null=True,
        blank=True,
        help_text=_("Written before the provider is asked, so that no attempt is lost."),
    )
    returned_at = models.DateTimeField(
        _("returned at"),
        null=True,
        blank=True,
        help_text=_("When the user came back from the capture page."),
    )
    start_locked_at = models.DateTimeField(
        _("claimed at"), null=True, blank=True, help_text=_("While one request is starting.")
    )
    called_at = models.DateTimeField(
        _("called at"),
        null=True,
        blank=True,
        help_text=_("When a start last called the provider."),
    )
    granted_at = models.DateTimeField(_("granted at"), null=True, blank=True)
    session_rotated_at = models.DateTimeField(
        _("seen at"), null=True, blank=True, help_text=_("When the session first used it.")
    )
    consumed_at = models.DateTimeField(_("consumed at"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)
    reported_at = models.DateTimeField(
        _("reported at"), null=True, blank=True, help_text=_("When the user said: not me.")
    )
    # One open question for each (user, session, action, binding). A nullable unique
    # column says that on every database; MariaDB has no partial unique index.
    dedup_key = models.CharField(
        _("open slot"), max_length=64, unique=True, null=True, blank=True, editable=False
    )

    objects = FaceChallengeQuerySet.as_manager()  # type: ignore[misc]  # as Row declares it

    class Meta:
        verbose_name = _("face challenge")
        verbose_name_plural = _("face challenges")
        indexes = [
            models.Index(
                fields=["session_digest", "action", "state", "verified_at"], name="faceauth_hot"
            ),
            # The sweep asks for old open ones.
            models.Index(fields=["state", "created_at"], name="faceauth_state_age"),
            # Staff look for the questions of one action.
            models.Index(fields=["action", "created_at"], name="faceauth_action_age"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state="open", dedup_key__isnull=False)
                | (~models.Q(state="open") & models.Q(dedup_key__isnull=True)),
                name="faceauth_open_holds_slot",
            ),
            models.CheckConstraint(
                condition=~models.Q(state__in=["granted", "consumed"])
                | models.Q(verified_at__isnull=False),
                name="faceauth_grant_has_anchor",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="consumed") | models.Q(consumed_at__isnull=False),
                name="faceauth_used_has_moment",
            ),
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"

    @property
    def session_part(self) -> str:
        """What of the digest stays the same when our cookie is replaced."""
        return self.session_digest[:SESSION_PART]

    @property
    def is_open(self) -> bool:
        """Whether the question still waits for its answer."""
        return self.state == self.State.OPEN

    @property
    def is_unanswered(self) -> bool:
        """Whether another way of the site may answer, as far as time allows."""
        is_can_use_fallback = self.state == self.State.REFUSED or (
            self.state == self.State.FAILED and self.reason in HARMLESS
        )
        return self.is_open or (is_can_use_fallback and self.revoked_at is None)

    @property
    def is_declined(self) -> bool:
        """Whether the provider took the face for somebody else's, which may be wrong."""
        return self.state == self.State.FAILED and self.reason == "declined"

    @property
    def age_limit(self) -> timedelta:
        """How long the shown face counts for the gate that asked."""
        return timedelta(seconds=self.max_age)

    def is_fresh(self, *, now: datetime) -> bool:
        """Tell whether the face was shown recently enough for the gate that asked."""
        shown_at = self.verified_at
        if shown_at is None or clocks.is_ahead(shown_at, now=now):
            return False
        return now - shown_at < self.age_limit
