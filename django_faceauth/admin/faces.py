"""The captured face, passed through from the provider."""

from __future__ import annotations

import logging
from typing import Final, cast

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from django_faceauth.exceptions import NotFound, ProviderError
from django_faceauth.gate import face_required
from django_faceauth.models import FaceAuthentication
from django_faceauth.security_headers import sealed
from django_faceauth.services.review import face_image

logger = logging.getLogger(__name__)

#: An image cannot do anything, whatever it contains; browsers place it by a style of their own.
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"


@require_GET
@face_required(action="view-face", max_age=300)
def face(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the newest captured face to a reviewer who has just confirmed their own."""
    row = get_object_or_404(FaceAuthentication, pk=pk)
    by = cast(AbstractBaseUser, request.user)  # staff, says the admin
    try:
        image = face_image.portrait_of(row, by=by, now=timezone.now())
    except NotFound:
        text = _("There is no image of the face: none was captured, or it was erased.")
        response = HttpResponse(text, status=404, content_type="text/plain; charset=utf-8")
    except ProviderError:
        logger.warning("face not shown authentication=%s", row.pk)
        text = _("The image could not be fetched just now. Please try again.")
        response = HttpResponse(text, status=503, content_type="text/plain; charset=utf-8")
    else:
        response = HttpResponse(image.content, content_type=image.media_type)
        suffix = image.media_type.partition("/")[2]
        response["Content-Disposition"] = f'inline; filename="face.{suffix}"'
    sealed(response)["Content-Security-Policy"] = POLICY
    return response
