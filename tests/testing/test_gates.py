"""Assertions on the gates of URLs."""

from __future__ import annotations

from functools import partial

import pytest
from django.contrib import admin
from django.http import HttpResponse
from django.urls import include, path, re_path
from django.views import View
from rest_framework.permissions import IsAdminUser, IsAuthenticated
from rest_framework.views import APIView

from django_faceauth.api.permissions import require_face
from django_faceauth.gate import FaceRequiredMixin, face_required
from django_faceauth.gate.admin import FaceRequiredAdminSite, FaceRequiredModelAdmin
from django_faceauth.testing import assert_gated, ungated
from tests.addresses import served
from tests.site.models import Payment


def page(request):
    return HttpResponse("open")


class Page(View):
    def get(self, request):
        return HttpResponse("open")

    post = get


class GatedPage(FaceRequiredMixin, Page):
    face_action = "payout"


class Endpoint(APIView):
    permission_classes = [IsAuthenticated]

    def get(self, request):
        return HttpResponse("open")

    post = get


send = face_required(action="payout", methods=["POST"])(page)


def payouts(*patterns, namespace=None):
    return path("payouts/", include((list(patterns), "payouts"), namespace=namespace))


def wrong(*patterns, **more):
    return [f"{one.place.address} {one.problem}" for one in ungated(*patterns, **more)]


OPEN = "no gate stands in front of all requests"


@pytest.mark.parametrize(
    "pattern", ["payouts:*", "payouts:send", "*:se*", "/payouts/", "/payouts/*/", "/"]
)
def test_a_gate_that_is_removed(pattern):
    with served(payouts(path("<int:pk>/", face_required(page), name="send"))):
        assert_gated(pattern)

    with (
        served(payouts(path("<int:pk>/", page, name="send"))),
        pytest.raises(AssertionError) as failed,
    ):
        assert_gated(pattern)

    assert str(failed.value).splitlines()[:2] == [
        "These URLs open without a face:",
        "  /payouts/<int:pk>/ (payouts:send, tests.testing.test_gates.page): " + OPEN,
    ]
    assert "Put @face_required on the view" in str(failed.value)


def test_every_open_address_is_named_and_no_other():
    with served(
        path("", page),
        payouts(
            path("1/", page, name="one"),
            path("2/", face_required(page)),
            path("3/", Page.as_view()),
            path("4/", GatedPage.as_view()),
            re_path(r"^5/(?P<pk>[1-9])/$", page, name="five"),
        ),
    ):
        assert wrong("payouts:*") == [
            f"/payouts/1/ {OPEN}",
            f"/payouts/3/ {OPEN}",
            rf"/payouts/^5/(?P<pk>[1-9])/$ {OPEN}",
        ]
        assert "tests.testing.test_gates.Page)" in str(ungated("/payouts/3/")[0])
        assert wrong("/payouts/5/") == [rf"/payouts/^5/(?P<pk>[1-9])/$ {OPEN}"]
    with served(path("send/", GatedPage.as_view(face_max_age=0), name="send")):
        assert "cannot work" in wrong("send")[0]
    with served(payouts(path("1/", page, name="one"), namespace="private")):
        assert len(ungated("payouts:*")) == len(ungated("private:one")) == 1


@pytest.mark.parametrize("pattern", ["payout:*", "/payout/", "face", "", "faceauth:*"])
def test_a_pattern_that_names_nothing(pattern):
    """A test that looks at nothing must not pass, nor an exception that is not needed."""
    with served(payouts(path("1/", face_required(page), name="one"))):
        for arguments in ({}, {"except_": [pattern]}):
            with pytest.raises(AssertionError, match="names no URL"):
                assert_gated("payouts:*" if arguments else pattern, **arguments)


@pytest.mark.parametrize(
    ("view", "arguments", "problem"),
    [
        (send, {}, "the gate leaves GET open"),
        (send, {"methods": ["post", "delete"]}, ""),
        (send, {"methods": ["POST"], "action": "payout"}, ""),
        (
            send,
            {"methods": ["POST"], "action": "pay"},
            "the gate asks for 'payout', not for 'pay'",
        ),
        (GatedPage.as_view(), {"methods": ["POST"]}, ""),
        (GatedPage.as_view(face_methods=["POST"]), {}, "the gate leaves GET open"),
        (GatedPage.as_view(face_methods=["POST"]), {"methods": ["POST"]}, ""),
        (Page.as_view(http_method_names=["get"]), {"methods": ["DELETE"]}, ""),
        (
            face_required(methods=["GET"])(page),
            {},
            "the gate leaves DELETE, PATCH, POST, PUT open",
        ),
        (partial(send), {"methods": ["POST"]}, ""),
    ],
)
def test_methods_and_actions(view, arguments, problem):
    with served(path("url/", view)):
        assert wrong("/url/", **arguments) == ([f"/url/ {problem}"] if problem else [])


@pytest.mark.parametrize(
    ("permissions", "is_gated"),
    [
        ([IsAuthenticated, require_face()], True),
        ([IsAuthenticated & require_face()], True),
        ([require_face(action="a") | require_face(action="b")], True),
        ([IsAuthenticated & (require_face() | IsAdminUser)], False),
        ([~require_face()], False),
        ([IsAuthenticated], False),
    ],
)
def test_permissions(permissions, is_gated):
    """A gate that another permission can take the place of is none."""
    with served(path("api/", Endpoint.as_view(permission_classes=permissions))):
        assert (ungated("/api/") == []) is is_gated


def test_endpoints_of_the_test_site():
    assert wrong("/shop/", except_=["payment-list", "described-payment-list"]) == [
        f"/shop/staff-or-face/ {OPEN}",
        "/shop/attributed/ the gate leaves GET open",
        "/shop/described/class/ the gate leaves GET open",
        f"/shop/described/function/ {OPEN}",
        f"/shop/open/ {OPEN}",
        f"/shop/^payments/(?P<pk>[^/.]+)/$ {OPEN}",  # picks its permissions at run time
        f"/shop/^described/payments/(?P<pk>[^/.]+)/$ {OPEN}",
    ]
    assert_gated("payment-pay", action="pay")


def test_a_whole_admin():
    class Desk(admin.ModelAdmin):
        def get_urls(self):
            view = self.admin_site.admin_view(self.own)
            return [path("own/", view, name="own"), *super().get_urls()]

        def own(self, request):
            return HttpResponse("open")

    class Careless(Desk):
        def get_urls(self):
            return [path("careless/", self.own), *super().get_urls()]

    gated = FaceRequiredAdminSite()
    gated.register(Payment, Desk)
    with served(path("admin/", gated.urls)):
        assert_gated("admin:*")
        assert_gated("/admin/", action="django-admin")
    desk = FaceRequiredModelAdmin(Payment, admin.AdminSite())
    with served(path("desk/", include((desk.urls, "desk")))):
        assert_gated("desk:shop_payment_*", methods=["POST"])

    gated.unregister(Payment)
    gated.register(Payment, Careless)
    with served(path("admin/", gated.urls)):
        assert wrong("admin:*") == [f"/admin/shop/payment/careless/ {OPEN}"]
    with served(path("admin/", admin.AdminSite().urls)):
        assert f"/admin/ {OPEN}" in wrong("admin:*")
        assert not any("login" in one for one in wrong("admin:*"))
