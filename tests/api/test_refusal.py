"""Refusals of the permission class (RFC 9470, RFC 9457)."""

from __future__ import annotations

from base64 import b64encode
from urllib.request import parse_http_list, parse_keqv_list

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.authentication import (
    BasicAuthentication,
    SessionAuthentication,
    TokenAuthentication,
)
from rest_framework.authtoken.models import Token
from rest_framework.permissions import IsAdminUser, IsAuthenticated
from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView
from rest_framework_simplejwt.authentication import JWTAuthentication

from django_faceauth.api.permissions import require_face
from django_faceauth.models import FaceChallenge
from tests.api_client import KINDS, Program
from tests.site.api import Secret
from tests.site.models import Payment

SCHEMES = {"session": "Session", "token": "Token", "jwt": "Bearer"}
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def challenge_in(response):
    """Return the scheme and the parameters of the one challenge that an answer carries."""
    scheme, _space, rest = response["WWW-Authenticate"].partition(" ")
    return scheme, parse_keqv_list(parse_http_list(rest))


# -- G-07


@pytest.mark.parametrize("acr", ["face", "urn:bank:face"])
def test_the_challenge_is_that_of_the_standard_and_says_how_to_go_on(program, settings, acr):
    settings.FACEAUTH_ACR = acr

    response = program.sends("GET", "/shop/secret/")

    assert response.status_code == 401
    assert challenge_in(response)[1] == {
        "error": "insufficient_user_authentication",
        "max_age": "180",
        "acr_values": acr,
    }
    assert "no-store" in response["Cache-Control"]
    handle = program.person.challenge.handle
    has_session = not program.headers  # a page needs one

    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    assert body.pop("title")
    assert body.pop("detail")
    assert body == {
        "type": "about:blank",
        "status": 401,
        "code": "face_required",
        "action": "secret",
        "max_age": 180,
        "challenge": handle,
        "start_url": f"http://testserver/face/start/{handle}/" if has_session else None,
        "status_url": f"http://testserver/face/api/challenges/{handle}/",
        "attempts_url": f"http://testserver/face/api/challenges/{handle}/attempts/",
    }


@pytest.mark.parametrize(
    "authenticators",
    [
        (SessionAuthentication, TokenAuthentication, JWTAuthentication),
        (JWTAuthentication, TokenAuthentication, SessionAuthentication),
        (TokenAuthentication, SessionAuthentication, JWTAuthentication),
    ],
)
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_order_of_authenticators_makes_no_403_of_it(person, monkeypatch, authenticators, kind):
    """Django REST framework answers 403 where the first authenticator has no scheme."""
    monkeypatch.setattr(Secret, "authentication_classes", authenticators)

    response = KINDS[kind](person).sends("GET", "/shop/secret/")

    assert (response.status_code, challenge_in(response)[0]) == (401, SCHEMES[kind])


def test_a_scheme_with_a_realm_is_named_without_it(person):
    class View(APIView):
        authentication_classes = [BasicAuthentication]
        permission_classes = [require_face()]

        def get(self, request):
            return Response()

    credentials = b64encode(f"{person.user.username}:pass word".encode()).decode()
    request = APIRequestFactory().get("/", headers={"authorization": f"Basic {credentials}"})
    response = View.as_view()(request)

    assert challenge_in(response)[0] == "Basic"


@pytest.mark.parametrize("renderers", [[JSONRenderer], [BrowsableAPIRenderer, JSONRenderer]])
def test_peers_08_every_method_and_renderer_has_the_same_answer(program, monkeypatch, renderers):
    monkeypatch.setattr(Secret, "renderer_classes", renderers)

    for method in METHODS:
        for accept in ("text/html, */*;q=0.8", "*/*", "application/json"):
            response = program.sends(method, "/shop/secret/", accept=accept)

            assert response.status_code == 401
            assert response["Content-Type"] == "application/problem+json"
            assert response.json()["code"] == "face_required"
            assert "Location" not in response


@pytest.mark.parametrize("answer", [Response({"wrapped": "error"}, status=400), None])
def test_the_exception_handler_of_the_site_does_not_change_it(program, monkeypatch, answer):
    monkeypatch.setattr(Secret, "get_exception_handler", lambda _: lambda *_: answer)

    response = program.sends("GET", "/shop/secret/")

    assert (response.status_code, response.json()["code"]) == (401, "face_required")
    if answer:
        assert program.sends("TRACE", "/shop/secret/").status_code == 400  # any other error


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_user_who_is_not_enrolled_is_shown_the_fallback(people, settings, kind):
    person = people(None)
    denied = KINDS[kind](person).sends("GET", "/shop/secret/")
    assert (denied.status_code, denied.json()["code"]) == (403, "not_enrolled")
    assert FaceChallenge.objects.count() == 0

    settings.FACEAUTH_FALLBACK = "by-code"
    body = KINDS[kind](person).sends("GET", "/shop/secret/").json()

    handle = person.challenge.handle
    assert (body["code"], body["challenge"]) == ("not_enrolled", handle)
    assert body["fallback_url"] == f"http://testserver/by-code/?challenge={handle}"


@pytest.mark.parametrize("code", ["changed", "used"])
def test_a_face_for_what_was_changed_or_done_is_a_conflict(program, owes, code):
    path = f"/shop/payments/{owes(program.person).pk}/pay/"
    asked = program.is_asked(path, "POST")
    program.proves(asked)
    if code == "changed":
        Payment.objects.update(amount="999.00")
    else:
        assert program.sends("POST", path, handle=asked["challenge"]).status_code == 200

    response = program.sends("POST", path, handle=asked["challenge"])

    assert (response.status_code, response.json()["code"]) == (409, code)
    assert program.person.challenge.state == ("failed" if code == "changed" else "consumed")
    assert Payment.objects.get().paid == (code == "used")


