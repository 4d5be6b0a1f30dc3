"""Fetch captured faces, which the provider keeps and this site does not."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser

from django_faceauth.conf import conf
from django_faceauth.exceptions import NotFound, Unavailable
from django_faceauth.models import FaceAttempt, FaceAuthentication
from django_faceauth.provider.factory import get_client
from django_faceauth.services import audit_log
from django_faceauth.services.sync import provider_rate_limit

if TYPE_CHECKING:
    from django_faceauth.provider.transport import Image

OPERATION: Final = "portrait_of"

#: The face is nearly always on the newest attempt, and a reviewer waits for the answers.
MOST_ATTEMPTS: Final = 5


def portrait_of(
    authentication: FaceAuthentication, *, by: AbstractBaseUser, now: datetime
) -> tuple[Image, FaceAttempt]:
    """Return the newest face of an authentication and its attempt, and log who views it.

    The entry commits with the transaction of the caller, if there is one: hand the image out
    after that. Raises `NotFound` if there is no face or it was erased, another `ProviderError`,
    or a `ConfigurationError`; nothing is logged then, as nothing was seen.
    """
    is_here = authentication.environment == conf.ENVIRONMENT
    if not authentication.provider_id or not is_here or authentication.erased_at is not None:
        raise NotFound(OPERATION, cause="nothing to show")
    client = get_client()
    for attempt in authentication.attempts.all()[:MOST_ATTEMPTS]:  # newest first
        if not provider_rate_limit.try_acquire(now=now, someone_waits=True):
            raise Unavailable(OPERATION, cause="asked too often", was_sent=False)
        with provider_rate_limit.honour_retry_after(now=now):
            page = client.list_assets(authentication.provider_id, attempt.provider_id)
        for asset in page.items:
            if asset.type == "face_image" and asset.url:
                image = client.fetch_image(asset, hosts=conf.ASSET_HOSTS, debug=settings.DEBUG)
                audit_log.note("face_viewed", by=by, about=authentication, now=now)
                return image, attempt
    raise NotFound(OPERATION, cause="no picture")
