"""The second secret: a cookie of our own, replaced when a grant is first seen (B-05, F-20)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import logout
from django.db import connection, transaction
from django.http import HttpResponse, StreamingHttpResponse
from django.template import engines
from django.template.response import TemplateResponse
from django.test import AsyncClient, Client
from django.urls import path
from django.utils import timezone

from django_faceauth.gate import face_required
from django_faceauth.models import AttemptRequest, FaceChallenge
from django_faceauth.services.grants import face_cookie
from django_faceauth.testing import face_shown
from tests.addresses import served
from tests.mobile_driver import Phone
from tests.site.admin import pay_out
from tests.site.models import Payment

pytestmark = pytest.mark.database

GATE = "/statements/"
NAME = "sessionid_faceauth"
ENGINES = ["db", "cache", "cached_db", "file", "signed_cookies"]


@pytest.fixture(params=ENGINES)
def engine(request, settings, tmp_path):
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{request.param}"
    settings.SESSION_FILE_PATH = str(tmp_path)
    return request.param


def copied(browser):
    """Return a browser with the cookies that another one has now."""
    copy = Client()
    for name, cookie in browser.cookies.items():
        if cookie.value:
            copy.cookies[name] = cookie.value
    return copy


def is_logged_in(browser):
    return browser.get("/home/").status_code == 200


def is_refused(answer):
    return answer.status_code == 302 and "/face/start/" in answer["Location"]


# -- stolen and planted


def test_a_pair_that_was_stolen_has_no_privilege_after(engine, person):
    """The thief's request comes last, on every session engine (B-05, TH-02, F-20)."""
    start = person.is_asked()
    thief = copied(person.browser)

    assert person.proves(start).content.startswith(b"secret")

    assert is_refused(thief.get(GATE))
    assert person.browser.get(GATE).content.startswith(b"secret")
    assert is_refused(copied(thief).get(GATE))


def test_a_pair_that_was_stolen_between_two_checks(engine, person):
    """Each grant that is first seen replaces the secret (B-05, F-20)."""
    person.passes(GATE)
    thief = copied(person.browser)
    assert thief.get(GATE).content.startswith(b"secret")  # until then it is the browser's own

    person.passes("/payout/")

    assert is_refused(thief.get("/payout/"))
    assert is_refused(thief.get(GATE))
    assert person.browser.get(GATE).content.startswith(b"secret")
    assert person.browser.get("/payout/").status_code == 200


def test_a_cookie_that_was_planted_is_replaced(engine, person):
    """The one who chose the secret does not know the next one (TH-02, F-20)."""
    person.browser.cookies[NAME] = "planted"
    start = person.is_asked()
    planter = copied(person.browser)

    person.proves(start)

    assert person.browser.cookies[NAME].value != "planted"
    assert is_refused(planter.get(GATE))
    assert person.browser.get(GATE).content.startswith(b"secret")


def test_our_cookie_is_worth_nothing_without_the_session(people):
    alice, bob = people(), people()
    alice.passes(GATE)

    bob.browser.cookies[NAME] = alice.browser.cookies[NAME].value

    assert is_refused(bob.browser.get(GATE))


# -- the cookie


def test_there_is_none_before_a_grant_is_seen(person):
    start = person.is_asked()
    person.returns(person.shows_face(person.is_handed_over(start)))
    assert NAME not in person.browser.cookies


def test_it_goes_where_the_session_cookie_goes(people, settings):
    """And no script reads it, whatever the site says of its session cookie (F-20)."""
    settings.SESSION_COOKIE_NAME = "seat"
    settings.SESSION_COOKIE_DOMAIN = ".testserver"
    settings.SESSION_COOKIE_SECURE = True
    settings.SESSION_COOKIE_HTTPONLY = False
    settings.SESSION_COOKIE_SAMESITE = "Strict"
    person = people()
    face_shown(person.browser)

    cookie = person.browser.get(GATE, secure=True).cookies["seat_faceauth"]

    assert len(cookie.value) >= 43  # 256 bits
    assert {
        name: cookie[name] for name in ("path", "domain", "secure", "httponly", "samesite")
    } == {
        "path": "/",
        "domain": ".testserver",
        "secure": True,
        "httponly": True,
        "samesite": "Strict",
    }


@pytest.mark.parametrize("is_closed", [True, False])
def test_it_lasts_as_long_as_a_grant_may(person, settings, is_closed):
    """The session may be prolonged without us; where it ends with the browser, it does too."""
    settings.SESSION_EXPIRE_AT_BROWSER_CLOSE = is_closed
    settings.SESSION_COOKIE_AGE = 900
    face_shown(person.browser)

    age = person.browser.get(GATE).cookies[NAME]["max-age"]

    assert age == ("" if is_closed else timedelta(days=365).total_seconds())


def test_rows_hold_no_more_than_a_digest_of_it(person):
    person.passes(GATE)
    assert person.browser.cookies[NAME].value not in str(FaceChallenge.objects.values())


def test_it_is_replaced_once_for_each_grant(person):
    person.passes(GATE)
    secret = person.browser.cookies[NAME].value

    assert NAME not in person.browser.get(GATE).cookies
    assert person.browser.cookies[NAME].value == secret


