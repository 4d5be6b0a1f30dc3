"""What a gate adds to a request, through the whole of Django's handler."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from benchmarks import deliveries
from benchmarks.deliveries import Environ
from benchmarks.figures import Figure, Side, compare
from django_faceauth.models import FaceAuthentication, FaceChallenge
from django_faceauth.services.enrolment import applicants
from django_faceauth.services.grants import grants
from django_faceauth.services.grants.binding import snapshot_of
from django_faceauth.services.grants.challenge_spec import ChallengeSpec

PLAIN, WINDOW, BOUND = "/gated/login/", "/gated/window/", "/gated/bound/1/"
#: Visitors, each with a session and grants of their own.
VISITORS = 20


def measure(*, quick: bool) -> Iterator[Figure]:
    """Yield the ratios and the counts of queries; both gates are open."""
    handler, cookies = WSGIHandler(), [visitor(number) for number in range(VISITORS)]
    batches = 11 if quick else 201
    against = partial(versus, handler, cookies, batches=batches, size=VISITORS)
    plain = queries(handler, PLAIN, cookies[0])
    yield against("fresh window gate, against login_required", WINDOW, most=1.25)
    yield added("fresh window gate: queries added", handler, WINDOW, cookies[0], plain, most=1)
    yield against("bound single-use gate, against login_required", BOUND)
    _renew()
    yield added("bound single-use gate: queries added", handler, BOUND, cookies[0], plain)


def visitor(number: int) -> str:
    """Return the session key of somebody whose grants are fresh, and were seen before."""
    user = User.objects.create_user(f"visitor{number}")
    applicant = applicants.link(user, f"aplt_visitor{number:04}")
    request = HttpRequest()
    request.session, request.user = SessionStore(), user
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    _grant(request, applicant.applicant_id, ChallengeSpec("", timedelta(hours=1)))
    snapshot = snapshot_of({"payment": 1, "payee": "Anna"})
    _grant(request, applicant.applicant_id, ChallengeSpec("pay", timedelta(hours=1), snapshot))
    request.session.save()
    return str(request.session.session_key)


def _grant(request: HttpRequest, applicant_id: str, question: ChallengeSpec) -> None:
    now = timezone.now()
    challenge = grants.ask(request, question, window=timedelta(hours=1), now=now)
    challenge.authentication = FaceAuthentication.objects.create(
        user_id=challenge.user_id,
        provider_id=f"fav_{challenge.pk:026}",
        applicant_id=applicant_id,
        user_journey_id=settings.FACEAUTH_USER_JOURNEY_ID,
        environment="sandbox",
        status="approved",
    )
    challenge.session_rotated_at = now
    challenge.save()
    grants.issue(challenge, verified_at=now, now=now)


def _renew(_done: object = None) -> None:
    """Make every grant as good as new: this machine may take longer than a window."""
    used = FaceChallenge.objects.exclude(state="open")
    used.update(state="granted", consumed_at=None, verified_at=timezone.now())


def versus(
    handler: WSGIHandler,
    cookies: list[str],
    what: str,
    path: str,
    plain: str = PLAIN,
    **options: Any,
) -> Figure:
    """Compare two pages, which all visitors ask for in turns."""
    sides = (
        Side(partial(_requests, each, cookies), partial(_get, handler), after=lambda _: None)
        for each in (path, plain)
    )
    return compare(what, *sides, **options)


def _requests(path: str, cookies: list[str], size: int) -> list[Environ]:
    _renew()
    return [_environ(path, cookie) for cookie in cookies[:size]]


def _environ(path: str, cookie: str) -> Environ:
    method = {"REQUEST_METHOD": "GET", "HTTP_COOKIE": f"sessionid={cookie}", "HTTP_ACCEPT": "*/*"}
    return deliveries.environ(path, b"", None, **method)


def _get(handler: WSGIHandler, environ: Environ) -> HttpResponse:
    response = handler(environ, deliveries.start)
    if response.content.strip(b'"') != b"page":  # or something else would be measured
        raise AssertionError(f"{environ['PATH_INFO']} answered {response.status_code}")
    return response


def queries(handler: WSGIHandler, path: str, cookie: str) -> int:
    """Count the statements of one request, but for the frame of its transaction."""
    with CaptureQueriesContext(connection) as captured:
        _get(handler, _environ(path, cookie))
    frame = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "SET")
    return sum(not query["sql"].startswith(frame) for query in captured.captured_queries)


def added(
    what: str,
    handler: WSGIHandler,
    path: str,
    cookie: str,
    plain: int,
    most: float | None = None,
) -> Figure:
    """Tell how many statements a page has more than `plain`."""
    more = queries(handler, path, cookie) - plain
    return Figure(what, str(more + plain), str(plain), more, most=most)
