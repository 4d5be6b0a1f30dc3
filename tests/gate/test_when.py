"""Gates that ask only when it matters."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.admin import AdminSite
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import AnonymousUser, User
from django.db import DatabaseError, OperationalError, connection, transaction
from django.http import Http404, HttpResponse
from django.test import AsyncClient
from django.urls import path, resolve

from django_faceauth import metrics
from django_faceauth.gate import face_required, recognise_client
from django_faceauth.models import FaceChallenge
from django_faceauth.services.grants import identity
from django_faceauth.testing import exempted, face_shown
from tests.addresses import served
from tests.gate.doors import doors, told, told_async
from tests.gate.test_admin import make_staff
from tests.services.test_concurrency import Deadlock
from tests.site.models import Payment
from tests.site.views import make_payment

pytestmark = pytest.mark.database


class When:
    """The condition of a gate: notes how it is called, and does what `answer` says."""

    def __init__(self, answer=False):
        self.answer = answer
        self.calls = []

    def __call__(self, *args, **kwargs):
        self.calls.append((args, kwargs))
        answer = self.answer
        if isinstance(answer, list):
            answer = answer.pop(0)
        if callable(answer):
            return answer(*args, **kwargs)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def later(self, *args, **kwargs):
        """Answer from a coroutine, which asks the database."""
        return await sync_to_async(self)(*args, **kwargs)


@pytest.fixture
def when():
    return When()


def conditional(when):
    """Return a gate of each kind with the condition `when`, all of one action."""
    gate = {"action": "door", "when": when}
    later = {**gate, "when": when.later}
    bound = {"bind": lambda request, pk: {"payment": pk}}
    return {
        **doors(**gate),
        "bound function": face_required(**gate, **bound)(told),
        "class, once": doors(**gate, single_use=True)["class"],
        "async class, async when": doors(**later)["async class"],
        "async function, async when": face_required(**later)(told_async),
        "bound async function, async when": face_required(**later, **bound)(told_async),
        "function, async when": face_required(**later)(told),
    }


KINDS = sorted(conditional(When()))
SIMPLEST = ["function", "bound function", "class, once", "async function, async when"]


@pytest.fixture
def visit(person, when):
    """Open a door with the browser of a person, by default of the enrolled one."""
    make_staff(person)

    def visit(kind, who=person, asgi=False, action="door", **extra):
        pattern = path("door/<int:pk>/", conditional(when)[kind])
        with served(pattern, path("admin/", AdminSite().urls)):
            if not asgi:
                return who.browser.get("/door/7/", **extra)
            browser = AsyncClient()
            browser.cookies = who.browser.cookies
            return async_to_sync(browser.get)("/door/7/")

    return visit


def asks(response):
    return response.status_code == 302 and "/face/start/" in response["Location"]


# -- False, and everything else


@pytest.mark.parametrize("asgi", [False, True])
def test_false_lets_the_request_through_and_true_asks(visit, when, caplog, asgi):
    """Without a row, and out of caches; the log and the metrics say why."""
    caplog.set_level(logging.INFO, logger="django_faceauth.gate")
    before = metrics.counts["gate.not_required"]

    for number, kind in enumerate(KINDS, 1):
        answer = visit(kind, asgi=asgi)
        assert answer.content == b"in: None", kind
        assert answer["Cache-Control"].startswith("no-store, private"), kind
        assert FaceChallenge.objects.count() == 0, kind
        assert metrics.counts["gate.not_required"] == before + number, kind
    lines = [record.getMessage() for record in caplog.records if "gate " in record.getMessage()]
    line = "gate decision=allow reason=not_required action=door basis=None method=None"
    assert lines == [line] * len(KINDS)
    when.answer = True
    for kind in KINDS:
        assert asks(visit(kind, asgi=asgi)), kind
    assert metrics.counts["gate.not_required"] == before + len(KINDS)


def test_a_condition_is_given_what_the_view_is(visit, when):
    """As `bind` is: a method of a class-based view has them already."""
    given = {}
    for kind in KINDS:
        when.calls.clear()
        visit(kind)
        (given[kind],) = [
            (tuple("request" if hasattr(each, "META") else each for each in args), kwargs)
            for args, kwargs in when.calls
        ]

    view = (("request",), {"pk": 7})
    assert given == {
        **dict.fromkeys(KINDS, view),
        **{kind: ((), {}) for kind in KINDS if "class" in kind},
        "admin site": (("request",), {}),
        "model admin": (("request",), {"object_id": "7"}),
        "admin action": (("desk", "request", "rows"), {}),
    }


@pytest.mark.parametrize("kind", SIMPLEST)
def test_only_false_lets_a_request_through(visit, when, caplog, kind):
    """Errors are logged by their name: their text may hold data of the site."""
    errors = [ValueError("no"), Payment.DoesNotExist(), Http404(), RecursionError()]
    for when.answer in (None, 0, "", (), 1, *errors):
        assert asks(visit(kind)), when.answer
    for error in errors:
        assert f"unforeseen: {type(error).__name__} when action=door" in caplog.text


# -- what is let through


@pytest.mark.parametrize("kind", ["function", "bound function"])
def test_a_face_or_an_exemption_is_not_used_where_none_is_required(person, visit, when, kind):
    binding = {"payment": 7} if kind == "bound function" else None
    shown = face_shown(person.browser, action="door", binding=binding)

    assert visit(kind).content == b"in: None"
    shown.refresh_from_db()
    assert shown.state == "granted"
    when.answer = True
    assert visit(kind).content == b"in: face"

    exempted(person.user, action="door")
    when.answer = False
    rows = FaceChallenge.objects.count()
    assert visit(kind).content == b"in: None"
    assert FaceChallenge.objects.count() == rows


def test_users_without_an_applicant_are_let_through_too(people, visit, when):
    stranger = make_staff(people(None))

    assert visit("function", stranger).content == b"in: None"
    when.answer = True
    assert visit("function", stranger).status_code == 403


# -- who is refused before


def anonymous(request, _person):
    request.user = AnonymousUser()


def inactive(request, person):
    person.user.is_active = False


def impersonated(request, _person):
    request.session[identity.IMPERSONATION_KEYS[0]] = ["7"]


def inactive_client(request, person):
    person.user.is_active = False
    recognise_client(request, person.user, credential="a token")


@pytest.mark.parametrize("who", [anonymous, inactive, impersonated, inactive_client])
def test_who_may_not_pass_is_refused_before_the_condition(person, when, who):
    """G-02, TH-44."""
    make_staff(person)
    for kind, view in conditional(when).items():
        request = person.request("/door/7/")
        request.resolver_match = resolve("/home/")
        who(request, person)

        answer = (async_to_sync(view) if "async" in kind.partition(",")[0] else view)(request, pk=7)

        assert answer.status_code in {302, 401, 403}, kind
        assert when.calls == [], kind


def test_a_prefetch_of_a_single_use_gate_is_refused_before_the_condition(visit, when):
    prefetch = {"headers": {"Sec-Purpose": "prefetch"}}

    for kind in ("bound function", "class, once"):
        assert visit(kind, **prefetch).status_code == 503
    assert when.calls == []
    assert visit("function", **prefetch).content == b"in: None"


# -- the database


def broken(*_args, **_kwargs):
    """Fail as PostgreSQL does: the transaction takes no other query."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT no_such_column FROM faceauth_facechallenge")


