"""Rate limits of starts, and lock-outs."""

from __future__ import annotations

import logging
import re
from datetime import datetime, timedelta
from http.client import RemoteDisconnected
from socket import gaierror
from ssl import SSLCertVerificationError, SSLError

import pytest
import requests
from django.core.cache import caches
from django.db import DatabaseError, connection
from django.test import Client, override_settings
from django.utils import timezone
from urllib3.exceptions import MaxRetryError, NameResolutionError, NewConnectionError, ProtocolError
from urllib3.exceptions import SSLError as Untrusted

from django_faceauth import metrics
from django_faceauth.conf import RATE_LIMITS
from django_faceauth.exceptions import NotEnrolled
from django_faceauth.messages import LIMITED
from django_faceauth.models import AttemptRequest, FaceAuthentication, Lockout, ProviderRateLimit
from django_faceauth.provider import factory
from django_faceauth.services import limits
from django_faceauth.services.background import sweep
from django_faceauth.services.enrolment import applicants
from django_faceauth.signals import locked_out
from tests.conftest import CACHE_AWAY
from tests.provider_double import answers, breaks_with, works, works_but_times_out
from tests.server import free_port
from tests.sweeping import sweep_for
from tests.user_driver import capture_url_in, scripted

pytestmark = pytest.mark.database

#: But for that of the site and the lock-out.
NO_LIMITS = {"unsuccessful": [], "unsuccessful_session": [], "successful": []}
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
DECLINED = scripted("62321")


def starts(person):
    """Press the button for a page; the link is left lying."""
    return person.presses(person.is_asked())


def starts_again(person):
    """Start in another session, so that no link can be used again."""
    person.browser = person.new_browser()
    return starts(person)


def refuses(person, times=1):
    """Start, and refuse, so that the next start is of a new question."""
    for _ in range(times):
        assert person.passes("/statements/", "refuse").context["word"] == "refused"


def is_declined(person, times=1):
    for _ in range(times):
        assert person.passes("/statements/").context["word"] == "failed"


def text(response):
    return response.content.decode()


def told(page):
    """Return the moment that a page tells."""
    return datetime.fromisoformat(re.search(r'<time datetime="([^"]+)"', text(page))[1])


# -- so many, and no more


def test_the_fourth_start_in_ten_minutes_costs_nothing_and_says_when(person, provider, caplog):
    """The provider is not even called (R-01, TH-25); it opens at the time that the page says."""
    for _ in range(3):
        assert starts_again(person).status_code == 200
        person.clock.shift(MINUTE)
    person.browser = person.new_browser()
    start = person.is_asked()
    calls = len(provider.calls)
    before = metrics.counts["limited.user"]
    assert person.browser.get(start).status_code == 429  # before the button is pressed

    page = person.presses(start)

    assert page.status_code == 429
    assert page["Retry-After"] == "420"
    opens_at = told(page)
    assert opens_at == timezone.now() + 7 * MINUTE
    assert "7\xa0minutes" in text(page)
    assert "March 1, 2026, 6:10 a.m. (CST)" in text(page)
    assert 'href="/home/"' in text(page)
    assert len(provider.calls) == calls
    assert metrics.counts["limited.user"] == before + 1
    assert f"scope=user challenge={person.challenge.pk}" in caplog.text
    assert person.user.get_username() not in caplog.text

    person.clock.move_to(opens_at - timedelta(microseconds=1))
    assert person.presses(start).status_code == 429
    person.clock.move_to(opens_at)
    assert person.browser.get(start).status_code == 200
    assert person.presses(start).status_code == 200
    assert told(starts_again(person)) == opens_at + MINUTE


@override_settings(
    FACEAUTH_RATE_LIMITS={"unsuccessful": ["2/h", "3/d"], "unsuccessful_session": []}
)
def test_of_several_limits_the_longest_wait_is_told(person):
    """Rounded up to full minutes."""
    person.clock.shift(1.5)
    first = timezone.now()
    refuses(person, 2)
    person.clock.shift(61 * MINUTE)
    refuses(person)

    assert told(starts(person)) == first + DAY + timedelta(seconds=58.5)


# -- what is free


def fails_to_connect(reason):
    """Raise what `requests` raises when there is no connection."""
    return breaks_with(requests.ConnectionError(MaxRetryError(None, "/", reason)))


