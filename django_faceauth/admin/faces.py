"""A captured face, passed through from the provider for one look."""

from __future__ import annotations

import logging
from typing import Any, Final, cast

from django.contrib.admin import AdminSite
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from django_faceauth.exceptions import NotFound, ProviderError
from django_faceauth.gate import face_required
from django_faceauth.models import FaceAuthentication
from django_faceauth.security_headers import sealed
from django_faceauth.services.review import face_image

logger = logging.getLogger(__name__)

PERMISSION: Final = "faceauth.view_face"
#: A picture can do nothing, whatever is in it; browsers place it by a style of their own.
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"


def face(request: HttpRequest, authentication_pk: Any, site: AdminSite) -> HttpResponse:
    """Show the newest captured face of an authentication to a reviewer whose own is fresh.

    Raises `PermissionDenied` before anything else (G-08).
    """
    if not (site.has_permission(request) and request.user.has_perm(PERMISSION)):
        raise PermissionDenied
    return _shown(request, authentication_pk)


@require_GET
@face_required(action="view-face", max_age=300)
def _shown(request: HttpRequest, authentication_pk: Any) -> HttpResponse:
    row = FaceAuthentication.objects.filter(pk=authentication_pk).first()
    if row is None:
        raise Http404
    try:
        image = face_image.portrait_of(
            row, by=cast(AbstractBaseUser, request.user), now=timezone.now()
        )
    except NotFound:
        return _told(404, _("There is no face to show: none was captured, or it was erased."))
    except ProviderError:
        logger.warning("face not shown authentication=%s", row.pk)
        return _told(503, _("The face could not be fetched just now. Please try again."))
    response = HttpResponse(image.content, content_type=image.media_type)
    suffix = image.media_type.partition("/")[2]
    response["Content-Disposition"] = f'inline; filename="face.{suffix}"'
    return _closed(response)


def _told(status: int, text: str) -> HttpResponse:
    return _closed(HttpResponse(text, status=status, content_type="text/plain; charset=utf-8"))


def _closed(response: HttpResponse) -> HttpResponse:
    sealed(response)["Content-Security-Policy"] = POLICY
    return response