def violated(*_args, **_kwargs):
    User.objects.create(username=User.objects.first().username)


def swallowed(*args, **kwargs):
    """Let the request through after an error that it hides."""
    try:
        broken()
    except DatabaseError:
        return False


def wrote(*_args, **_kwargs):
    User.objects.update(password=make_password("another one"))
    raise ValueError


def payments(when):
    """Return the address of a bound gate whose view works in the database."""
    gate = face_required(action="pay", bind=lambda request, pk: {"payment": pk}, when=when)
    return path("pay/<int:pk>/", gate(make_payment))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("answer", [broken, violated, wrote])
def test_an_error_of_the_database_leaves_the_transaction_usable(person, payment, when, answer):
    when.answer = answer
    password = person.user.password
    with served(payments(when)):
        assert asks(person.browser.post(f"/pay/{payment.pk}/"))
        face_shown(person.browser, action="pay", binding={"payment": payment.pk})

        assert person.browser.post(f"/pay/{payment.pk}/").content == b"paid face"

    payment.refresh_from_db()
    assert payment.paid == 1
    assert User.objects.get().password == password


@pytest.mark.django_db(transaction=True)
def test_an_error_of_the_database_leaves_the_transaction_of_the_request_usable(person, monkeypatch):
    """Where the site has ATOMIC_REQUESTS, on a gate without a transaction of its own."""
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    with served(path("door/", face_required(action="door", when=broken)(told))):
        assert asks(person.browser.get("/door/"))
        face_shown(person.browser, action="door")
        assert person.browser.get("/door/").content == b"in: face"