UNTRUSTED = Untrusted(SSLCertVerificationError("self-signed"))
REFUSED = [answers(status, "{}") for status in (400, 401, 403, 404, 409, 422)]
NEVER_REACHED = [
    fails_to_connect(NewConnectionError(None, "refused")),
    fails_to_connect(NameResolutionError("host", None, gaierror())),
    breaks_with(requests.ConnectTimeout()),
    breaks_with(requests.exceptions.SSLError(MaxRetryError(None, "/", UNTRUSTED))),
    breaks_with(requests.exceptions.ProxyError(MaxRetryError(None, "/", None))),
    answers(429),
]
PERHAPS_MADE = [
    works_but_times_out,
    breaks_with(requests.ReadTimeout()),
    breaks_with(requests.ConnectionError(ProtocolError("aborted", RemoteDisconnected()))),
    breaks_with(requests.exceptions.SSLError(SSLError("bad record"))),
    *[answers(status) for status in (500, 503, 201)],
]


@pytest.mark.parametrize("trouble", [*REFUSED, *NEVER_REACHED, *PERHAPS_MADE])
@pytest.mark.parametrize("before", [[], [works]], ids=["authentication", "attempt"])
def test_only_what_may_have_been_made_is_counted(person, provider, trouble, before):
    """An outage does not end in too many attempts (F-26)."""
    is_counted = trouble in PERHAPS_MADE
    for _ in range(1 if is_counted else 4):
        provider.troubles.extend([*before, trouble])
        assert starts_again(person).status_code == 503 or trouble in REFUSED

    assert AttemptRequest.objects.count() == is_counted
    assert starts_again(person).status_code == 200


@override_settings(FACEAUTH_RATE_LIMITS={"unsuccessful": ["1/h"]})
def test_a_link_that_still_opens_is_free_also_at_the_limit(person, provider):
    """Two tabs, a double click, the back button (D-08)."""
    start = person.is_asked()
    pages = [person.presses(start) for _ in range(6)]

    assert {capture_url_in(page) for page in pages} == {capture_url_in(pages[0])}
    assert provider.attempts_bought == AttemptRequest.objects.count() == 1
    assert person.browser.get(start).status_code == 200
    person.clock.shift(9 * MINUTE)
    assert person.browser.get(start).status_code == 429
    assert person.presses(start).status_code == 429


@pytest.mark.enable_socket
def test_a_closed_port_is_no_attempt(person, settings, provider):
    """Over a real socket, which is refused (F-26)."""
    settings.DEBUG = True
    settings.FACEAUTH_BASE_URL = f"http://127.0.0.1:{free_port()}"
    with factory.answered_by(None):
        for _ in range(4):
            assert starts_again(person).status_code == 503

    assert AttemptRequest.objects.count() == 0


# -- what succeeded is another matter


def test_several_approved_payments_in_ten_minutes_all_pass(person, owes):
    """Success has a limit of its own (F-26)."""
    for number in range(6):
        path = f"/pay/{owes(person, amount=str(number + 1)).pk}/"
        person.proves(person.is_asked(path, "post"))
        assert person.browser.post(path).status_code == 200

    assert AttemptRequest.objects.filter(is_successful=True).count() == 6
    assert AttemptRequest.objects.count() == 6
    with override_settings(FACEAUTH_RATE_LIMITS={"successful": ["6/h"]}):
        assert starts(person).context["wording"] == LIMITED["user"]


def test_of_several_tries_the_one_that_was_approved_is_successful(person):
    """F-26."""
    start = person.is_asked()
    person.proves(start, "no_camera")
    person.proves(start)

    asked = AttemptRequest.objects.order_by("pk")
    assert list(asked.values_list("is_successful", flat=True)) == [False, True]


@pytest.mark.parametrize(
    ("limits", "rule"),
    [
        ({"unsuccessful": ["1/10m"]}, "[&quot;unsuccessful&quot;]: 1/10m"),
        ({"unsuccessful_session": ["1/2h"]}, "[&quot;unsuccessful_session&quot;]: 1/2h"),
        ({"site": "1/d"}, "[&quot;site&quot;]: 1/d"),
    ],
)
def test_developers_are_told_which_limit_it_is(person, settings, limits, rule):
    """With DEBUG, and visitors are not (F-26)."""
    settings.FACEAUTH_RATE_LIMITS = limits
    refuses(person)
    assert "RATE_LIMITS" not in text(starts(person))

    settings.DEBUG = True

    assert f"<code>FACEAUTH_RATE_LIMITS{rule}</code>" in text(starts(person))


