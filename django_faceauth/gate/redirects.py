"""URLs that the browser goes on to."""

from __future__ import annotations

import logging
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
from django_faceauth.gate.problem_details import is_htmx, wants_problem
from django_faceauth.gate.view_methods import answered_by
from django_faceauth.models import FaceChallenge
from django_faceauth.models.challenge import FACE
from django_faceauth.services.grants import identity
from django_faceauth.services.monitoring import observations
from django_faceauth.services.monitoring.observations import Observation
from django_faceauth.services.second_ways import registry

logger = logging.getLogger(__name__)


def is_fragment(request: HttpRequest) -> bool:
    """Return whether htmx asks for a part of a page; boosted links ask for whole pages."""
    return is_htmx(request) and "HX-Boosted" not in request.headers


def destination(request: HttpRequest) -> str:
    """Return the local URL to go on to after this refused request.

    That is the page itself; for a request of htmx or a script, the page that sent it. A
    request that changes something is not repeated: the user goes to the same URL if it has a
    page, or to the page they came from.
    """
    if is_fragment(request):
        return local(_own(request, request.headers.get("HX-Current-URL", "")))
    if request.method in {"GET", "HEAD"}:
        has_page = not wants_problem(request)
    else:
        methods = answered_by(request.resolver_match.func if request.resolver_match else None)
        has_page = methods is None or "GET" in methods
    return local(request.get_full_path()) if has_page else origin(request)


def origin(request: HttpRequest) -> str:
    """Return the page of this site that sent a request, or `home()`."""
    return local(_own(request, request.headers.get("Referer", "")))


def local(url: str) -> str:
    """Return `url` if it stays on this site, else `home()`."""
    # Django calls no long URL safe; the beginning of a path is enough.
    start = url[:MAX_URL_LENGTH] if url.startswith("/") else url
    return url if url_has_allowed_host_and_scheme(start, allowed_hosts=None) else home()


def home() -> str:
    """Return the URL for users who do not go on."""
    return resolve_url(settings.LOGIN_REDIRECT_URL)


def way_on(challenge: FaceChallenge) -> str:
    """Return the URL that the user goes on to with a grant."""
    if challenge.saved_form_data is not None:
        return reverse("faceauth:continue", args=[challenge.handle])
    return local(challenge.next_url)


def way_back(request: HttpRequest, handle: str, *, name: str = "faceauth:returned") -> str:
    """Return the URL that the provider sends the browser back to."""
    forwarded = request.headers.get("X-Forwarded-Proto", "").partition(",")[0].strip().lower()
    is_own_origin = request.headers.get("Origin") == f"https://{request.get_host()}"
    if not request.is_secure() and (forwarded == "https" or is_own_origin):
        logger.warning("return URL is plain HTTP: is SECURE_PROXY_SSL_HEADER set?")
        observations.note(Observation.PLAIN_RETURN_URL, timezone.now())
    return request.build_absolute_uri(reverse(name, args=[handle]))


def fallback_for(handle: str = "") -> str:
    """Return the URL of the site's fallback page; empty if it has none."""
    if not conf.FALLBACK:
        return ""
    url = resolve_url(conf.FALLBACK)
    if not handle:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode({'challenge': handle})}"


def other_way(challenge: FaceChallenge, *, has_page: bool = True) -> str:
    """Return the URL at which the user can answer without a face; empty if there is none.

    Without a session, no page of ours could be opened.
    """
    if has_page and registry.open_for(challenge):
        return reverse("faceauth:second-ways", args=[challenge.handle])
    return fallback_for(challenge.handle) if takes_fallback(challenge) else ""


def other_ways(request: HttpRequest, challenge: FaceChallenge) -> dict[str, Any]:
    """Return what a client is told of answers without a face."""
    url = other_way(challenge, has_page=not identity.principal_of(request).names_challenge)
    ways = {"ways": list(registry.open_for(challenge))} if conf.SECOND_WAYS else {}
    return {"fallback_url": request.build_absolute_uri(url) if url else None, **ways}


def takes_fallback(challenge: FaceChallenge) -> bool:
    """Return whether the site's fallback page may answer; what we take ourselves is not its."""
    accept = challenge.accept
    others = accept is None or {*accept} - {FACE, *conf.SECOND_WAYS}
    return bool(conf.FALLBACK and others)


def _own(request: HttpRequest, url: str) -> str:
    """Return path and query of a URL of this site; empty for one of another site."""
    if not url_has_allowed_host_and_scheme(
        url[:MAX_URL_LENGTH], allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        return ""
    parts = urlsplit(url)
    return iri_to_uri(parts._replace(scheme="", netloc="", fragment="").geturl())
