"""Serializers of the API.

Their names begin with `Face`, so that a site's own components in OpenAPI keep their names.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from django_faceauth.api.schema import choice_field
from django_faceauth.conf import RECOVERY_CODE, TOTP, conf
from django_faceauth.models import FaceAttempt, FaceAuthentication, FaceChallenge
from django_faceauth.models.resource import STATUS_LENGTH
from django_faceauth.services.flow.progress import Step

StateField = choice_field("FaceChallengeState", [*FaceChallenge.State.values, "retry"])
StepField = choice_field("FaceChallengeNext", [step.value for step in Step])
WayField = choice_field("FaceSecondWayOfCodes", [TOTP, RECOVERY_CODE])


class FaceLineSerializer(serializers.Serializer[Any]):
    """One line of what is approved, in the language of the reader."""

    label = serializers.CharField()  # type: ignore[assignment]  # a field may be called so
    values = serializers.ListField(child=serializers.CharField())


class FaceChallengeSerializer(serializers.Serializer[Any]):
    """One challenge of the gate, and its state."""

    challenge = serializers.CharField(help_text=_("The handle: send it back as Face-Challenge."))
    state = StateField()
    next = StepField(
        help_text=_(
            "attempt: start one. wait: ask again in two seconds. repeat: send the refused "
            "request again. ask_again: this one has ended, the request makes a new one."
        ),
    )
    can_reopen = serializers.BooleanField(
        help_text=_("While it waits: whether another attempt call opens the camera page again.")
    )
    message = serializers.CharField(help_text=_("What to tell the user."))
    action = serializers.CharField(allow_blank=True)
    max_age = serializers.IntegerField(min_value=1, help_text=_("Seconds."))
    snapshot = serializers.DictField(help_text=_("What is approved; empty for nothing."))
    lines = FaceLineSerializer(many=True, help_text=_("The snapshot as the user is shown it."))
    verified_at = serializers.DateTimeField(
        allow_null=True, help_text=_("When the face was captured.")
    )
    expires_at = serializers.DateTimeField(
        allow_null=True, help_text=_("It counts as fresh until then.")
    )
    start_url = serializers.URLField(allow_null=True)
    attempts_url = serializers.URLField(allow_null=True)
    fallback_url = serializers.URLField(
        allow_null=True, help_text=_("The page for users who cannot or will not show a face.")
    )
    ways = serializers.ListField(
        child=serializers.CharField(), required=False, help_text=_("The second ways of the user.")
    )


class FaceSecondWaySerializer(serializers.Serializer[Any]):
    """A code that is entered instead of a face check."""

    way = WayField()
    code = serializers.CharField(trim_whitespace=False)


class FaceAttemptStartSerializer(serializers.Serializer[Any]):
    """What a client sends to start an attempt."""

    redirect_url = serializers.CharField(
        required=False,
        max_length=2_000,
        trim_whitespace=False,
        help_text=_("Where the browser goes after the capture; one of the site’s list."),
    )
    consent = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=64,
        trim_whitespace=False,
        help_text=_("The version of the text that the user has agreed to, if one is asked for."),
    )

    def validate_redirect_url(self, value: str) -> str:
        """Accept only listed URLs, compared as a whole (RFC 9700, section 2.1)."""
        if value not in conf.REDIRECT_ALLOWLIST:
            raise serializers.ValidationError(
                _("This URL is not on the list of this site."), code="not_allowed"
            )
        return value


class FaceCaptureSerializer(serializers.Serializer[Any]):
    """The page that captures the face."""

    capture_url = serializers.URLField(help_text=_("For the user’s browser alone; a secret."))
    expires_at = serializers.DateTimeField(help_text=_("It can be opened until then."))


class FaceConsentSerializer(serializers.Serializer[Any]):
    """The consent of the caller to face checks."""

    needed = serializers.BooleanField(help_text=_("Whether a start needs it."))
    version = serializers.CharField(
        allow_blank=True, help_text=_("Of today’s text; empty if the site takes consent elsewhere.")
    )
    text = serializers.CharField(allow_blank=True, help_text=_("Today’s text, line by line."))
    given_version = serializers.CharField(allow_null=True, help_text=_("What was agreed to."))
    given_at = serializers.DateTimeField(allow_null=True)
    withdrawn_at = serializers.DateTimeField(allow_null=True)


class FaceFreshnessSerializer(serializers.Serializer[Any]):
    """Whether a gate would open, and until when."""

    fresh = serializers.BooleanField()
    expires_at = serializers.DateTimeField(allow_null=True)
    action = serializers.CharField(allow_blank=True)


class FreshnessQuerySerializer(serializers.Serializer[Any]):
    action = serializers.CharField(required=False, default="", max_length=100)


class StatusQuerySerializer(serializers.Serializer[Any]):
    status = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=STATUS_LENGTH
    )


class FaceAuthenticationSerializer(serializers.ModelSerializer[FaceAuthentication]):
    """A face authentication of the caller."""  # the reason is for the site's staff

    id = serializers.CharField(source="provider_id")

    class Meta:
        model = FaceAuthentication
        fields = ["id", "status", "created_at", "updated_at", "erased_at"]
        read_only_fields = fields


class FaceAttemptSerializer(serializers.ModelSerializer[FaceAttempt]):
    """One attempt of a face authentication."""

    id = serializers.CharField(source="provider_id")

    class Meta:
        model = FaceAttempt
        fields = ["id", "status", "created_at"]
        read_only_fields = fields
