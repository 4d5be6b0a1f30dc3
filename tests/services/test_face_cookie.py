"""The face cookie, rotated when a grant is used for the first time (B-05, F-20)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import logout
from django.db import OperationalError, connection, transaction
from django.http import HttpResponse, StreamingHttpResponse
from django.template import engines
from django.template.response import TemplateResponse
from django.test import AsyncClient, Client
from django.urls import path
from django.utils import timezone
from rest_framework_simplejwt.tokens import AccessToken

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


@pytest.mark.parametrize("is_planted", [False, True])
def test_stolen_and_planted_cookies_are_worth_nothing_after_a_check(engine, person, is_planted):
    """Each grant that is used for the first time rotates the cookie (B-05, TH-02, F-20)."""
    if is_planted:
        person.browser.cookies[NAME] = "planted"
    start = person.is_asked()
    thief = copied(person.browser)

    assert person.proves(start).content.startswith(b"secret")

    assert person.browser.cookies[NAME].value != "planted"
    assert is_refused(thief.get(GATE))
    assert is_refused(copied(thief).get(GATE))
    thief = copied(person.browser)
    assert thief.get(GATE).content.startswith(b"secret")  # until the next check
    person.passes("/payout/")
    assert is_refused(thief.get("/payout/"))
    assert is_refused(thief.get(GATE))
    assert person.browser.get(GATE).content.startswith(b"secret")
    assert person.browser.get("/payout/").status_code == 200


def test_the_cookie_is_worth_nothing_in_another_session(people):
    alice, bob = people(), people()
    alice.passes(GATE)

    bob.browser.cookies[NAME] = alice.browser.cookies[NAME].value

    assert is_refused(bob.browser.get(GATE))


# -- the cookie


@pytest.mark.parametrize("is_closed", [True, False])
def test_it_has_the_attributes_of_the_session_cookie(people, settings, is_closed):
    """But scripts can never read it (F-20), and it lasts as long as a grant may."""
    settings.SESSION_EXPIRE_AT_BROWSER_CLOSE = is_closed
    settings.SESSION_COOKIE_AGE = 900
    settings.SESSION_COOKIE_NAME = "seat"
    settings.SESSION_COOKIE_DOMAIN = ".testserver"
    settings.SESSION_COOKIE_SECURE = True
    settings.SESSION_COOKIE_HTTPONLY = False
    settings.SESSION_COOKIE_SAMESITE = "Strict"
    person = people()
    face_shown(person.browser)

    cookie = person.browser.get(GATE, secure=True).cookies["seat_faceauth"]

    assert len(cookie.value) >= 43  # 256 bits
    assert (cookie["path"], cookie["domain"], cookie["samesite"]) == ("/", ".testserver", "Strict")
    assert cookie["secure"] is cookie["httponly"] is True
    assert cookie["max-age"] == ("" if is_closed else timedelta(days=365).total_seconds())


def test_it_is_replaced_once_for_each_grant(person):
    """Rows hold its digest only."""
    back = person.shows_face(person.is_handed_over(person.is_asked()))
    person.returns(back)
    assert NAME not in person.browser.cookies

    person.clock.shift(3)
    person.waits(person.returns(back))
    secret = person.browser.cookies[NAME].value

    assert NAME not in person.browser.get(GATE).cookies
    assert secret not in str(FaceChallenge.objects.values())


def test_other_grants_and_open_challenges_go_on(person):
    face_shown(person.browser, action="payout")
    start = person.is_asked("/reports/")
    face_shown(person.browser)

    person.browser.get(GATE)
    person.browser.get("/payout/")

    assert person.browser.get(GATE).content.startswith(b"secret")
    assert person.is_asked("/reports/") == start
    assert person.browser.get(start).status_code == 200


@pytest.mark.parametrize("is_rotated", [False, True])
def test_a_client_with_a_token_gets_no_cookie(person, settings, is_rotated):
    """B-04; another token of its credential passes, also if signed by a new key (F-33)."""
    phone = Phone(person)
    phone.is_refused()
    if is_rotated:
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "another-key-that-is-long-enough-1"
        phone.uses(AccessToken.for_user(person.user))
    answer = phone.http.get("/shop/secret/", headers=phone.shows())

    assert answer.status_code == 200
    assert not answer.cookies


# -- requests with the old cookie


def late_and_new(person):
    """Return a browser with the old cookies, and the handle of the grant."""
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
def test_a_late_request_stays_logged_in_and_changes_no_cookie(person, page, first):
    """Other sessions learn nothing (B-07, F-20)."""
    start = person.is_asked()
    late = copied(person.browser)
    back = person.shows_face(person.is_handed_over(start))
    person.clock.shift(3)
    handle = person.challenge.handle
    urls = {"page": back, "status": f"/face/status/{handle}/", "api": LATE["api"].format(handle)}
    assert NAME in person.browser.get(urls[first]).cookies

    answer = late.get(LATE[page].format(handle))

    assert person.new_browser().get(LATE["status"].format(handle)).status_code == 404
    assert not answer.cookies
    assert not answer.content.startswith(b"secret")
    assert is_logged_in(late)
    assert is_logged_in(person.browser)
    assert person.browser.get(GATE).content.startswith(b"secret")


def test_late_pages_and_polls_come_again_once(person):
    """By then the browser has the new cookie (F-20)."""
    late, handle = late_and_new(person)
    again = f"/face/waiting/{handle}/?again=1"
    status, api = f"/face/status/{handle}/", f"/face/api/challenges/{handle}/"

    for page in ("start", "waiting", "returned"):
        answer = late.get(f"/face/{page}/{handle}/")
        assert f'content="0; url={again}"' in answer.content.decode()
    assert late.get(again)["Location"] == GATE  # the cookie may have been lost
    assert person.browser.get(again)["Location"] == GATE

    answer = late.get(status).json()
    assert answer == {"state": "open", "message": "", "next": f"/face/waiting/{handle}/"}
    answer = person.browser.get(status).json()
    assert (answer["state"], answer["next"]) == ("granted", GATE)

    answer = late.get(api)
    assert (answer.status_code, answer.json()["code"]) == (409, "cookie_replaced")
    assert answer["Retry-After"] == "1"
    assert person.browser.get(api).json()["next"] == "repeat"


def test_the_start_page_of_a_late_request_leads_back_to_the_gate(person):
    """The browser was redirected with the old cookie, and has the new one now (F-20)."""
    open_start = person.is_asked("/payout/")
    late, _handle = late_and_new(person)
    assert late.get("/payout/")["Location"] != open_start
    late.get("/payout/", headers={"face-challenge": open_start.split("/")[3]})
    assert person.is_asked("/payout/") == open_start
    start = late.get(GATE)["Location"]

    page = person.browser.get(start)

    again = f"/face/waiting/{start.split('/')[3]}/?again=1"
    assert again in page.content.decode()
    assert person.browser.get(again)["Location"] == GATE
    assert person.browser.get(start.replace("/start/", "/status/")).json()["next"]
    assert person.browser.get(start.replace("/start/", "/api/challenges/")).status_code == 404
    assert person.browser.post(start).status_code == 200
    assert person.browser.get(GATE).content.startswith(b"secret")


def test_of_two_requests_that_use_a_grant_first_one_rotates(person):
    """F-20."""
    face_shown(person.browser)
    slow = person.request(GATE)
    late = copied(person.browser)
    face_cookie.see(slow, person.challenge, now=timezone.now())
    person.browser.get(GATE)
    late.get(GATE)

    answer = face_cookie.carry(slow, HttpResponse())

    assert not answer.cookies
    assert person.browser.get(GATE).content.startswith(b"secret")


# -- log-out and limits


def test_logging_out_ends_the_challenges_of_all_cookies(person):
    """B-06."""
    late, _handle = late_and_new(person)
    late.get("/payout/")

    logout(person.request())

    states = set(FaceChallenge.objects.values_list("state", flat=True))
    assert states == {"revoked", "expired"}


def test_another_cookie_does_not_reset_a_limit(person, settings):
    """It is one of the session (R-01)."""
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


def rolls_back(request):
    transaction.set_rollback(True)
    return HttpResponse("rolled back")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("view", "single_use", "is_atomic", "status", "is_kept"),
    [
        *[(view, True, False, 200, True) for view in (streams, renders, waits)],
        *[(view, False, False, 200, True) for view in (streams, renders, waits)],
        (fails, False, False, 500, False),
        (logs_out, False, False, 200, False),
        (streams, False, True, 200, True),
        (rolls_back, False, True, 200, False),
        (fails, False, True, 500, False),
    ],
)
def test_a_response_carries_it_if_the_rows_have_changed(
    person, monkeypatch, view, single_use, is_atomic, status, is_kept
):
    """Otherwise the next request of the session does (F-20)."""
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", is_atomic)
    face_shown(person.browser)
    person.browser.raise_request_exception = False
    with served(path("view/", face_required(single_use=single_use)(view))):
        answer = person.browser.get("/view/")

    is_seen = FaceChallenge.objects.get().session_rotated_at is not None
    assert (answer.status_code, NAME in answer.cookies, is_seen) == (status, is_kept, is_kept)
    if view is renders:  # after the view, with the new secret
        assert answer.content == (b"" if single_use else b"fresh")
    if not single_use:
        again = person.browser.get(GATE)
        assert again.content.startswith(b"secret") == (view is not logs_out)
        assert (NAME in again.cookies) == (not is_kept and view is not logs_out)


def test_two_gates_in_one_request_rotate_it_once(person):
    """Both grants go on (F-20)."""
    face_shown(person.browser)
    face_shown(person.browser, action="payout")
    with served(path("view/", face_required(face_required(action="payout")(streams)))):
        answer = person.browser.get("/view/")

    assert answer.status_code == 200
    assert NAME in answer.cookies
    assert not FaceChallenge.objects.filter(session_rotated_at=None).exists()
    for gate in (GATE, "/payout/"):
        again = person.browser.get(gate)
        assert again.content.startswith(b"secret")
        assert NAME not in again.cookies


def test_an_admin_action_that_returns_nothing(person):
    """Its redirect carries the cookie (F-20)."""
    face_shown(person.browser, action="payout")
    request = person.request("/admin/site/payment/?page=2", "post")

    answer = pay_out(None, request, Payment.objects.all())

    assert answer["Location"] == "/admin/site/payment/?page=2"
    assert NAME in answer.cookies
    assert pay_out(None, request, Payment.objects.all()) is None


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


@pytest.mark.django_db
def test_a_database_error_during_the_rotation_does_not_lose_the_response(person, caplog):
    """The work of the view is done; the next request rotates the cookie."""
    face_shown(person.browser)

    def fail(execute, sql, params, many, context):
        if sql.startswith("UPDATE") and "session_rotated_at" in sql:
            raise OperationalError("the database is away")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fail):
        response = person.browser.get(GATE)

    assert response.content.startswith(b"secret")
    assert NAME not in response.cookies
    assert "cookie not replaced: OperationalError" in caplog.text
    assert NAME in person.browser.get(GATE).cookies