def test_other_grants_and_open_questions_come_along(person):
    """All rows of the old secret are given the new one, and stay one for each question."""
    face_shown(person.browser, action="payout")
    open_one = person.is_asked("/reports/")
    face_shown(person.browser)

    person.browser.get(GATE)
    person.browser.get("/payout/")

    assert person.browser.get(GATE).content.startswith(b"secret")
    assert person.is_asked("/reports/") == open_one
    assert person.browser.get(open_one).status_code == 200


def test_a_token_gets_no_cookie(person):
    """It has no session that could be planted (B-04)."""
    phone = Phone(person)
    phone.is_refused()
    answer = phone.http.get("/shop/secret/", headers=phone.shows())

    assert answer.status_code == 200
    assert not answer.cookies


# -- requests that come late


def late_and_new(person):
    """Return a browser with the cookies from before the grant was seen, and its challenge."""
    start = person.is_asked()
    late = copied(person.browser)
    person.proves(start)
    return late, FaceChallenge.objects.get(session_rotated_at__isnull=False).handle


LATE = {
    "gate": GATE,
    "start": "/face/start/{}/",
    "waiting": "/face/waiting/{}/",
    "status": "/face/status/{}/",
    "returned": "/face/returned/{}/",
    "continue": "/face/continue/{}/",
    "api": "/face/api/challenges/{}/",
    "gate of the api": "/shop/secret/",
}


@pytest.mark.parametrize("page", LATE)
@pytest.mark.parametrize("first", ["page", "status", "api"])
def test_a_request_that_comes_late_stays_logged_in(person, page, first):
    """Whatever saw the grant first; it changes neither cookie, and the new pair counts (F-20)."""
    start = person.is_asked()
    late = copied(person.browser)
    back = person.shows_face(person.is_handed_over(start))
    person.clock.shift(3)
    handle = person.challenge.handle
    seen = {"page": back, "status": f"/face/status/{handle}/", "api": LATE["api"].format(handle)}
    assert NAME in person.browser.get(seen[first]).cookies

    answer = late.get(LATE[page].format(handle))

    assert not answer.cookies
    assert not answer.content.startswith(b"secret")
    assert is_logged_in(late)
    assert is_logged_in(person.browser)
    assert person.browser.get(GATE).content.startswith(b"secret")


@pytest.mark.parametrize("page", ["start", "waiting", "returned"])
def test_a_page_that_comes_late_loads_itself_again(person, page):
    """By then the browser has the new cookie (F-20)."""
    late, handle = late_and_new(person)

    answer = late.get(f"/face/{page}/{handle}/")

    again = f"/face/waiting/{handle}/?again=1"
    assert f'content="0; url={again}"' in answer.content.decode()
    assert late.get(again)["Location"] == GATE  # once: a cookie may have been lost
    assert person.browser.get(again)["Location"] == GATE


def test_a_poll_that_comes_late_is_told_to_look_again(person):
    """F-20."""
    late, handle = late_and_new(person)

    told = late.get(f"/face/status/{handle}/").json()

    assert told == {"state": "open", "message": "", "next": f"/face/waiting/{handle}/"}
    told = person.browser.get(f"/face/status/{handle}/").json()
    assert (told["state"], told["next"]) == ("granted", GATE)


def test_a_poll_of_a_program_that_comes_late_is_told_so(person):
    """F-20."""
    late, handle = late_and_new(person)

    answer = late.get(f"/face/api/challenges/{handle}/")

    assert (answer.status_code, answer.json()["code"]) == (409, "cookie_replaced")
    assert answer["Retry-After"] == "1"
    assert person.browser.get(f"/face/api/challenges/{handle}/").json()["next"] == "repeat"


def test_what_a_late_request_was_asked_leads_back_to_the_gate(person):
    """A tab is sent to a start page by the old cookie, and gets there with the new one (F-20)."""
    late, _handle = late_and_new(person)
    start = late.get(GATE)["Location"]

    page = person.browser.get(start)

    again = f"/face/waiting/{start.split('/')[3]}/?again=1"
    assert again in page.content.decode()
    assert person.browser.get(again)["Location"] == GATE
    assert person.browser.get(start.replace("/start/", "/status/")).json()["next"]
    assert person.browser.get(start.replace("/start/", "/api/challenges/")).status_code == 404
    assert person.browser.post(start).status_code == 200
    assert person.browser.get(GATE).content.startswith(b"secret")


def test_a_late_request_does_not_touch_an_open_question(person):
    """It is asked again; the question of the new cookie goes on (F-20)."""
    start = person.is_asked("/payout/")
    late, _handle = late_and_new(person)

    other = late.get("/payout/")["Location"]
    late.get("/payout/", headers={"face-challenge": start.split("/")[3]})

    assert other != start
    assert person.is_asked("/payout/") == start
    assert person.proves(start).status_code == 200