def test_users_who_may_not_start_count_nothing(people):
    stranger = people(None)
    person = people()
    start = person.is_asked()
    person.user.face_applicant.delete()

    assert stranger.browser.get("/statements/").status_code == 403
    assert person.presses(start).status_code == 403
    with pytest.raises(NotEnrolled):  # unlinked while starting
        limits.count_attempt(person.challenge, now=timezone.now())
    assert AttemptRequest.objects.count() == 0


# -- users and sessions


def test_a_thief_in_one_session_leaves_the_others_something(person):
    """Six a day in one session, ten for the user (R-05)."""
    for _ in range(2):
        refuses(person, 3)
        person.clock.shift(11 * MINUTE)
    page = starts(person)
    assert page.status_code == 429
    assert told(page) - timezone.now() > timedelta(hours=23)

    person.browser = person.new_browser()

    refuses(person, 3)
    person.clock.shift(11 * MINUTE)
    refuses(person, 1)
    page = starts(person)
    assert page.status_code == 429  # the tenth was the last
    assert AttemptRequest.objects.count() == 10


def test_others_are_not_affected(people):
    """A limit and a lockout are of one user (R-05, TH-26)."""
    mallory, alice = people(DECLINED), people()
    with override_settings(FACEAUTH_RATE_LIMITS=NO_LIMITS):
        is_declined(mallory, 5)
    assert starts(mallory).status_code == 429

    refuses(alice, 3)

    assert starts(alice).context["wording"] == LIMITED["user"]
    assert Lockout.objects.get().user == mallory.user


def test_nobody_outside_the_session_can_add_to_its_counter(people):
    """Not with the URL of the page, nor as another user, nor with the return (TH-26)."""
    alice, mallory = people(), people()
    start = alice.is_asked()

    for browser in (Client(), mallory.browser, alice.new_browser()):
        for _ in range(5):
            assert browser.post(start).status_code == 404
            browser.get(start.replace("start", "returned"))

    assert AttemptRequest.objects.count() == Lockout.objects.count() == 0
    refuses(alice, 3)


# -- the whole site


@override_settings(FACEAUTH_RATE_LIMITS={"site": "3/h"})
def test_the_site_has_a_limit_of_its_own(people, provider, caplog):
    """All are refused, and the log has an error (R-03)."""
    ProviderRateLimit.objects.all().delete()
    before = metrics.counts["limited.site"]
    for number in range(3):
        refuses(people())
        assert AttemptRequest.objects.count() == number + 1
    assert ProviderRateLimit.objects.count() == 1
    calls = len(provider.calls)
    late = people()

    page = starts(late)

    assert page.status_code == 429
    assert page.context["wording"] == LIMITED["site"]
    assert provider.attempts_bought == 3
    assert len(provider.calls) == calls
    assert metrics.counts["limited.site"] == before + 1
    assert [record.levelno for record in caplog.records if "scope=site" in record.message] == [
        logging.ERROR
    ]
    assert late.browser.get("/statements/").status_code == 302  # the gate stays shut
    late.clock.move_to(told(page))
    assert starts(late).status_code == 200


# -- lockout


@override_settings(FACEAUTH_RATE_LIMITS=NO_LIMITS)
def test_five_declines_in_a_row_lock_out_for_half_an_hour(people, provider, caplog):
    """R-02, T-2.4: in every session, until five more declines."""
    mallory = people(DECLINED)
    is_declined(mallory, 4)
    assert starts(mallory).status_code == 200
    mallory.waits(mallory.returns(mallory.shows_face(capture_url_in(starts(mallory)))))
    declined_at = timezone.now()

    page = starts(mallory)

    assert page.status_code == 429
    assert page.context["wording"] == LIMITED["lockout"]
    assert provider.attempts_bought == 5
    lockout = Lockout.objects.get()
    assert (lockout.user, lockout.reason) == (mallory.user, "declined")
    assert lockout.until == declined_at + 30 * MINUTE
    assert "scope=lockout" in caplog.text
    mallory.browser = mallory.new_browser()
    assert starts(mallory).status_code == 429
    applicants.link(mallory.user, scripted("10000"), check=False)
    assert starts(mallory).status_code == 429  # another applicant does not end it

    applicants.link(mallory.user, DECLINED, check=False)
    mallory.clock.move_to(lockout.until)
    is_declined(mallory, 4)
    assert Lockout.objects.count() == 1
    is_declined(mallory)
    assert Lockout.objects.count() == 2
    assert starts(mallory).status_code == 429


