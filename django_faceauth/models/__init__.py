"""What the site remembers: rows, querysets and constraints. No HTTP, no settings."""

from __future__ import annotations

from django_faceauth.models.authentication import FaceAttempt, FaceAuthentication, StatusChange
from django_faceauth.models.challenge import FaceChallenge
from django_faceauth.models.enrolment import Applicant

__all__ = ["Applicant", "FaceAttempt", "FaceAuthentication", "FaceChallenge", "StatusChange"]
