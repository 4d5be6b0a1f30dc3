"""How often the API may be asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rest_framework.settings import api_settings
from rest_framework.throttling import ScopedRateThrottle

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