@override_settings(FACEAUTH_RATE_LIMITS=NO_LIMITS)
def test_an_approval_resets_the_counter_of_that_user_alone(people):
    """R-02: one success does not clear what others did."""
    alice, mallory = people(), people(DECLINED)
    for person in (alice, mallory):
        for _ in range(4):
            person.passes("/statements/", "someone_else")
    alice.clock.shift(1)

    assert text(alice.passes("/statements/")).startswith("secret")
    alice.browser = alice.new_browser()
    for _ in range(4):
        alice.passes("/statements/", "someone_else")
    is_declined(mallory)

    assert [lockout.user for lockout in Lockout.objects.all()] == [mallory.user]
    alice.passes("/statements/", "someone_else")
    assert Lockout.objects.filter(user=alice.user).count() == 1


@override_settings(FACEAUTH_RATE_LIMITS=NO_LIMITS)
@pytest.mark.parametrize("is_enrolled", [True, False])
def test_users_who_never_come_back_are_locked_out_by_the_sweep(
    people, is_enrolled, hears, django_capture_on_commit_callbacks
):
    """And the signal is sent once; users who are no longer enrolled need no lock-out."""
    mallory = people(DECLINED)
    for _ in range(5):
        mallory.shows_face(capture_url_in(starts_again(mallory)))
    if not is_enrolled:
        mallory.user.face_applicant.delete()
    sent = hears(locked_out, "user", "reason", "until", "challenge")

    with django_capture_on_commit_callbacks(execute=True):
        sweep_for(mallory.clock, 20 * MINUTE)

    assert FaceAuthentication.objects.filter(status="declined").count() == 5
    if is_enrolled:
        lockout = Lockout.objects.get()
        assert sent == [(mallory.user, "declined", lockout.until, None)]
        assert starts(mallory).status_code == 429
    else:
        assert Lockout.objects.count() == len(sent) == 0


@override_settings(FACEAUTH_RATE_LIMITS=NO_LIMITS)
def test_refusals_do_not_lock_out_and_a_site_may_have_no_lockout(people):
    refuses(people(), 6)
    assert AttemptRequest.objects.count() == 6
    with override_settings(FACEAUTH_RATE_LIMITS=NO_LIMITS | {"lockout": None}):
        is_declined(people(DECLINED), 6)

    assert Lockout.objects.count() == 0


# -- when something is out of order


@override_settings(CACHES=CACHE_AWAY)
def test_no_cache_is_needed(person):
    """R-06: nothing is counted where it could be lost."""
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever its client raises
        caches["default"].get("anything")

    refuses(person, 3)

    assert starts(person).status_code == 429


def test_a_start_that_cannot_be_counted_is_not_made(person, provider):
    """R-06: an error of the database is a no."""
    start = person.is_asked()
    person.browser.raise_request_exception = False

    def fail(execute, sql, params, many, context):
        if AttemptRequest._meta.db_table in sql:
            raise DatabaseError
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fail):
        page = person.presses(start)

    assert page.status_code == 500
    assert provider.calls == []
    assert starts(person).status_code == 200  # and the lock is free again


# -- what is remembered


@pytest.mark.parametrize(("limit", "kept"), [("3/10m", DAY), ("20/7d", 7 * DAY)])
@pytest.mark.parametrize("key", ["unsuccessful", "unsuccessful_session", "successful", "site"])
def test_what_no_limit_looks_at_is_forgotten(person, limit, kept, key, settings):
    one = {key: limit if key == "site" else [limit]}
    settings.FACEAUTH_RATE_LIMITS = dict.fromkeys(RATE_LIMITS) | one
    starts(person)

    person.clock.shift(kept)
    sweep.close_expired(now=timezone.now())
    assert AttemptRequest.objects.count() == 1

    person.clock.shift(1)
    sweep.close_expired(now=timezone.now())
    assert AttemptRequest.objects.count() == 0
