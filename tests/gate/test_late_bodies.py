"""Requests whose head comes in time and whose body comes late, as WSGI servers hand them on."""

from __future__ import annotations

import json
from io import BytesIO
from urllib.parse import urlencode

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.db import connection
from django.http import HttpResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from django_faceauth.gate import face_required
from django_faceauth.services.grants import revocation
from tests.addresses import served

pytestmark = [pytest.mark.database, pytest.mark.django_db]

FORM = ("application/x-www-form-urlencoded", urlencode({"amount": "1"}))
JSON = ("application/json", json.dumps({"amount": 1}))
PROBLEM = ("application/vnd.bank+json; charset=utf-8", json.dumps({"amount": 1}))


@csrf_exempt
@face_required(action="payout", max_age=120)
def payout(request):
    return HttpResponse(f"paid {request.body.decode()}")


@csrf_exempt
@face_required(action="payout", max_age=120)
def streamed(request):
    return HttpResponse(f"paid {request.read().decode()}")


@pytest.fixture(params=[payout, streamed])
def site(request):
    with served(path("late/", request.param)):
        yield


class SlowBody(BytesIO):
    """A body before which something else happens."""

    def __init__(self, content, happens):
        super().__init__(content)
        self.happens = happens

    def read(self, *size):
        if self.happens:
            self.happens()
            self.happens = None
        return super().read(*size)


def sends(browser, body, happens):
    """Send a request whose body comes late; return its status and what is answered."""
    kind, text = body
    late = {"wsgi.input": SlowBody(text.encode(), happens)}
    response = browser.generic("POST", "/late/", text, kind, **late)
    return response.status_code, response.content.decode()


@pytest.fixture
def fresh(person, site):
    person.proves(person.is_asked("/late/"))
    return person


@pytest.mark.parametrize("body", [FORM, JSON, PROBLEM], ids=["form", "JSON", "+json"])
def test_a_body_that_comes_in_time_is_there_for_the_view(fresh, body):
    """Also for a view that reads it as a stream."""
    assert sends(fresh.browser, body, lambda: None) == (200, f"paid {body[1]}")


@pytest.mark.parametrize("body", [FORM, JSON, PROBLEM], ids=["form", "JSON", "+json"])
def test_the_time_is_that_of_the_body(fresh, body):
    """The face counted when the head came, and no more when the body did (F-03)."""
    status, text = sends(fresh.browser, body, lambda: fresh.clock.shift(600))

    assert status in {302, 401}
    assert "paid" not in text


@pytest.mark.parametrize("body", [FORM, JSON], ids=["form", "JSON"])
def test_what_was_revoked_before_the_body_came_opens_nothing(fresh, body):
    """Nor after a log-out in another tab, which ends the grants of the session (F-03)."""
    status, _text = sends(
        fresh.browser,
        body,
        lambda: revocation.end_all(fresh.user.pk, reason="staff", now=timezone.now()),
    )

    assert status in {302, 401}


def test_no_transaction_is_open_while_the_body_comes(fresh, transactional_db):
    """A slow client would hold its locks (F-03)."""
    seen = []
    once = csrf_exempt(face_required(action="once", single_use=True)(lambda _: HttpResponse("ok")))

    with served(path("late/", once)):
        sends(fresh.browser, JSON, lambda: seen.append(connection.in_atomic_block))

    assert seen == [False]


def test_multipart_bodies_are_left_to_the_view(person):
    """It may set upload handlers, which Django refuses once the body was read (F-32)."""

    def upload(request):
        request.upload_handlers = [MemoryFileUploadHandler(request)]
        return HttpResponse(request.FILES["scan"].read())

    gate = face_required(action="upload")
    with served(path("late/", gate(csrf_exempt(upload)))):
        way_back = person.shows_face(person.is_handed_over(person.is_asked("/late/")))
        person.clock.shift(3)
        person.returns(way_back)  # and does not go on to the page
        answer = person.browser.post("/late/", {"scan": ContentFile(b"a face", name="scan")})

    assert answer.content == b"a face"
