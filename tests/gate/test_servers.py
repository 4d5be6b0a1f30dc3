"""Bodies that arrive late under WSGI, and clients that disconnect under ASGI."""

from __future__ import annotations

import asyncio
import json
from io import BytesIO
from urllib.parse import urlencode

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from django.core.files.base import ContentFile
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.core.handlers.asgi import ASGIHandler
from django.db import connection
from django.http import HttpResponse
from django.urls import path
from django.utils import timezone
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from django_faceauth.gate import FaceRequiredMixin, face_required
from django_faceauth.models import FaceChallenge
from django_faceauth.services.grants import revocation
from tests.addresses import served
from tests.site.models import Payment

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
    """A body before which something happens."""

    def __init__(self, content, happens):
        super().__init__(content)
        self.happens = happens

    def read(self, *size):
        if self.happens:
            self.happens()
            self.happens = None
        return super().read(*size)


def sends(browser, body, happens):
    """Send a request with a late body; return the status and the content of the response."""
    kind, text = body
    late = {"wsgi.input": SlowBody(text.encode(), happens)}
    response = browser.generic("POST", "/late/", text, kind, **late)
    return response.status_code, response.content.decode()


@pytest.fixture
def fresh(person, site):
    person.proves(person.is_asked("/late/"))
    return person


def revoke(person):
    revocation.end_all(person.user.pk, reason="staff", now=timezone.now())


@pytest.mark.parametrize("body", [FORM, JSON, PROBLEM], ids=["form", "JSON", "+json"])
def test_the_gate_decides_after_the_body(fresh, body):
    """The view can read it, also as a stream; a face may expire or be revoked before (F-03)."""
    assert sends(fresh.browser, body, lambda: None) == (200, f"paid {body[1]}")

    status, _content = sends(fresh.browser, body, lambda: revoke(fresh))
    assert status in {302, 401}
    FaceChallenge.objects.filter(state="revoked").update(state="granted", revoked_at=None)
    assert sends(fresh.browser, body, lambda: None)[0] == 200
    status, _content = sends(fresh.browser, body, lambda: fresh.clock.shift(600))
    assert status in {302, 401}


def test_no_transaction_is_open_while_the_body_arrives(fresh, transactional_db):
    """A slow client would hold its locks (F-03)."""
    seen = []
    once = csrf_exempt(face_required(action="once", single_use=True)(lambda _: HttpResponse("ok")))

    with served(path("late/", once)):
        sends(fresh.browser, JSON, lambda: seen.append(connection.in_atomic_block))

    assert seen == [False]


def test_multipart_bodies_are_left_to_the_view(person):
    """It may set upload handlers, which Django refuses after the body was read (F-32)."""

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


async def order(request):
    """Write a row, wait for an outside call, and fail after it if the query says so."""
    await Payment.objects.acreate(user_id=request.user.pk, payee="Anna", amount=1)
    await asyncio.sleep(0.3)
    if "fail" in request.GET:
        raise ValueError("the outside call failed")
    return HttpResponse("ordered")


class Order(FaceRequiredMixin, View):
    face_action = "once"
    face_single_use = True

    async def get(self, request):
        return await order(request)


once = face_required(action="once", single_use=True)
bound = face_required(action="once", bind=lambda _request: {"payee": "Anna"})


def hangs_up(browser, url):
    """Send a request, close the connection while the view works, and wait for the server."""
    url, _, query = url.partition("?")
    cookies = "; ".join(f"{name}={cookie.value}" for name, cookie in browser.cookies.items())
    scope = {
        "type": "http",
        "method": "GET",
        "path": url,
        "query_string": query.encode(),
        "headers": [(b"host", b"testserver"), (b"cookie", cookies.encode())],
    }

    async def run():
        connection = ApplicationCommunicator(ASGIHandler(), scope)
        await connection.send_input({"type": "http.request"})
        await asyncio.sleep(0.15)
        await connection.send_input({"type": "http.disconnect"})
        await connection.wait(timeout=10)

    async_to_sync(run)()


@pytest.fixture(params=[once(order), bound(order), Order.as_view()], ids=["once", "bound", "mixin"])
def approved(request, person):
    """A user with a grant that was not used yet, and one order from the face check."""
    with served(path("order/", request.param)):
        person.proves(person.is_asked("/order/"))
        FaceChallenge.objects.update(state="granted", consumed_at=None, reason="approved")
        yield person


@pytest.mark.django_db(transaction=True)
def test_a_disconnect_does_not_give_the_face_back(approved):
    """The work goes on to its end, and the use of the face is committed with it (F-02)."""
    for _ in range(3):
        hangs_up(approved.browser, "/order/")

    assert Payment.objects.count() == 2  # of the face check, and of the first that hung up
    assert FaceChallenge.objects.filter(state="consumed").count() == 1


@pytest.mark.django_db(transaction=True)
def test_work_that_fails_after_the_disconnect_leaves_nothing(approved):
    """T-2.8."""
    hangs_up(approved.browser, "/order/?fail=1")

    assert Payment.objects.count() == 1
    assert FaceChallenge.objects.get().state == "granted"
