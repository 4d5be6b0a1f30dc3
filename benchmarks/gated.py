"""The same small page behind a login, behind a window, and behind a bound approval."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse

from django_faceauth.gate import face_required


def page(_request: HttpRequest, **_arguments: object) -> HttpResponse:
    """Answer as little as a view can."""
    return HttpResponse("page")


def snapshot(_request: HttpRequest, pk: int) -> dict[str, object]:
    """Return something to approve, without asking the database: that is the site's own cost."""
    return {"payment": pk, "payee": "Anna"}


logged_in = login_required(page)
window = face_required(page)
bound = face_required(action="pay", bind=snapshot)(page)
