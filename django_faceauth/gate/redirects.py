"""Where a visitor goes on to, after the face."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils import timezone
from django.utils.encoding import iri_to_uri
from django.utils.http import MAX_URL_LENGTH, url_has_allowed_host_and_scheme, urlencode

from django_faceauth.conf import conf
from django_faceauth.gate.htmx import is_fragment, page_of
from django_faceauth.gate.problem_details import wants_problem
from django_faceauth.gate.view_methods import answered_by
from django_faceauth.models import FaceChallenge
from django_faceauth.services.monitoring import observations
from django_faceauth.services.monitoring.observations import Observation

logger = logging.getLogger(__name__)

SAFE_METHODS = frozenset({"GET", "HEAD"})


def destination(request: HttpRequest) -> str:
    """Return the local address to go on to after this refused request.

    A page is asked for again, and what htmx or a script asked for by its page. What would
    have changed something is not repeated: the user goes to the same address if it has a
    page, or to the page they came from.
    """
    if is_fragment(request):
        return local(_own(request, page_of(request)))
    return local(request.get_full_path()) if _has_page(request) else origin(request)


def origin(request: HttpRequest) -> str:
    """Return the page of this site that sent a request, or `home()`."""
    return local(_own(request, request.headers.get("Referer", "")))


def local(url: str) -> str:
    """Return `url` if it stays on this site, else `home()` (U-02)."""
    # Django calls no long URL safe. The beginning tells of a path that it is one.
    start = url[:MAX_URL_LENGTH] if url.startswith("/") else url
    return url if url_has_allowed_host_and_scheme(start, allowed_hosts=None) else home()


def home() -> str:
    """Return where people go who do not want to go on."""
    return resolve_url(settings.LOGIN_REDIRECT_URL)


def way_on(challenge: FaceChallenge) -> str:
    """Return where the visitor goes on to with a grant."""
    if challenge.saved_form_data is not None:
        return reverse("faceauth:continue", args=[challenge.handle])
    return local(challenge.next_url)


def way_back(request: HttpRequest, challenge: FaceChallenge) -> str:
    """Return the address that the provider sends the browser back to."""
    if not request.is_secure() and _comes_over_https(request):
        logger.warning("return URL is plain HTTP: is SECURE_PROXY_SSL_HEADER set?")
        observations.note(Observation.PLAIN_RETURN_URL, timezone.now())
    return request.build_absolute_uri(reverse("faceauth:returned", args=[challenge.handle]))


def fallback_for(handle: str = "") -> str:
    """Return the site's other way for people who cannot pass, or nothing if it has none."""
    if not conf.FALLBACK:
        return ""
    url = resolve_url(conf.FALLBACK)
    if not handle:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode({'challenge': handle})}"


def _comes_over_https(request: HttpRequest) -> bool:
    """Return whether the browser used HTTPS, although Django was not told so."""
    forwarded = request.headers.get("X-Forwarded-Proto", "").partition(",")[0].strip().lower()
    is_own_origin = request.headers.get("Origin") == f"https://{request.get_host()}"
    return forwarded == "https" or is_own_origin


def _own(request: HttpRequest, url: str) -> str:
    """Return path and query of the page that sent the request, if it is one of this site."""
    if not url_has_allowed_host_and_scheme(
        url[:MAX_URL_LENGTH], allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        return ""
    parts = urlsplit(url)
    return iri_to_uri(parts._replace(scheme="", netloc="", fragment="").geturl())


def _has_page(request: HttpRequest) -> bool:
    """Tell whether the address of a request is one to show to people."""
    if request.method in SAFE_METHODS:
        return not wants_problem(request)
    return _answers_get(_view_of(request))


def _view_of(request: HttpRequest) -> Callable[..., Any] | None:
    return request.resolver_match.func if request.resolver_match else None


def _answers_get(view: Callable[..., Any] | None) -> bool:
    """Tell whether a view has a page to show; a view that does not say is taken to."""
    methods = answered_by(view)
    return methods is None or "GET" in methods
