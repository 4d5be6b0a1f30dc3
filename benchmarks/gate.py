"""Gated pages and endpoints against a login alone."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone

from benchmarks.measuring import Environ, Figure, answer, compare, request_factory, statements
from django_faceauth.models import FaceChallenge
from django_faceauth.testing import face_shown


def measure(*, quick: bool) -> Iterator[Figure]:
    """Yield the ratios and numbers of statements of open gates, for pages and for the API."""
    most_page = 1.35 if connection.vendor == "postgresql" else 1.15
    for prefix, most in (("page", most_page), ("api", 1.25)):
        yield from _compare_with_login(prefix, most, batches=11 if quick else 201)


def _compare_with_login(prefix: str, most_window: float, batches: int) -> Iterator[Figure]:
    cookies = [_log_in(f"{prefix} visitor {number}") for number in range(20)]
    plain = f"/{prefix}/login/"

    def requests(path: str) -> list[Environ]:
        _renew_grants()
        headers = ({"cookie": f"sessionid={cookie}", "accept": "*/*"} for cookie in cookies)
        return [request_factory.get(path, headers=each).environ for each in headers]

    for name, url, most, most_added in (
        ("fresh window", f"/{prefix}/window/", most_window, 1),
        ("bound single-use approval", f"/{prefix}/bound/1/", None, None),
    ):
        for environ in (*requests(url), *requests(plain)):
            response = answer(environ)
            if response.content.strip(b'"') != b"page":  # or something else would be measured
                raise RuntimeError(f"{environ['PATH_INFO']} answered {response.status_code}")
        what = f"{prefix}, {name}"
        yield compare(
            f"{what}, against a login alone",
            lambda url=url: requests(url),
            lambda: requests(plain),
            batches=batches,
            most=most,
        )
        ours, reference = (len(statements(requests(path)[0])) for path in (url, plain))
        added = ours - reference
        yield Figure(f"{what}: queries added", str(ours), str(reference), added, most=most_added)


def _log_in(username: str) -> str:
    """Return the session key of a new user with a window and a bound approval."""
    client = Client()
    face_shown(client, user=User.objects.create_user(username))
    face_shown(client, action="pay", binding={"payment": 1, "payee": "Anna"})
    # As if the session had been used with both, or the first request would rotate it.
    FaceChallenge.objects.update(session_rotated_at=timezone.now())
    return str(client.session.session_key)


def _renew_grants() -> None:
    used = FaceChallenge.objects.exclude(state="open")
    used.update(state="granted", consumed_at=None, verified_at=timezone.now())
