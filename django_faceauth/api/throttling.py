"""How often the API may be asked."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from django.core.exceptions import ImproperlyConfigured
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import ScopedRateThrottle
from rest_framework.views import APIView

logger = logging.getLogger(__name__)

READS: Final = "faceauth"
STARTS: Final = "faceauth-attempts"

#: What holds where DEFAULT_THROTTLE_RATES does not name the scope. Waiting takes 30 a minute.
RATES: Final[Mapping[str, str]] = {READS: "120/min", STARTS: "20/min"}


class ApiThrottle(ScopedRateThrottle):
    """Counts each user's requests, of all programs together."""

    def get_rate(self) -> Any:
        """Return the rate of the scope: the site's, or ours."""
        scope = str(self.scope)
        return api_settings.DEFAULT_THROTTLE_RATES.get(scope, RATES[scope])

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Count the request, unless the cache is away: limits on attempts are in the database."""
        try:
            return bool(super().allow_request(request, view))
        except (ImproperlyConfigured, KeyError, ValueError):  # of the rate
            raise
        except Exception as error:  # each cache fails in its own way
            logger.error("not throttled, cache is away: %s", type(error).__name__)
            return True