def test_a_late_request_is_not_moved_with_the_rows_of_others(person):
    """Two requests saw the grant; of what was asked between them, nothing changes (F-20)."""
    face_shown(person.browser)
    slow = person.request(GATE)
    late = copied(person.browser)
    face_cookie.see(slow, person.challenge, now=timezone.now())
    person.browser.get(GATE)
    late.get(GATE)

    answer = face_cookie.carry(slow, HttpResponse())

    assert not answer.cookies
    assert person.browser.get(GATE).content.startswith(b"secret")


def test_other_sessions_of_the_user_learn_nothing(person):
    """B-07."""
    _late, handle = late_and_new(person)

    for name in ("start", "waiting", "status"):
        assert person.new_browser().get(f"/face/{name}/{handle}/").status_code == 404


# -- what else goes by the session


def test_logging_out_ends_what_any_cookie_was_asked(person):
    """B-06."""
    late, _handle = late_and_new(person)
    late.get("/payout/")

    logout(person.request())

    states = set(FaceChallenge.objects.values_list("state", flat=True))
    assert states == {"revoked", "expired"}


def test_another_cookie_does_not_restart_the_count(person, settings):
    """The limit is one of the session (R-01)."""
    settings.FACEAUTH_RATE_LIMITS = {"unsuccessful": [], "unsuccessful_session": ["2/h"]}
    person.passes("/payout/", "someone_else")
    person.passes(GATE)
    person.passes("/payout/", "someone_else")

    assert person.presses(person.is_asked("/payout/")).status_code == 429
    assert AttemptRequest.objects.count() == 3


# -- views


def logs_out(request):
    logout(request)
    return HttpResponse("bye")


def renders(request):
    source = "{% load faceauth %}{% face_fresh as fresh %}{% if fresh %}fresh{% endif %}"
    return TemplateResponse(request, engines["django"].from_string(source))


def streams(request):
    return StreamingHttpResponse([b"secret"])


async def waits(request):
    return HttpResponse("secret")


def fails(request):
    raise ValueError("no")


def is_seen():
    return FaceChallenge.objects.get().session_rotated_at is not None


@pytest.mark.parametrize("view", [streams, renders, waits])
@pytest.mark.parametrize("single_use", [True, False])
def test_every_kind_of_answer_carries_it(person, view, single_use):
    """And what is rendered after the view goes by the new secret (F-20)."""
    face_shown(person.browser)
    with served(path("view/", face_required(single_use=single_use)(view))):
        answer = person.browser.get("/view/")

    assert answer.status_code == 200
    assert NAME in answer.cookies
    assert is_seen()
    if view is renders:
        assert answer.content == (b"" if single_use else b"fresh")


def test_a_view_that_raises_has_no_answer_to_carry_it(person):
    """So nothing is replaced, and the next request does it (F-20)."""
    face_shown(person.browser)
    person.browser.raise_request_exception = False
    with served(path("view/", face_required(fails))):
        answer = person.browser.get("/view/")
    assert (answer.status_code, NAME in answer.cookies, is_seen()) == (500, False, False)

    assert NAME in person.browser.get(GATE).cookies


def test_a_view_that_logs_out_leaves_no_cookie(person):
    """F-20."""
    face_shown(person.browser)
    with served(path("view/", face_required(logs_out))):
        answer = person.browser.get("/view/")

    assert answer.content == b"bye"
    assert NAME not in answer.cookies
    assert not is_seen()


def test_an_admin_action_that_answers_nothing(person):
    """What the admin would answer carries it (F-20)."""
    face_shown(person.browser, action="payout")
    request = person.request("/admin/site/payment/?page=2", "post")

    answer = pay_out(None, request, Payment.objects.all())

    assert answer["Location"] == "/admin/site/payment/?page=2"
    assert NAME in answer.cookies
    assert pay_out(None, request, Payment.objects.all()) is None


def taken_back(request):
    transaction.set_rollback(True)
    return HttpResponse("taken back")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("view", "is_kept"), [(streams, True), (taken_back, False), (fails, False)]
)
def test_in_the_transaction_of_a_request(person, monkeypatch, view, is_kept):
    """The cookie is sent if and only if the rows have changed (F-20)."""
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    face_shown(person.browser)
    person.browser.raise_request_exception = False

    with served(path("view/", face_required(view))):
        answer = person.browser.get("/view/")

    assert (NAME in answer.cookies) == is_seen() == is_kept
    assert person.browser.get(GATE).content.startswith(b"secret")


@pytest.mark.django_db(transaction=True)
def test_under_asgi(person):
    """F-20."""
    face_shown(person.browser)
    browser = AsyncClient()
    browser.cookies = person.browser.cookies

    async def visit():
        return [await browser.get(path) for path in ("/async/", GATE, "/async/")]

    first, *others = async_to_sync(visit)()

    assert NAME in first.cookies
    assert all(NAME not in answer.cookies for answer in others)
    assert all(b"secret" in answer.content for answer in others)


# -- the test kit


def test_a_face_of_the_kit_counts_with_and_without_the_cookie(person):
    face_shown(person.browser)
    assert person.browser.get(GATE).status_code == 200
    face_shown(person.browser, action="payout")
    assert person.browser.get("/payout/").status_code == 200
    assert person.browser.get(GATE).status_code == 200
