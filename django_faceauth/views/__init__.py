"""The pages of the flow, and those by which users contest, report and withdraw."""

from __future__ import annotations

from django_faceauth.views.flow import done, resume, returned, start, status, waiting
from django_faceauth.views.rights import consent, contest, not_me, report

__all__ = [
    "consent",
    "contest",
    "done",
    "not_me",
    "report",
    "resume",
    "returned",
    "start",
    "status",
    "waiting",
]