@pytest.mark.django_db(transaction=True)
def test_a_hidden_error_asks_where_it_has_ended_the_transaction(person, when):
    """Other databases than PostgreSQL take further queries, so the condition is as it says."""
    when.answer = swallowed
    with served(path("door/", face_required(action="door", single_use=True, when=when)(told))):
        answer = person.browser.get("/door/")

    assert asks(answer) == (connection.vendor == "postgresql")


def collided(*_args, **_kwargs):
    raise OperationalError(1213 if connection.vendor == "mysql" else "") from Deadlock()


def deadlocked(*_args, **_kwargs):
    """Lose the transaction with its savepoints, as MariaDB does at a deadlock."""
    with connection.cursor() as cursor:
        cursor.execute("ROLLBACK")
    collided()


@pytest.mark.django_db(transaction=True)
def test_a_deadlock_is_repeated_with_the_condition(person, when):
    """Once: the transaction of the gate is lost. With a transaction that goes on, it asks."""
    with served(path("door/", face_required(action="door", single_use=True, when=when)(told))):
        when.answer = [deadlocked, False]
        assert person.browser.get("/door/").content == b"in: None"
        assert len(when.calls) == 2
        when.answer = [deadlocked, deadlocked, False]
        with pytest.raises(OperationalError):
            person.browser.get("/door/")

        when.answer = collided
        assert asks(person.browser.get("/door/"))
    with served(path("door/", face_required(action="door", when=when)(told))):
        assert asks(person.browser.get("/door/"))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_async", [False, True])
def test_what_the_condition_has_locked_does_not_change_until_the_view_has_worked(
    person, payment, is_async
):
    """An edit of the amount waits until the payment is made (TH-20)."""
    decided, edited = Event(), Event()

    def is_large(request):
        return Payment.objects.select_for_update().get().amount >= 50

    async def is_large_async(request):
        row = await Payment.objects.select_for_update().aget()
        return row.amount >= 50

    def work(request):
        decided.set()
        assert not edited.wait(0.5)
        return HttpResponse(f"{Payment.objects.get().amount} {request.face}")

    async def work_async(request):
        return await sync_to_async(work)(request)

    def edits():
        decided.wait(10)
        with transaction.atomic():
            Payment.objects.update(amount=99)
        edited.set()
        connection.close()

    when, view = (is_large_async, work_async) if is_async else (is_large, work)
    gate = face_required(action="pay", bind=lambda request: {"amount": 1}, when=when)
    with ThreadPoolExecutor(1) as thread, served(path("pay/", gate(view))):
        edit = thread.submit(edits)
        answer = person.browser.get("/pay/")
        edit.result(20)
        assert answer.content == b"12.50 None"
        assert asks(person.browser.get("/pay/"))
