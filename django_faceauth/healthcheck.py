"""A check for django-health-check, for sites that have it (`django-faceauth[health]`).

Among the `checks` of a `HealthCheckView`: `"django_faceauth.healthcheck.FaceAuth"`. It reads
a few rows, and asks the provider nothing.
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
    """Whether the background work of face checks goes well."""

    async def run(self) -> None:
        """Look at the rows; raises `ServiceUnavailable` with what somebody needs to look at."""
        troubles = await sync_to_async(_troubles)()
        if troubles:
            raise ServiceUnavailable(" ".join(troubles))  # type: ignore[no-untyped-call] # has none


def _troubles() -> list[str]:
    return list(health.report(now=timezone.now()).troubles())
