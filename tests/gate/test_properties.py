"""Properties of every approval."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, OperationalError, connection
from django.utils import timezone
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from django_faceauth.gate import Money, face_required
from django_faceauth.gate.decision import Allow, Challenge, authorize, evaluate, load
from django_faceauth.gate.policy import policy
from django_faceauth.models import FaceChallenge
from django_faceauth.services.grants import grants
from django_faceauth.testing import face_shown

LIMIT = timedelta(seconds=300)

#: The fixtures hold users, who do not change; every example makes its own challenges.
examples = settings(
    max_examples=settings().max_examples // 5,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

texts = st.text("abcdefAZ019-€ ", min_size=1, max_size=12)
amounts = st.decimals(min_value=0, max_value=10**8, places=2)
columns = {
    "payee": texts,
    "amount": st.builds(Money, amounts, st.sampled_from(["EUR", "USD"])),
    "reference": st.integers(0, 10**9),
    "parts": st.lists(texts, max_size=3),
    "on": st.dates(),
}
payments = st.fixed_dictionaries(columns)


def request_of(person):
    return person.request("/pay/", "post")


def gate(data=None, action="pay"):
    return policy(action=action, max_age=LIMIT, bind=None if data is None else lambda: data)


def approves(person, data=None, *, action="pay"):
    face_shown(request_of(person), action=action, binding=data)


def is_let_in(person, data=None, *, action="pay"):
    asked = gate(data, action)
    decision = evaluate(load(request_of(person), asked), asked)
    return isinstance(decision, Allow)


@examples
@given(payments, st.sampled_from(sorted(columns)), st.data())
def test_one_field_that_differs_denies(person, data, name, draw):
    """The order of names does not matter (B-01, B-03)."""
    changed = data | {name: draw.draw(columns[name])}
    assume(changed[name] != data[name])
    FaceChallenge.objects.all().delete()
    approves(person, data)

    assert is_let_in(person, dict(reversed(data.items())))
    assert not is_let_in(person, changed)
    assert not is_let_in(person, {key: data[key] for key in data if key != name})
    assert not is_let_in(person, data | {"more": 1})


@examples
@given(payments, texts, texts)
def test_no_grant_crosses_user_session_or_action(people, data, action, other_action):
    """B-04, TH-01, TH-19."""
    assume(action != other_action)
    alice, bob = people(), people()
    approves(alice, data, action=action)

    assert is_let_in(alice, data, action=action)
    assert not is_let_in(alice, data, action=other_action)
    assert not is_let_in(bob, data, action=action)
    alice.browser = alice.new_browser()
    assert not is_let_in(alice, data, action=action)


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
    approves(person, {"a": 1})
    view = face_required(action="pay", bind=bind)(pytest.fail)

    with pytest.raises((DatabaseError, TypeError, ValueError)):
        view(request_of(person))


class BrokenSession:
    def __getattr__(self, name):
        raise ConnectionError("the store is away")


@pytest.mark.parametrize("asked", [gate(), gate({"a": 1})])
def test_a_session_that_fails_denies(person, asked):
    """G-01."""
    request = request_of(person)
    request.session = BrokenSession()

    with pytest.raises(ConnectionError):
        load(request, asked)


def test_a_grant_that_is_revoked_between_decision_and_use_is_not_used(person):
    """The use is one statement with all its conditions (B-02, G-11)."""
    approves(person, {"a": 1})
    asked = gate({"a": 1})
    allowed = evaluate(load(request_of(person), asked), asked)
    FaceChallenge.objects.all().revoke(reason="staff", now=timezone.now())

    assert isinstance(allowed, Allow)
    assert not grants.consume(allowed.basis, asked.age_limit, now=timezone.now())
    assert isinstance(authorize(request_of(person), asked), Challenge)
