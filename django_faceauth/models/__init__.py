"""Models: rows, querysets and constraints, without HTTP or settings."""

from __future__ import annotations

from django_faceauth.models.audit import AuditEntry
from django_faceauth.models.authentication import FaceAttempt, FaceAuthentication, StatusChange
from django_faceauth.models.challenge import FaceChallenge
from django_faceauth.models.enrolment import Applicant, IdentityVerification
from django_faceauth.models.event import WebhookEvent
from django_faceauth.models.exemption import FaceExemption
from django_faceauth.models.limits import AttemptRequest, Lockout, ProviderRateLimit
from django_faceauth.models.privacy import Consent, Erasure, ErasureTask
from django_faceauth.models.review import ReviewCase, Verdict

__all__ = [
    "Applicant",
    "AttemptRequest",
    "AuditEntry",
    "Consent",
    "Erasure",
    "ErasureTask",
    "FaceAttempt",
    "FaceAuthentication",
    "FaceChallenge",
    "FaceExemption",
    "IdentityVerification",
    "Lockout",
    "ProviderRateLimit",
    "ReviewCase",
    "StatusChange",
    "Verdict",
    "WebhookEvent",
]
