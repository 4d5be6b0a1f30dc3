"""Check for django-health-check (`django-faceauth[health]`).

Add `"django_faceauth.healthcheck.FaceAuth"` to the `checks` of a `HealthCheckView`. It reads
a few rows, and does not call the provider.
"""

from __future__ import annotations

from dataclasses import dataclass

from asgiref.sync import sync_to_async
from django.utils import timezone
from health_check.base import HealthCheck
from health_check.exceptions import ServiceUnavailable

from django_faceauth.services.monitoring import health

__all__ = ["FaceAuth"]


@dataclass
class FaceAuth(HealthCheck):
    """Checks the background work of face checks."""

    async def run(self) -> None:
        """Raise `ServiceUnavailable` with what needs attention."""
        report = await sync_to_async(health.report)(now=timezone.now())
        if not report.is_good:
            text = " ".join(report.troubles())
            raise ServiceUnavailable(text)  # type: ignore[no-untyped-call] # has none
