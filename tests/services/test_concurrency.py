"""Races between requests, each with its own connection."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from itertools import count
from threading import Barrier

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from django_faceauth.models import FaceAttempt, FaceAuthentication, FaceChallenge, Lockout
from django_faceauth.provider.resources import AuthenticationSnapshot
from django_faceauth.services import limits
from django_faceauth.services.flow import finish
from django_faceauth.services.grants import grants
from django_faceauth.services.grants.grants import MOST_OPEN
from django_faceauth.services.sync import sync

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]

#: SQLite lets one write at a time: a race there is a queue, and a long one.
TABS, STARTS, THREADS = (6, 24, 8) if connection.vendor == "sqlite" else (20, 80, 24)


def at_once(act: Callable[[], object], tabs: int = TABS) -> list:
    barrier = Barrier(tabs)

    def run(_number):
        barrier.wait()
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(tabs) as threads:
        return list(threads.map(run, range(tabs)))


def all_at_once(starts: list[tuple[Client, str]]) -> list[int]:
    """Press all these buttons; return the status codes."""
    left = deque(starts)

    def presses():
        codes = []
        with suppress(IndexError):
            while True:
                browser, start = left.popleft()
                codes.append(browser.post(start).status_code)
        return codes

    return [code for codes in at_once(presses, THREADS) for code in codes]


def asked_in_another_session(person):
    person.browser = person.new_browser()
    return person.browser, person.is_asked()


def browser_of(person):
    browser = Client()
    browser.cookies = person.browser.cookies
    return browser


def test_many_tabs_have_one_open_challenge(person):
    """D-08."""
    answers = at_once(lambda: browser_of(person).get("/statements/")["Location"])

    assert len(set(answers)) == 1
    assert FaceChallenge.objects.filter(action="", state="open").count() == 1


def test_many_tabs_start_one_attempt(person, provider):
    """D-08, TH-36."""
    start = person.is_asked()

    answers = at_once(lambda: browser_of(person).post(start))

    assert {response.status_code for response in answers} <= {200, 302}
    assert any(response.status_code == 200 for response in answers)
    assert provider.attempts_bought == 1
    assert FaceAuthentication.objects.count() == FaceAttempt.objects.count() == 1


def test_many_returns_grant_once(person, provider):
    """One of them asks the provider."""
    back = person.shows_face(person.is_handed_over(person.is_asked()))
    person.clock.shift(3)
    asked = provider.count("GET")

    answers = at_once(lambda: browser_of(person).get(back))

    # Those that arrive after the cookie was rotated load themselves again.
    late = [answer for answer in answers if answer.status_code != 302]
    assert all(b"?again=1" in answer.content and not answer.cookies for answer in late)
    assert provider.count("GET") == asked + 2  # the authentication and its attempts
    assert FaceChallenge.objects.get().state == "granted"
    assert FaceAuthentication.objects.get().status_changes.filter(status="approved").count() == 1


def test_many_approvals_issue_one_grant(person):
    """Only one of them may announce it."""
    person.is_asked()
    challenge = person.challenge
    now = timezone.now()

    issued = at_once(lambda: grants.issue(challenge, verified_at=now, now=now))

    assert issued.count(True) == 1


def test_a_grant_and_a_later_decline_at_once(person):
    """In either order there is no grant (G-11)."""
    person.shows_face(person.is_handed_over(person.is_asked()))
    person.clock.shift(3)
    challenge, row = person.challenge, person.authentication
    declined = AuthenticationSnapshot(
        id=row.provider_id, status="declined", modified_on=timezone.now()
    )
    turns = count()

    def finish_or_decline():
        if next(turns) % 2:
            finish.finish(challenge, source="poll", now=timezone.now())
        else:
            sync.apply(row, declined, source="webhook", now=timezone.now())

    at_once(finish_or_decline)

    assert FaceChallenge.objects.get().state in {"open", "revoked", "failed"}
    assert row.status_changes.filter(status="declined").count() == 1
    person.is_asked("/statements/")


def test_many_starts_buy_three_attempts(person, provider):
    """They are counted under a lock (R-01, TH-25)."""
    starts = [asked_in_another_session(person) for _ in range(MOST_OPEN)]

    codes = all_at_once(starts)

    assert Counter(codes) == {200: 3, 429: MOST_OPEN - 3}
    assert provider.attempts_bought == 3
    assert provider.count("POST") == 6  # each with its authentication


def test_many_starts_of_all_users_stay_within_the_limit_of_the_site(people, provider, settings):
    """R-03."""
    settings.FACEAUTH_RATE_LIMITS = {"site": "5/h"}
    crowd = [people() for _ in range(TABS)]
    starts = [
        asked_in_another_session(person) for person in crowd for _ in range(STARTS // len(crowd))
    ]

    codes = all_at_once(starts)

    assert Counter(codes) == {200: 5, 429: len(starts) - 5}
    assert provider.attempts_bought == 5


def test_the_fifth_decline_found_by_many_locks_out_once(person):
    """R-02."""
    now = timezone.now()
    for second in range(5):
        row = FaceAuthentication.objects.create(user=person.user, environment="sandbox")
        row.status_changes.create(
            status="declined", source="poll", at=now - timedelta(seconds=second)
        )

    at_once(lambda: limits.note_decline(person.user.pk, now=now))

    assert Lockout.objects.count() == 1
