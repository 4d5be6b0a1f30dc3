"""What fails denies (G-01)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import DatabaseError, OperationalError, connection

from django_faceauth.gate import face_required
from django_faceauth.gate.decision import load
from django_faceauth.gate.policy import policy
from django_faceauth.testing import face_shown


class FailingQuery:
    def __init__(self, number: int) -> None:
        self.left = number
        self.has_failed = False

    def __call__(self, execute, *args):
        self.left -= 1
        if self.left == -1:
            self.has_failed = True
            raise OperationalError("the database is away")
        return execute(*args)


def test_every_query_of_a_bound_gate_that_fails_denies(person, payment):
    """The payment is not made, and the approval not used (G-01)."""
    person.proves(person.is_asked(f"/pay/{payment.pk}/", "post"))
    person.browser.raise_request_exception = False

    failed = 0
    while True:
        breaker = FailingQuery(failed)
        with connection.execute_wrapper(breaker):
            answer = person.browser.post(f"/pay/{payment.pk}/")
        if not breaker.has_failed or answer.status_code == 200:
            break
        payment.refresh_from_db()
        assert (payment.paid, person.challenge.state) == (0, "granted")
        failed += 1

    assert failed >= 5  # session, user, payment, grant, use
    payment.refresh_from_db()
    assert (answer.content, payment.paid) == (b"paid face", 1)


def fails(_request):
    raise DatabaseError("no")


@pytest.mark.parametrize(
    "bind",
    [
        fails,
        *(lambda _request, data=data: data for data in ({}, None, {"a": object()}, {"a": 1.5})),
        lambda _request: {"a": Decimal("NaN")},
    ],
)
def test_a_binding_that_fails_denies(person, bind):
    """The site gets its error; the view does not run (G-01)."""
    request = person.request("/pay/", "post")
    face_shown(request, action="pay", binding={"a": 1})
    view = face_required(action="pay", bind=bind)(pytest.fail)

    with pytest.raises((DatabaseError, TypeError, ValueError)):
        view(request)


class BrokenSession:
    def __getattr__(self, name):
        raise ConnectionError("the store is away")


@pytest.mark.parametrize("asked", [policy(), policy(bind=lambda: {"a": 1})])
def test_a_session_that_fails_denies(person, asked):
    """G-01."""
    request = person.request()
    request.session = BrokenSession()

    with pytest.raises(ConnectionError):
        load(request, asked)
