"""The permission class: combined, described by attributes, and in one transaction with the work."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest
from adrf.views import APIView as AsyncAPIView
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.models import User
from django.db import connection
from django.http import Http404
from rest_framework.decorators import action, api_view, permission_classes
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.permissions import IsAdminUser, IsAuthenticated
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from django_faceauth import metrics
from django_faceauth.api.permissions import FaceRequired, require_face
from django_faceauth.models import FaceChallenge
from django_faceauth.services.grants import identity
from tests.api_client import Program
from tests.site.api import Secret
from tests.site.models import Payment

pytestmark = pytest.mark.database


def call(view, program, method="GET", handle="", **kwargs):
    """Call a view that has no address, with the credential of a program."""
    headers = dict(program.headers)
    if handle:
        headers["face-challenge"] = handle
    request = APIRequestFactory().generic(method, "/", headers=headers)
    return view.as_view()(request, **kwargs)


def secret(*permissions, **attributes):
    return type("View", (Secret,), {"permission_classes": list(permissions), **attributes})


@pytest.fixture
def token(person):
    return Program.with_token(person)


def shown(program, path="/shop/secret/", method="GET"):
    """Show a face for an address of the test site; return the handle."""
    assert program.passes(path, method).status_code < 400
    return program.person.challenge.handle


# -- the ways to write it


def test_attributes_of_the_view_say_what_is_asked_for(program):
    assert program.sends("GET", "/shop/attributed/").json() == "open"
    asked = program.is_asked("/shop/attributed/", "POST")

    assert (asked["action"], asked["max_age"]) == ("attributed", 180)
    assert program.proves(asked)["next"] == "repeat"
    assert program.sends("POST", "/shop/attributed/", handle=asked["challenge"]).status_code == 200


def test_a_binding_of_the_view_is_what_is_approved(token):
    class Bound(Secret):
        permission_classes = [IsAuthenticated, FaceRequired]

        def get_face_binding(self):
            return {"amount": self.kwargs["amount"]}

    assert call(Bound, token, amount="12.50").status_code == 401

    assert token.person.challenge.snapshot == {"amount": "12.50"}


def test_attributes_that_make_no_gate_are_an_error_and_not_an_open_door(token):
    with pytest.raises(ValueError, match="max_age"):
        call(secret(FaceRequired, face_max_age=-1), token)
    # drf-spectacular sets the attribute on objects; a site may give a class a default.
    assert call(secret(FaceRequired, swagger_fake_view=True), token).status_code == 401


def test_an_action_of_a_view_set_has_a_gate_of_its_own(program, owes):
    payment = owes(program.person)

    assert program.sends("GET", f"/shop/payments/{payment.pk}/").status_code == 200
    assert program.is_asked(f"/shop/payments/{payment.pk}/pay/", "POST")["action"] == "pay"
    program.proves(program.is_asked())
    assert program.is_asked(f"/shop/payments/{payment.pk}/", "DELETE")["action"] == "remove"


# -- gates that ask only when it matters, and what they accept


class Conditional(Secret):
    permission_classes = [IsAuthenticated, FaceRequired]
    face_action = "secret"
    needed = False

    def face_when(self):
        return self.needed

    def get(self, request):
        return Response(str(request.face))


class ConditionalAsync(AsyncAPIView):
    authentication_classes = Secret.authentication_classes
    permission_classes = [IsAuthenticated, FaceRequired]
    face_action = "secret"
    needed = False

    async def face_when(self):
        await User.objects.aexists()
        return self.needed

    async def get(self, request):
        return Response(str(request.face))


class ConditionalOnce(Conditional):
    face_single_use = True


class ConditionalAsyncOnce(ConditionalAsync):
    face_single_use = True


CONDITIONAL = [Conditional, ConditionalAsync, ConditionalOnce, ConditionalAsyncOnce]


def visit(view, program, **kwargs):
    call_it = call_async if issubclass(view, AsyncAPIView) else call
    return call_it(view, program, **kwargs)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("view", CONDITIONAL)
def test_a_method_of_the_view_says_whether_a_face_is_needed(token, view):
    """Any value but False, and any error, asks; nothing is written for what is let through."""
    before = metrics.counts["gate.not_required"]

    answer = visit(view, token)

    assert (answer.data, answer["Cache-Control"]) == ("None", "no-store, private")
    assert metrics.counts["gate.not_required"] == before + 1
    assert FaceChallenge.objects.count() == 0
    for needed in (True, None, 0, ""):
        assert visit(type("View", (view,), {"needed": needed}), token).status_code == 401
    broken = type("View", (view,), {"face_when": lambda self: self.no_such_attribute})
    assert visit(broken, token).status_code == 401


def test_a_condition_is_given_the_request_and_the_view(token):
    calls = []
    gate = require_face(action="secret", when=lambda *args: calls.append(args))

    assert call(secret(gate), token).status_code == 401
    ((request, view),) = calls
    assert (request.user, view.request) == (token.person.user, request)


def test_users_who_may_not_pass_are_refused_before_the_condition(token):
    calls = []
    view = secret(require_face(action="secret", when=lambda *args: calls.append(args)))

    assert view.as_view()(APIRequestFactory().get("/")).status_code == 403
    User.objects.update(is_active=False)
    assert call(view, token).status_code in {401, 403}
    User.objects.update(is_active=True)
    impersonated = token.person.request()
    impersonated.session[identity.IMPERSONATION_KEYS[0]] = ["7"]
    assert view.as_view()(impersonated).status_code == 403
    assert calls == []
    assert view.as_view()(token.person.request()).status_code == 401
    assert len(calls) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("view", [ConditionalOnce, ConditionalAsyncOnce])
@pytest.mark.parametrize("needed", [[False, True], [False, False], [True]])
def test_the_condition_of_single_use_is_asked_again_right_before_the_work(token, view, needed):
    answers, worked = iter(needed), []

    class Changing(view):
        @property
        def needed(self):
            return next(answers)

        def finalize_response(self, request, response, *args, **kwargs):
            worked.append(getattr(response, "data", None) == "None")
            return super().finalize_response(request, response, *args, **kwargs)

    response = visit(Changing, token)

    is_let_through = needed == [False, False]
    assert response.status_code == (200 if is_let_through else 401)
    assert worked == [is_let_through]
    assert list(answers) == []
    assert FaceChallenge.objects.count() == (0 if is_let_through else 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("view", CONDITIONAL)
def test_a_condition_that_breaks_the_transaction_leaves_it_usable(token, view):
    def broken(self):
        with connection.cursor() as cursor:
            cursor.execute("SELECT no_such_column FROM auth_user")

    def works(self, request):
        return Response(User.objects.get().username)

    async def works_async(self, request):
        return Response((await User.objects.aget()).username)

    get = works_async if issubclass(view, AsyncAPIView) else works
    broken = type("View", (view,), {"face_when": broken, "get": get})
    assert visit(broken, token).status_code == 401
    handle = shown(token)

    assert visit(broken, token, handle=handle).data == token.person.user.username


@pytest.mark.parametrize("attributes", [{"face_accept": ["face"]}, {"face_network": "deny"}])
def test_attributes_say_what_is_accepted(token, attributes):
    """A client that names the challenge of another gate of the action gets another one."""
    view = type("View", (Conditional,), {"needed": True})
    strict = type("View", (view,), attributes)
    handle = shown(token)
    code = {"method": "code"} if "face_accept" in attributes else {}
    FaceChallenge.objects.update(is_same_network=False, **code)

    assert call(view, token, handle=handle).status_code == 200
    assert call(strict, token, handle=handle).status_code == 401
    FaceChallenge.objects.update(is_same_network=True, method="face")
    assert call(strict, token, handle=handle).status_code == 200


def test_a_client_that_names_the_open_challenge_of_another_gate_gets_another(token):
    one = secret(require_face(action="secret"))
    others = [
        secret(require_face(action="secret", **gate))
        for gate in ({"accept": ["face"]}, {"network": "deny"})
    ]

    def asked(view, handle=""):
        return json.loads(call(view, token, handle=handle).content)["challenge"]

    handle = asked(one)
    assert asked(one, handle) == handle
    for other in others:
        another = asked(other, handle)
        assert another != handle
        assert asked(other, another) == another
    rows = FaceChallenge.objects.order_by("pk").values_list("accept", "network_policy")
    assert list(rows) == [(None, "flag"), (["face"], "flag"), (None, "deny")]


@pytest.mark.parametrize(
    "wrong", [{"accept": "face"}, {"accept": ["code"]}, {"network": "no"}, {"accept": ["x y"]}]
)
def test_a_malformed_gate_is_an_error_where_it_is_written(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        require_face(action="secret", **wrong)
    with pytest.raises(TypeError, match="when"):
        require_face(action="secret", when=True)


# -- combined with others


@pytest.fixture
def staff(people):
    person = people()
    person.user.is_staff = True
    person.user.save()
    return Program.with_token(person)


def test_or_lets_through_who_passes_either(token, staff):
    path = "/shop/staff-or-face/"

    assert token.is_asked(path)["code"] == "face_required"
    assert token.passes(path).status_code == 200
    staff_answer = call(secret(require_face() | IsAdminUser, get=answer_ok), staff)
    assert staff_answer.status_code == 200
    assert FaceChallenge.objects.filter(user=staff.person.user).count() == 0


def test_and_wants_both(token, staff):
    both = secret(require_face(action="secret") & IsAdminUser)

    assert call(both, token).status_code == 403
    assert call(both, staff).status_code == 401
    handle = shown(staff)
    assert call(both, staff, handle=handle).status_code == 200


def test_a_token_names_one_challenge_and_so_passes_one_gate(token):
    two = secret(require_face(action="secret"), require_face(action="other"))

    assert json.loads(call(two, token).content)["action"] == "secret"
    named = call(two, token, handle=shown(token))
    assert (named.status_code, token.person.challenge.state) == (409, "failed")


def test_of_two_gates_one_is_enough_where_they_say_so(token):
    either = secret(require_face(action="other") | require_face(action="secret"))

    assert call(either, token, handle=shown(token)).status_code == 200
    assert token.person.challenge.state == "granted"


def answer_ok(self, request, **kwargs):
    return Response("ok")


def denied(self, request, **kwargs):
    raise PermissionDenied("by the view")


def test_a_denial_of_the_view_itself_stays_one(staff):
    view = secret(require_face() | IsAdminUser, get=denied)

    response = call(view, staff).render()

    assert (response.status_code, response.data["detail"]) == (403, "by the view")
    assert FaceChallenge.objects.count() == 0


# -- the work and the use of the face are one


@pytest.mark.parametrize(
    "error", [ValidationError("no"), PermissionDenied(), Http404(), KeyError()]
)
def test_a_view_that_raises_has_not_used_the_face(token, error):
    """Django REST framework turns all but the last into responses."""

    def fails(self, request):
        Payment.objects.create(user=request.user, payee="x", amount=1)
        raise error

    view = secret(require_face(action="secret", single_use=True), get=fails)
    handle = shown(token)

    if isinstance(error, KeyError):
        with pytest.raises(KeyError):
            call(view, token, handle=handle)
    else:
        assert 400 <= call(view, token, handle=handle).status_code < 500
    assert Payment.objects.count() == 0
    assert token.person.challenge.state == "granted"
    once = secret(require_face(action="secret", single_use=True))
    assert call(once, token, handle=handle).status_code == 200
    assert token.person.challenge.state == "consumed"


def test_a_gate_that_is_asked_twice_uses_the_face_once(token):
    """`|` asks again when the view looks an object up."""

    def looks_up(self, request):
        self.check_object_permissions(request, object())
        return Response("ok")

    view = secret(IsAdminUser | require_face(action="secret", single_use=True), get=looks_up)

    assert call(view, token, handle=shown(token)).status_code == 200
    assert token.person.challenge.state == "consumed"


@pytest.mark.django_db(transaction=True)
def test_what_is_approved_may_be_locked_when_it_is_looked_up(token):
    """`bind` is called in a transaction, when it is asked for and when it is done."""
    seen = []

    def bind(request, view):
        seen.append(connection.in_atomic_block)
        return {"amount": 1}

    view = secret(require_face(action="bound", bind=bind), post=answer_ok)
    asked = json.loads(call(view, token, "POST").content)
    token.proves(asked)

    assert call(view, token, "POST", handle=asked["challenge"]).status_code == 200
    assert seen == [True] * len(seen)
    assert len(seen) == 3


# -- async


class AsyncSecret(AsyncAPIView):
    authentication_classes = Secret.authentication_classes
    permission_classes = [IsAuthenticated, require_face(action="secret", max_age=180)]

    async def get(self, request):
        await asyncio.sleep(0)
        return Response({"secret": request.face.action})


class Once(Secret):
    permission_classes = [require_face(action="secret", single_use=True)]


class AsyncOnce(AsyncSecret):
    permission_classes = [require_face(action="secret", single_use=True)]

    async def get(self, request):
        await sync_to_async(Payment.objects.create)(user=request.user, payee="x", amount=1)
        if "fail" in request.query_params:
            raise RuntimeError("no")
        return Response("ok")


def call_async(view, program, handle="", path="/"):
    headers = dict(program.headers) | ({"face-challenge": handle} if handle else {})
    request = APIRequestFactory().get(path, headers=headers)
    return async_to_sync(view.as_view())(request)


@pytest.mark.django_db(transaction=True)
def test_async_work_and_the_use_of_the_face_are_one(token):
    assert call_async(AsyncSecret, token).status_code == 401
    handle = shown(token)
    assert call_async(AsyncSecret, token, handle).status_code == 200

    with pytest.raises(RuntimeError):
        call_async(AsyncOnce, token, handle, "/?fail=1")
    assert (Payment.objects.count(), token.person.challenge.state) == (0, "granted")

    assert call_async(AsyncOnce, token, handle).status_code == 200
    assert (Payment.objects.count(), token.person.challenge.state) == (1, "consumed")
    assert call_async(AsyncOnce, token, handle).status_code == 409


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("view", [Once, AsyncOnce])
def test_a_lost_race_is_a_conflict(token, view):
    """Between the permission and the method another client has used the face."""

    class Slow(view):
        def check_throttles(self, request):
            FaceChallenge.objects.filter(state="granted").consume(
                timedelta(minutes=5), now=token.person.challenge.granted_at
            )

    handle = shown(token)
    response = (call_async if view is AsyncOnce else call)(Slow, token, handle=handle)

    assert response.status_code == 409
    assert response["Content-Type"] == "application/problem+json"
    assert Payment.objects.count() == 0


# -- the site's own transaction


@pytest.mark.django_db(transaction=True)
def test_the_question_is_kept_where_requests_are_transactions(token, monkeypatch):
    """An error of Django REST framework rolls them back; a refusal is no such error."""
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    asked = token.is_asked()

    assert token.proves(asked)["next"] == "repeat"


# -- methods


@permission_classes([IsAuthenticated, require_face(action="verbs", methods=["POST"])])
def work(request):
    return Response("form" if request.method == "GET" else "done")


one_function = api_view(["GET", "POST"])(work)
for_head = api_view(["GET", "HEAD", "POST"])(work)


class TwoHandlers(APIView):
    permission_classes = [IsAuthenticated, require_face(action="verbs", methods=["POST"])]

    def get(self, request):
        return Response("form")

    def post(self, request):
        return Response("done")


class OwnOptions(TwoHandlers):
    permission_classes = [IsAuthenticated, require_face(action="verbs")]

    def options(self, request):
        return Response("done")


class OwnRefusal(TwoHandlers):
    permission_classes = [require_face(action="verbs", methods=["POST"], single_use=True)]

    def http_method_not_allowed(self, request, *args, **kwargs):
        return Response("done")


class OneAction(ViewSet):
    permission_classes = [require_face(action="verbs", methods=["POST"])]

    @action(detail=False, methods=["get", "post"])
    def both(self, request):
        return Response("form" if request.method == "GET" else "done")


VERBS = [
    (one_function, "GET", 200),
    (one_function, "HEAD", 405),
    (for_head, "HEAD", 401),
    (one_function, "OPTIONS", 200),
    (one_function, "POST", 401),
    (one_function, "NO", 405),
    (TwoHandlers.as_view(), "HEAD", 200),
    (TwoHandlers.as_view(), "POST", 401),
    (TwoHandlers.as_view(), "PUT", 405),
    (OwnOptions.as_view(), "OPTIONS", 401),
    (OwnRefusal.as_view(), "NO", 401),
    (OwnRefusal.as_view(), "PUT", 401),
    (OneAction.as_view({"get": "both", "post": "both"}), "GET", 200),
    (OneAction.as_view({"get": "both", "post": "both"}), "HEAD", 401),
]


def test_every_verb_that_may_work_is_asked(person):
    """The handler of GET may be that of POST, and find that it is no GET (F-04)."""
    for view, verb, status in VERBS:
        request = APIRequestFactory().generic(verb, "/")
        request.session = person.browser.session
        force_authenticate(request, user=person.user)

        assert view(request).status_code == status, (view, verb)
