"""Challenges, and the transitions between their states."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models.functions import Concat, Substr
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from django_faceauth import clocks
from django_faceauth.conf import FLAG
from django_faceauth.models.authentication import FaceAuthentication
from django_faceauth.models.database import Rows
from django_faceauth.models.resource import Flow, optional_datetime, user_key

ACTION_LENGTH = 100
METHOD_LENGTH = 32
#: The names of methods, which a site may choose.
METHOD_NAME = re.compile(rf"[a-z0-9][a-z0-9_-]{{0,{METHOD_LENGTH - 1}}}")
#: The leading characters of a session digest that depend on the session alone; the others
#: depend on our cookie too. A dedup key begins with those others.
SESSION_PART = 32
#: The method of a captured face; every other value is another way of the site.
FACE = "face"
#: The method of an exemption.
EXEMPTION = "exemption"

#: Reasons of failed challenges that another way of the site may still answer: those without a
#: sign of tampering, and `network`. That one may be a relay, but users whose phone is on mobile
#: data must get through, and a thief who relays a face has no second way of the user.
HARMLESS = ("declined", "inconclusive", "unknown_to_provider", "network")
#: The reason of a challenge that was disowned on the device on which the face was shown.
NOT_ME = "not_me"


class FaceChallengeQuerySet(Rows["FaceChallenge"]):
    """Look-ups and legal transitions."""

    def of(self, *, user_id: Any, digests: Sequence[str]) -> FaceChallengeQuerySet:
        """Return the challenges of this user in this session with this cookie."""
        return self.filter(user_id=user_id, session_digest__in=digests)

    def in_session(self, *, user_id: Any, digests: Sequence[str]) -> FaceChallengeQuerySet:
        """Return the challenges of this user in this session with any cookie."""
        in_session = models.Q(pk__in=[])
        for digest in digests:
            in_session |= models.Q(session_digest__startswith=digest[:SESSION_PART])
        return self.filter(in_session, user_id=user_id)

    def rekey(self, digest: str, *, seen: Sequence[int], now: datetime) -> int:
        """Replace the digest, and the rotation time of those `seen`; return the count.

        One statement, so that concurrent requests do not wait for each other's rows.
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

    def close(self, state: FaceChallenge.State, *, reason: str = "", **values: Any) -> int:
        """End or grant the open challenges; return the count. Ended ones stay as they are."""
        still_open = self.filter(state=FaceChallenge.State.OPEN)
        if state != FaceChallenge.State.GRANTED:
            values["saved_form_data"] = None  # no longer needed
        return still_open.update(state=state, reason=reason, dedup_key=None, **values)

    def can_use_fallback(self) -> FaceChallengeQuerySet:
        """Return ended challenges that another way of the site may still answer."""
        refused = models.Q(state=FaceChallenge.State.REFUSED)
        harmless = models.Q(state=FaceChallenge.State.FAILED, reason__in=HARMLESS)
        return self.filter(refused | harmless, revoked_at=None)

    def unanswered(self, *, since: datetime) -> FaceChallengeQuerySet:
        """Return challenges since then that another way of the site may answer.

        Includes refused and declined ones, but not invalidated, used or revoked ones.
        """
        still_open = self.filter(state=FaceChallenge.State.OPEN)
        return (still_open | self.can_use_fallback()).filter(created_at__gte=since)

    def answer(self, method: str, *, since: datetime, now: datetime) -> int:
        """Grant the unanswered challenges by another way; return the count.

        One statement with all conditions, so that one of many concurrent requests wins.
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
        """Consume the fresh grants; return the count. A face from the future is not fresh.

        One statement with all conditions, so that one of many concurrent requests wins.
        """
        granted = self.filter(state=FaceChallenge.State.GRANTED, consumed_at=None, revoked_at=None)
        earliest, latest = now - max_age, now + clocks.ALLOWED_SKEW
        return granted.filter(verified_at__gt=earliest, verified_at__lte=latest).update(
            state=FaceChallenge.State.CONSUMED, reason="used", consumed_at=now, saved_form_data=None
        )

    def invalidate(self, *, reason: str) -> int:
        """Fail the challenges that could still open a gate; return the count."""
        live = self.filter(state__in=[FaceChallenge.State.OPEN, FaceChallenge.State.GRANTED])
        return live.update(
            state=FaceChallenge.State.FAILED, reason=reason, dedup_key=None, saved_form_data=None
        )

    def granted_once(self) -> FaceChallengeQuerySet:
        """Return the challenges that were granted and not revoked."""
        states = [FaceChallenge.State.GRANTED, FaceChallenge.State.CONSUMED]
        return self.filter(state__in=states, revoked_at=None)

    def revoke(self, *, reason: str, now: datetime) -> int:
        """Revoke the unused grants; return the count."""
        granted = self.filter(state=FaceChallenge.State.GRANTED)
        return granted.update(
            state=FaceChallenge.State.REVOKED, reason=reason, revoked_at=now, saved_form_data=None
        )

    def mark_revoked_after_use(self, *, reason: str, now: datetime) -> int:
        """Record on the used grants that they were revoked too late; return the count."""
        used = self.filter(state=FaceChallenge.State.CONSUMED, revoked_at=None)
        return used.update(reason=reason, revoked_at=now)


class FaceChallenge(Flow):
    """One check that a gate requested. A grant is a challenge in state `granted`."""

    class State(models.TextChoices):
        """State of the challenge; the queryset has every transition."""

        OPEN = "open", pgettext_lazy("question", "open")
        GRANTED = "granted", _("granted")
        CONSUMED = "consumed", _("consumed")
        REVOKED = "revoked", _("revoked")
        REFUSED = "refused", pgettext_lazy("question", "refused")
        FAILED = "failed", pgettext_lazy("question", "failed")
        EXPIRED = "expired", _("expired")

    user = user_key("face_challenges")
    session_digest = models.CharField(_("session"), max_length=64)
    action = models.CharField(_("action"), max_length=ACTION_LENGTH, blank=True)
    binding_digest = models.CharField(_("binding"), max_length=64, blank=True)
    snapshot = models.JSONField(_("what the user was shown"), default=dict, blank=True)
    # PostgreSQL does not keep the order of the names in a JSON object.
    snapshot_order = models.JSONField(_("order of the names"), default=list, blank=True)
    max_age = models.PositiveIntegerField(_("maximum age in seconds"))
    next_url = models.TextField(_("URL that the user was at"), blank=True)
    resume_url = models.TextField(_("URL for saved form data"), blank=True)
    return_url = models.TextField(
        _("URL after the capture"),
        blank=True,
        help_text=_("Where an API client sends the browser after the capture."),
    )
    saved_form_data = models.JSONField(
        _("saved form data"),
        null=True,
        blank=True,
        help_text=_("Names and values of the denied request, until it is repeated."),
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
        help_text=_("How the check was passed: with a face, or in another way of the site."),
    )
    accept = models.JSONField(
        _("accepted methods"), null=True, blank=True, help_text=_("Empty: every method.")
    )
    network_policy = models.CharField(_("network policy"), max_length=8, default="flag")
    network = models.CharField(
        _("network"),
        max_length=32,
        blank=True,
        help_text=_("A keyed digest of the network that started the attempt."),
    )
    browser = models.CharField(
        _("browser"),
        max_length=32,
        blank=True,
        help_text=_("The browser family that started the attempt."),
    )
    is_same_network = models.BooleanField(
        _("captured in the network that started"), null=True, blank=True
    )
    verified_at = optional_datetime(_("face captured at"), _("The anchor: it never moves."))
    created_at = models.DateTimeField(_("created at"))
    called_at = optional_datetime(_("called at"), _("When a start last called the provider."))
    granted_at = optional_datetime(_("granted at"))
    session_rotated_at = optional_datetime(
        _("session rotated at"), _("When the session first used it.")
    )
    consumed_at = optional_datetime(_("consumed at"))
    revoked_at = optional_datetime(_("revoked at"))
    # One open challenge for each (user, session, action, binding). A nullable unique
    # column ensures that on every database; MariaDB has no partial unique index.
    dedup_key = models.CharField(
        _("deduplication key"), max_length=64, unique=True, null=True, blank=True, editable=False
    )

    objects = FaceChallengeQuerySet.as_manager()  # type: ignore[misc]  # as Row declares it

    class Meta:
        verbose_name = _("face challenge")
        verbose_name_plural = _("face challenges")
        indexes = [
            models.Index(
                fields=["session_digest", "action", "state", "verified_at"], name="faceauth_hot"
            ),
            # The sweep selects old open ones.
            models.Index(fields=["state", "created_at"], name="faceauth_state_age"),
            # Staff filter by action.
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

    @property
    def session_part(self) -> str:
        """The part of the digest that does not change with our cookie."""
        return self.session_digest[:SESSION_PART]

    @property
    def is_open(self) -> bool:
        """Whether the challenge waits for its answer."""
        return self.state == self.State.OPEN

    @property
    def is_unanswered(self) -> bool:
        """Whether another way of the site may answer, apart from the time limit."""
        can_use_fallback = self.state == self.State.REFUSED or (
            self.state == self.State.FAILED and self.reason in HARMLESS
        )
        return self.is_open or (can_use_fallback and self.revoked_at is None)

    @property
    def is_declined(self) -> bool:
        """Whether the provider declined the face, which may be a mistake."""
        return self.state == self.State.FAILED and self.reason == "declined"

    def counts(self, method: str) -> bool:
        """Return whether `method` may answer the challenge."""
        return self.accept is None or method in self.accept

    @property
    def is_flagged(self) -> bool:
        """Whether a face from another network was accepted, and the user is to be told."""
        return self.is_same_network is False and self.network_policy == FLAG

    @property
    def age_limit(self) -> timedelta:
        """How long the face is fresh for the gate of the challenge."""
        return timedelta(seconds=self.max_age)

    def is_fresh(self, *, now: datetime) -> bool:
        """Return whether the face is fresh for the gate of the challenge."""
        anchor = self.verified_at
        if anchor is None or clocks.is_ahead(anchor, now=now):
            return False
        return now - anchor < self.age_limit
