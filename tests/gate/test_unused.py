"""Responses that use up a single-use grant, and responses that do not (F-27)."""

from __future__ import annotations

import logging

import pytest
from django import forms
from django.contrib import admin
from django.contrib.admin.actions import delete_selected
from django.http import HttpResponse
from django.template.response import TemplateResponse
from django.test import override_settings
from django.urls import path
from django.utils.decorators import method_decorator
from django.views.generic import FormView

from django_faceauth.gate import FaceRequiredMixin, face_required, unused
from django_faceauth.gate.admin import face_required_action
from django_faceauth.models import FaceChallenge
from django_faceauth.testing import face_shown
from tests.gate.test_admin import make_staff
from tests.site import urls as site_urls
from tests.site.models import Payment
from tests.test_checks import addresses, where

pytestmark = pytest.mark.database
ACTION = {"action": "once", "methods": ["POST"], "single_use": True}


@face_required(**ACTION)
def answering(request):
    Payment.objects.create(user=request.user, payee="Bob", amount=1)
    answer = HttpResponse("answer", status=int(request.GET["status"]))
    return unused(answer) if "unused" in request.GET else answer


@face_required(**ACTION)
async def answering_async(request):
    answer = HttpResponse("answer", status=int(request.GET["status"]))
    return unused(answer) if "unused" in request.GET else answer


class AmountForm(forms.Form):
    amount = forms.IntegerField()


class Amount(FormView):
    form_class = AmountForm
    template_name = "expiry.html"
    success_url = "/home/"


class Mixed(FaceRequiredMixin, Amount):
    face_action, face_methods, face_single_use = "once", ["POST"], True


class MixedLast(Amount, FaceRequiredMixin):
    face_action, face_methods, face_single_use = "once", ["POST"], True


@method_decorator(face_required(**ACTION), name="dispatch")
class Marked(Amount):
    def form_invalid(self, form):
        return unused(super().form_invalid(form))


@face_required_action(action="once", single_use=True)
def close(desk, request, rows):
    if "sure" not in request.POST:
        template = "<input type='hidden' value='close' name='action'><button>Sure?"
        return HttpResponse(template)
    rows.update(paid=1)
    return HttpResponse("<input name='action' value='another'> closed")


site = admin.AdminSite(name="unused")
remove = face_required_action(action="once", single_use=True)(delete_selected)
site.register(Payment, type("Desk", (admin.ModelAdmin,), {"actions": [close, remove]}))
site.disable_action("delete_selected")

urlpatterns = [
    *site_urls.urlpatterns,
    path("answering/", answering),
    path("answering/async/", answering_async),
    path("mixed/", Mixed.as_view()),
    path("mixed/last/", MixedLast.as_view()),
    path("marked/", Marked.as_view()),
    path("unused/", site.urls),
    path("once/any/", face_required(action="once", single_use=True)(lambda r: HttpResponse("in"))),
]


@pytest.fixture(autouse=True)
def served():
    with override_settings(ROOT_URLCONF=__name__):
        yield


def state(challenge):
    challenge.refresh_from_db()
    return challenge.state


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status=200", "consumed"),
        ("status=302", "consumed"),
        ("status=500", "consumed"),
        ("status=400", "granted"),
        ("status=422", "granted"),
        ("status=200&unused", "granted"),
    ],
)
def test_a_response_by_which_nothing_was_done_uses_nothing_up(person, query, expected):
    """Its writes are rolled back, too (F-27)."""
    challenge = face_shown(person.browser, action="once")

    assert person.browser.post(f"/answering/?{query}").content == b"answer"

    assert state(challenge) == expected
    assert Payment.objects.count() == (expected == "consumed")


@pytest.mark.django_db(transaction=True)
def test_the_same_for_an_async_view(person):
    challenge = face_shown(person.browser, action="once")

    person.browser.post("/answering/async/?status=409")
    assert state(challenge) == "granted"
    person.browser.post("/answering/async/?status=200")
    assert state(challenge) == "consumed"


@pytest.mark.parametrize("address", ["/mixed/", "/mixed/last/", "/marked/"])
def test_an_invalid_form_uses_nothing_up(person, address):
    """Neither does the page with the form (F-27)."""
    challenge = face_shown(person.browser, action="once")

    assert person.browser.get(address).status_code == 200
    assert person.browser.post(address, {"amount": "much"}).status_code == 200
    assert state(challenge) == "granted"
    assert person.browser.post(address, {"amount": "7"})["Location"] == "/home/"
    assert state(challenge) == "consumed"


@pytest.mark.parametrize(
    "header",
    [
        {"sec-purpose": "prefetch"},
        {"sec-purpose": "prefetch;prerender"},
        {"purpose": "prefetch"},
        {"x-moz": "prefetch"},
        {"x-purpose": "preview"},
    ],
)
def test_a_prefetch_never_passes(person, header, caplog):
    """It uses nothing up, makes no challenge, and logs no error (F-27)."""
    with caplog.at_level(logging.WARNING):
        refused = person.browser.get("/once/any/", headers=header)
        assert FaceChallenge.objects.count() == 0
        challenge = face_shown(person.browser, action="once")
        answer = person.browser.get("/once/any/", headers=header)

    assert refused.status_code == answer.status_code == 503
    assert answer["Cache-Control"] == "no-store, private"
    assert answer.content == b""
    assert state(challenge) == "granted"
    assert not caplog.records
    assert person.browser.get("/once/any/").content == b"in"


@pytest.mark.parametrize(("action", "sure"), [("close", "sure"), ("delete_selected", "post")])
def test_one_face_for_an_action_with_a_confirmation_page(person, action, sure):
    make_staff(person)
    payment = Payment.objects.create(user=person.user, payee="Bob", amount=1)
    chosen = {"action": action, "_selected_action": [payment.pk]}
    challenge = face_shown(person.browser, action="once")

    page = person.browser.post("/unused/shop/payment/", chosen)
    assert b'type="hidden" name="action"' in page.content or b"Sure?" in page.content
    assert state(challenge) == "granted"
    person.browser.post("/unused/shop/payment/", {**chosen, sure: "yes"})

    assert state(challenge) == "consumed"
    assert not Payment.objects.filter(pk=payment.pk, paid=0).exists()


class ForPost(Mixed):
    face_methods = None
    http_method_names = ["post"]


@pytest.mark.parametrize(
    ("view", "is_found"),
    [
        (type("Any", (Mixed,), {"face_methods": None}).as_view(), True),
        (Mixed.as_view(), False),
        (ForPost.as_view(), False),
        (face_required(single_use=True)(answering.__wrapped__), True),
        (face_required(bind=lambda request: {"a": 1})(answering.__wrapped__), True),
        (face_required(single_use=True, methods=["GET", "POST"])(answering.__wrapped__), False),
        (face_required(answering.__wrapped__), False),
    ],
)
def test_a_gate_that_reading_would_use_up_is_reported(view, is_found):
    with addresses(path("page/", view), path("desk/", site.urls)):
        assert where("W031") == ({"/page/"} if is_found else set())


def test_a_page_that_is_not_rendered_yet_uses_the_grant_up(person, rf):
    request = rf.post("/", {"action": "close"})
    request.user, request.session = person.user, person.browser.session
    challenge = face_shown(request, action="once")
    page = TemplateResponse(request, "expiry.html")

    acted = face_required_action(action="once", single_use=True)(lambda desk, request, rows: page)
    assert acted(None, request, None) is page
    assert state(challenge) == "consumed"
