"""Looking at a captured face, which the provider keeps and we do not (V-01)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser

from django_faceauth.conf import conf
from django_faceauth.exceptions import NotFound, Unavailable
from django_faceauth.models import FaceAuthentication
from django_faceauth.provider.factory import get_client
from django_faceauth.provider.resources import AssetSnapshot
from django_faceauth.services import audit_log
from django_faceauth.services.sync import provider_rate_limit

if TYPE_CHECKING:
    from django_faceauth.provider.client import Client
    from django_faceauth.provider.responses import Image

OPERATION: Final = "portrait_of"
FACE_IMAGE: Final = "face_image"

#: The face is nearly always on the newest attempt; who is waiting does not wait for more.
MOST_ATTEMPTS: Final = 5


def portrait_of(
    authentication: FaceAuthentication, *, by: AbstractBaseUser, now: datetime
) -> Image:
    """Return the newest face of an authentication, once the log says who looks at it.

    The entry commits with the transaction of the caller, if there is one: hand the picture out
    after that. Raises `NotFound` when there is no face or it was erased, another `ProviderError`,
    or a `ConfigurationError`; then nothing is logged, as nothing was seen.
    """
    if not _may_have_a_face(authentication):
        raise NotFound(OPERATION, cause="nothing to show")
    client = get_client()
    link = _newest_link(client, authentication, now)
    image = client.fetch_image(link, hosts=conf.ASSET_HOSTS, debug=settings.DEBUG)
    audit_log.note("face_viewed", by=by, about=authentication, now=now)
    return image


def _may_have_a_face(authentication: FaceAuthentication) -> bool:
    is_known = bool(authentication.provider_id) and authentication.environment == conf.ENVIRONMENT
    return is_known and authentication.erased_at is None


def _newest_link(
    client: Client, authentication: FaceAuthentication, now: datetime
) -> AssetSnapshot:
    for attempt in authentication.attempts.all()[:MOST_ATTEMPTS]:  # newest first
        if not provider_rate_limit.try_acquire(now=now, someone_waits=True):
            raise Unavailable(OPERATION, cause="asked too often", was_sent=False)
        with provider_rate_limit.honour_retry_after(now=now):
            page = client.list_assets(authentication.provider_id or "", attempt.provider_id)
        for asset in page.items:
            if asset.type == FACE_IMAGE and asset.url:
                return asset
    raise NotFound(OPERATION, cause="no picture")
