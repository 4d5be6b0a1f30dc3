"""Gates that site developers put in front of their views."""

from __future__ import annotations

from django_faceauth.gate.decision import Face, FaceRequest, OptionalFaceRequest, Reason
from django_faceauth.gate.decorators import face_required
from django_faceauth.gate.fallback import Unanswered, approve_by_other_method, pending_challenge
from django_faceauth.gate.freshness import ask_first, freshness, recorded_face
from django_faceauth.gate.locked_user import recognise_client
from django_faceauth.gate.mixins import FaceRequiredMixin
from django_faceauth.gate.oidc_claims import Claims, claims_of
from django_faceauth.gate.unused import unused
from django_faceauth.services.grants.binding import Money

__all__ = [
    "Claims",
    "Face",
    "FaceRequest",
    "FaceRequiredMixin",
    "Money",
    "OptionalFaceRequest",
    "Reason",
    "Unanswered",
    "approve_by_other_method",
    "ask_first",
    "claims_of",
    "face_required",
    "freshness",
    "pending_challenge",
    "recognise_client",
    "recorded_face",
    "unused",
]