# -- G-08


GATE = require_face(action="secret")
NO_STAFF = {
    "before": [IsAdminUser, GATE],
    "behind": [GATE, IsAdminUser],
    "and": [GATE & IsAdminUser],
    "and before": [IsAuthenticated & GATE, IsAdminUser],
    "two": [GATE, require_face(action="other"), IsAdminUser],
    "bound": [require_face(bind=lambda request, view: {"amount": 1}), IsAdminUser],
}
NOT_LOGGED_IN = {
    "before": [IsAuthenticated, GATE],
    "behind": [GATE, IsAuthenticated],
    "and": [GATE & IsAuthenticated],
    "or": [IsAdminUser | (IsAuthenticated & GATE)],
}


def answer(permissions, method, authorization):
    """Return all that a caller can see of a view with those permissions."""
    view = type("View", (Secret,), {"permission_classes": permissions})
    headers = {"authorization": authorization} if authorization else {}
    request = APIRequestFactory().generic(method, "/", headers=headers)
    response = view.as_view()(request).render()
    return response.status_code, dict(response.items()), response.content


@pytest.mark.parametrize("order", sorted(NOT_LOGGED_IN))
@pytest.mark.parametrize("method", [*METHODS, "OPTIONS", "HEAD", "TRACE"])
@pytest.mark.parametrize("authorization", ["", "Token wrong", "Bearer wrong"])
def test_anonymous_clients_do_not_learn_of_a_gate(db, order, method, authorization):
    """They get the answer that they would get without one (G-08)."""
    gated = answer(NOT_LOGGED_IN[order], method, authorization)

    assert gated == answer([IsAuthenticated], method, authorization)
    assert gated[0] in {401, 403}


@pytest.mark.parametrize("path", ["/shop/secret/", "/shop/function/", "/shop/staff/"])
def test_anonymous_users_may_be_none(client, db, settings, path):
    """By UNAUTHENTICATED_USER of Django REST framework (F-32)."""
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "UNAUTHENTICATED_USER": None}

    assert client.get(path).status_code in {401, 403}


@pytest.mark.parametrize("method", METHODS)
def test_a_gate_alone_asks_for_the_login_first(db, method):
    assert answer([GATE], method, "") == answer([IsAuthenticated], method, "")


@pytest.mark.parametrize("order", sorted(NO_STAFF))
@pytest.mark.parametrize("method", [*METHODS, "OPTIONS"])
def test_users_without_permission_do_not_learn_of_a_gate(person, order, method):
    """In whatever order the permissions are listed (G-08)."""
    token = f"Token {Token.objects.create(user=person.user).key}"

    gated = answer(NO_STAFF[order], method, token)

    assert gated == answer([IsAdminUser], method, token)
    assert gated[0] == 403
    assert FaceChallenge.objects.count() == 0


@pytest.mark.parametrize("action", ["pay", "remove"])
@pytest.mark.parametrize("whose", ["another user's", "missing"])
def test_what_is_not_theirs_is_not_found_before_any_gate(people, owes, action, whose):
    """As without a gate: permissions for one object come before the face, too (G-08)."""
    program, payment = Program.with_token(people()), owes(people())
    pk = payment.pk if whose == "another user's" else payment.pk + 1

    if action == "pay":
        response = program.sends("POST", f"/shop/payments/{pk}/pay/")
    else:
        response = program.sends("DELETE", f"/shop/payments/{pk}/")

    assert response.status_code == program.sends("GET", f"/shop/payments/{pk}/").status_code
    assert response.status_code in {403, 404}
    assert FaceChallenge.objects.count() == 0


def test_options_need_a_face_only_where_the_gate_names_them(program, monkeypatch):
    assert program.sends("OPTIONS", "/shop/secret/").status_code == 200
    assert FaceChallenge.objects.count() == 0

    monkeypatch.setattr(Secret, "permission_classes", [require_face(methods=["OPTIONS"])])
    assert program.sends("OPTIONS", "/shop/secret/").status_code == 401


def test_the_browsable_api_offers_what_is_open_and_asks_for_nothing(person, owes):
    """It looks at the permissions of each method that has a form."""
    payment = owes(person)

    def page():
        address = f"/shop/payments/{payment.pk}/"
        return person.browser.get(address, headers={"accept": "text/html"}).content.decode()

    assert 'data-method="DELETE"' not in page()
    assert FaceChallenge.objects.count() == 0

    program = Program.with_session(person)
    program.proves(program.is_asked(f"/shop/payments/{payment.pk}/", "DELETE"))
    assert 'data-method="DELETE"' in page()
    assert FaceChallenge.objects.count() == 1


def test_an_open_gate_costs_one_query(program):
    program.passes()
    handle = program.person.challenge.handle
    program.sends("GET", "/shop/secret/", handle=handle)  # sessions are rotated once

    with CaptureQueriesContext(connection) as gated:
        assert program.sends("GET", "/shop/secret/", handle=handle).status_code == 200
    with CaptureQueriesContext(connection) as plain:
        assert program.sends("GET", "/shop/payments/").status_code == 200

    own = [query for query in gated.captured_queries if "faceauth_" in query["sql"]]
    assert len(own) == 1
    assert len(gated) <= len(plain) + 1
