"""Having the provider forget."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from django_faceauth.exceptions import NotFound
from django_faceauth.models import FaceAuthentication
from django_faceauth.provider.factory import get_client
from django_faceauth.services import budget, sync


def anonymize(authentication: FaceAuthentication, *, now: datetime) -> None:
    """Have the personal data of an authentication removed at the provider, for good.

    Takes back what was granted on it. Raises a `ProviderError` or a `ConfigurationError`; an
    authentication that the provider does not know any more has nothing left to remove.
    """
    with suppress(NotFound), budget.heeded(now=now):
        get_client().anonymize_authentication(authentication.provider_id or "")
    sync.erase(authentication, now=now)
