"""The captured face, passed through from the provider."""

from __future__ import annotations

import logging
from typing import Any, cast

from django.contrib.admin import ModelAdmin
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from django_faceauth.admin import base
from django_faceauth.exceptions import NotFound, ProviderError
from django_faceauth.gate import face_required
from django_faceauth.models import FaceAuthentication
from django_faceauth.security_headers import sealed
from django_faceauth.services.grants.formatting import moment, visible
from django_faceauth.services.review import face_image

logger = logging.getLogger(__name__)


@require_GET
@face_required(action="view-face", max_age=300)
def face(request: HttpRequest, pk: int, *, model_admin: ModelAdmin[Any]) -> HttpResponse:
    """Show the newest captured face to a reviewer who has just confirmed their own."""
    row = get_object_or_404(FaceAuthentication.objects.select_related("user"), pk=pk)
    by = cast(AbstractBaseUser, request.user)  # staff, says the admin
    site, status, image = model_admin.admin_site, 200, None
    try:
        image, attempt = face_image.portrait_of(row, by=by, now=timezone.now())
    except NotFound:
        status = 404
        text = _("There is no image of the face: none was captured, or it was erased.")
    except ProviderError:
        logger.warning("face not shown authentication=%s", row.pk)
        status = 503
        text = _("The image could not be fetched just now. Please try again.")
    else:
        at = moment(attempt.capture_not_after or attempt.created_at)
        whose = {"user": visible(row.user.get_username()), "moment": at}
        text = _("Face of %(user)s, captured by %(moment)s") % whose
    page = "review" if base.may(request, "review_faceauthentication") else "change"
    context = {
        **site.each_context(request),
        "title": _("Captured face"),
        "media": model_admin.media,
        "original": row,
        "case_url": reverse(f"{site.name}:faceauth_faceauthentication_{page}", args=[pk]),
        "image": image,  # in the page itself: it has no URL that a cache could keep
        "text": text,
    }
    request.current_app = site.name
    return sealed(render(request, "admin/faceauth/face.html", context, status=status))
