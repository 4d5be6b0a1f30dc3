"""Colliding transactions, at each isolation level that sites use."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.test import Client
from django.utils import timezone

from django_faceauth.models import FaceChallenge, Lockout, database
from django_faceauth.services.review import user_reports
from tests.threads import at_once

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]

LEVELS = ["read committed", "repeatable read"] if connection.vendor == "mysql" else ["default"]
ROUNDS = 10


@pytest.fixture(params=LEVELS)
def _isolated(request, monkeypatch):
    if request.param != "default":
        options = connections.settings[connection.alias]["OPTIONS"]
        monkeypatch.setitem(options, "isolation_level", request.param)
        monkeypatch.setitem(connection.settings_dict["OPTIONS"], "isolation_level", request.param)
        connections.close_all()
    yield
    connections.close_all()


def browser_of(person):
    browser = Client()
    browser.cookies = person.browser.cookies
    return browser


@pytest.mark.usefixtures("_isolated")
def test_refused_requests_of_one_session_at_once(person, owes):
    """Each is asked, and all the same thing (F-22)."""
    for number in range(ROUNDS):
        path = f"/pay/{owes(person, amount=str(number + 1)).pk}/"
        browsers = [browser_of(person) for _ in range(3)]

        answers = at_once(*[lambda one=one, path=path: one.post(path) for one in browsers])

        assert {answer.status_code for answer in answers} == {302}
        assert len({answer["Location"] for answer in answers}) == 1


@pytest.mark.usefixtures("_isolated")
def test_a_report_while_a_payment_runs(people, owes):
    """Neither is lost (F-22)."""
    for number in range(ROUNDS):
        person = people()
        path = f"/pay/{owes(person, amount=str(number + 1)).pk}/"
        person.proves(person.is_asked(path, "post"))
        asked = person.challenge

        paid, reported = at_once(
            lambda path=path, person=person: browser_of(person).post(path).status_code,
            lambda asked=asked: user_reports.report(asked, now=timezone.now()),
        )

        assert paid in {200, 302, 409, 429}
        assert reported
        assert Lockout.objects.filter(user=person.user).count() == 1


class Deadlock(Exception):
    """What a driver raises."""

    sqlstate = "40P01"


def collides(times):
    """Return work that collides so many times, and how often it was tried."""
    tries = []
    code = 1213 if connection.vendor == "mysql" else "deadlock"

    @database.repeated
    def work():
        with database.atomic():
            FaceChallenge.objects.update(reason="tried")
            tries.append(1)
            if len(tries) <= times:
                raise OperationalError(code) from Deadlock()
        return len(tries)

    return work, tries


def test_a_collision_is_repeated_once():
    """And not for ever; in a transaction of the site it is left to the site (F-22)."""
    work, _tries = collides(1)
    assert work() == 2

    work, tries = collides(2)
    with pytest.raises(OperationalError):
        work()
    assert len(tries) == 2

    work, tries = collides(1)
    with pytest.raises(OperationalError), transaction.atomic():
        work()
    assert len(tries) == 1


def test_any_other_error_is_not_repeated():
    """(F-22)."""
    tries = []

    @database.repeated
    def work():
        tries.append(1)
        raise OperationalError("gone away")

    with pytest.raises(OperationalError):
        work()
    assert len(tries) == 1
