"""The gate: what site developers put in front of their views."""

from __future__ import annotations

from django_faceauth.gate.decision import Face, FaceRequest
from django_faceauth.gate.decorators import face_required
from django_faceauth.gate.freshness import freshness
from django_faceauth.gate.mixins import FaceRequiredMixin

__all__ = ["Face", "FaceRequest", "FaceRequiredMixin", "face_required", "freshness"]
