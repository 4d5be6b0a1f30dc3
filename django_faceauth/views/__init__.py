"""The pages: those between a closed gate and an open one, and those by which people say no."""

from __future__ import annotations

from django_faceauth.views.flow import done, resume, returned, start, status, waiting
from django_faceauth.views.rights import consent, contest, report

__all__ = [
    "consent",
    "contest",
    "done",
    "report",
    "resume",
    "returned",
    "start",
    "status",
    "waiting",
]
