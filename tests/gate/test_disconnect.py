"""Clients that disconnect while an async view works."""

from __future__ import annotations

import asyncio

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpResponse
from django.urls import path
from django.views import View

from django_faceauth.gate import FaceRequiredMixin, face_required
from django_faceauth.models import FaceChallenge
from tests.addresses import served
from tests.site.models import Payment

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]


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


def test_a_disconnect_does_not_give_the_face_back(approved):
    """The work goes on to its end, and the use of the face is committed with it (F-02)."""
    for _ in range(3):
        hangs_up(approved.browser, "/order/")

    assert Payment.objects.count() == 2  # of the face check, and of the first that hung up
    assert FaceChallenge.objects.filter(state="consumed").count() == 1


def test_work_that_fails_after_the_disconnect_leaves_nothing(approved):
    """T-2.8."""
    hangs_up(approved.browser, "/order/?fail=1")

    assert Payment.objects.count() == 1
    assert FaceChallenge.objects.get().state == "granted"
