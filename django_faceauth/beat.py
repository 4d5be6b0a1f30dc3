"""The schedule for Celery beat.

Imports nothing of Django, so that a settings module may import it::

    from django_faceauth.beat import FACEAUTH_BEAT_SCHEDULE

    CELERY_BEAT_SCHEDULE = {**FACEAUTH_BEAT_SCHEDULE}
"""

from __future__ import annotations

from typing import Any, Final

from django_faceauth.clocks import ALLOWED_SKEW

__all__ = ["FACEAUTH_BEAT_SCHEDULE"]

#: Seconds between two sweeps.
SWEEP_INTERVAL: Final = 5.0
#: Seconds between two runs that delete rows whose retention is over.
PURGE_INTERVAL: Final = 24 * 3600.0

#: A sweep that could not run in time expires: the next one does its work. The clock of a worker
#: may be ahead of that of beat.
FACEAUTH_BEAT_SCHEDULE: Final[dict[str, dict[str, Any]]] = {
    "faceauth-sweep": {
        "task": "django_faceauth.tasks.sweep",
        "schedule": SWEEP_INTERVAL,
        "options": {"expires": ALLOWED_SKEW.total_seconds() + 4 * SWEEP_INTERVAL},
    },
    "faceauth-purge": {
        "task": "django_faceauth.tasks.purge",
        "schedule": PURGE_INTERVAL,
        "options": {"expires": PURGE_INTERVAL / 2},
    },
}
