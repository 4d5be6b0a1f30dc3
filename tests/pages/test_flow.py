"""From the closed page to the open one, whatever the visitor does on the way."""

from __future__ import annotations

from datetime import timedelta

import pytest
import requests
from django.test import override_settings
from django.utils import timezone
from pytest_django.asserts import assertTemplateUsed

from django_faceauth.messages import BROKEN, CHECKING, LINK_RAN_OUT, TROUBLE, WORDINGS
from django_faceauth.models import (
    FaceAttempt,
    FaceAuthentication,
    FaceChallenge,
    ReviewCase,
    StatusChange,
)
from django_faceauth.response_codes import RETRY_ADVICE
from tests.provider_double import answers, breaks, works, works_but_times_out
from tests.user_driver import capture_url_in, scripted

pytestmark = pytest.mark.database

START = "/face/start/"


def waiting_page(person):
    return f"/face/waiting/{person.challenge.handle}/"


def text(response):
    return response.content.decode()


# -- every scenario comes to its end by the pages alone


@pytest.mark.parametrize(
    ("code", "word", "status"),
    [
        ("62305", "failed", 200),
        ("62321", "failed", 200),
        ("62403", "failed", 200),
        ("63001", "refused", 403),
        ("64001", "failed", 200),
    ],
)
def test_an_end_without_a_grant_is_shown_without_its_code(people, code, word, status):
    """Fraud codes are not for the person in front of the camera (V-12)."""
    bob = people(scripted(code))

    page = bob.passes("/statements/")

    assert (page.status_code, page.context["word"]) == (status, word)
    assert str(WORDINGS[word].message) in text(page)
    assert code not in text(page)
    assert bob.challenge.state == word
    data = bob.browser.get(f"/face/status/{bob.challenge.handle}/").json()
    assert (data["state"], data["next"]) == (word, waiting_page(bob))
    bob.is_asked("/statements/")


@pytest.mark.parametrize("kind", ["A", "I"])
def test_a_first_try_that_did_not_work_is_explained_and_repeated(people, kind, provider):
    """retry_required: guidance, a new attempt on the same authentication, and its history."""
    carol = people(scripted(f"61402{kind}10000"))

    page = carol.passes("/statements/")

    assert str(RETRY_ADVICE[61402]) in text(page)
    assert carol.challenge.state == "open"
    again = carol.presses(f"{START}{carol.challenge.handle}/")
    # Back within two seconds the provider is not polled, and what is known is about the first.
    back = carol.returns(carol.shows_face(capture_url_in(again)))
    assert back["Location"] == waiting_page(carol)
    assert text(carol.waits(back)).startswith("secret")
    assert provider.count("POST /face-authentications") == 3
    assert provider.attempts_bought == 2
    assert FaceAuthentication.objects.count() == 1
    steps = StatusChange.objects.values_list("previous", "status", "source")
    assert list(steps) == [
        ("", "created", "create"),
        ("created", "retry_required", "return"),
        ("retry_required", "approved", "poll"),
    ]


def test_the_same_end_twice_is_seen_twice(person):
    """The status alone does not tell that anything happened; the attempts do."""
    for _ in range(2):
        assert person.passes("/statements/", "leave").context["word"] == "retry"

    assert person.authentication.attempts.count() == 2


def test_a_decline_is_reviewed_once_on_request(person):
    """(V-10)."""
    page = person.passes("/statements/", "someone_else")
    contest = f"/face/contest/{person.challenge.handle}/"
    assert f'action="{contest}"' in text(page)

    for _ in range(3):
        answer = person.browser.post(contest)

    assertTemplateUsed(answer, "faceauth/contested.html")
    assert ReviewCase.objects.get().reasons.count("contested") == 1
    person.is_asked("/statements/")  # it opens nothing


@pytest.mark.parametrize("outcome", ["same_person", "refuse", "leave"])
def test_there_is_nothing_to_contest_otherwise(person, outcome):
    page = person.passes("/statements/", outcome)

    assert "/face/contest/" not in text(page)
    assert person.browser.post(f"/face/contest/{person.challenge.handle}/").status_code == 404
    assert not ReviewCase.objects.exists()


# -- starting


@pytest.mark.parametrize("page", ["start", "returned", "waiting", "status"])
def test_handles_that_are_none(person, page):
    for handle in ("x", "x" * 3000, "%00", "..%2F..", "%F0%9F%98%80", "a'b", "-"):
        assert person.browser.get(f"/face/{page}/{handle}/").status_code == 404, handle


def test_looking_at_the_start_page_creates_nothing(person, provider):
    """A prefetch, a crawler or an image tag costs nothing (U-01); the page says it all (U-08)."""
    start = person.is_asked()

    page = person.browser.get(start)

    assertTemplateUsed(page, "faceauth/reasons/default.html")
    assert "Checkout.com" in text(page)
    assert f'href="{page.context["cancel_url"]}"' in text(page)
    assert person.browser.head(start).status_code == 200
    for method in ("put", "patch", "delete", "options"):
        assert getattr(person.browser, method)(start).status_code == 405
    assert provider.calls == []
    assert FaceAuthentication.objects.count() == 0


def test_asking_twice_is_one_question(person):
    """Two tabs of one session have one open challenge; the newer page is gone on to (D-08)."""
    first = person.is_asked("/statements/")
    second = person.is_asked("/documents/")

    assert first == second
    assert person.challenge.next_url == "/documents/"
    assert person.is_asked("/payout/") != first


@pytest.mark.parametrize("minutes", [8, 20])
def test_an_old_link_is_replaced(person, provider, minutes):
    """The new attempt is one of the same authentication (D-08), in the same environment."""
    start = person.is_asked()
    first = person.is_handed_over(start)
    person.clock.shift(timedelta(minutes=minutes))

    assert person.is_handed_over(start) != first
    assert provider.attempts_bought == 2
    assert FaceAuthentication.objects.count() == 1
    FaceAuthentication.objects.update(environment="live")
    person.is_handed_over(start)
    assert FaceAuthentication.objects.count() == 2


def leads_elsewhere(answer):
    for attempt in answer.get("data", ()):
        attempt["redirect_url"] = "https://testserver/face/returned/another/"


@pytest.mark.parametrize("is_opened", [True, False])
def test_a_link_that_was_opened_or_leads_elsewhere_is_not_given_out_again(
    person, provider, is_opened
):
    """The provider recommends a fresh attempt for every redirect; others may make attempts too."""
    start = person.is_asked()
    link = person.is_handed_over(start)
    if is_opened:
        person.visitor.open(link)
    else:
        provider.alterations.append(leads_elsewhere)

    assert person.is_handed_over(start) != link
    assert provider.attempts_bought == 2


def test_of_two_starts_at_once_one_waits_but_not_for_ever(person, provider):
    start = person.is_asked()
    FaceChallenge.objects.update(start_locked_at=timezone.now())
    waiting = waiting_page(person)
    assert person.presses(start)["Location"] == waiting
    assert provider.calls == []
    assertTemplateUsed(person.browser.get(waiting), "faceauth/waiting.html")
    person.clock.shift(121)

    assert person.browser.get(waiting)["Location"] == start
    status = person.browser.get(waiting.replace("waiting", "status")).json()
    assert (status["state"], status["next"]) == ("open", start)
    assert person.is_handed_over(start)


@pytest.mark.parametrize(("wrong", "debug"), [("", False), ("oops", True)])
def test_a_journey_that_is_none_can_be_repaired(person, provider, wrong, debug):
    """Developers are told the cause; users are not, nor to try what cannot work (F-67)."""
    start = person.is_asked()
    with override_settings(FACEAUTH_USER_JOURNEY_ID=wrong, DEBUG=debug):
        page = person.presses(start)
    assert page.status_code == 503
    for word in ("FACEAUTH_USER_JOURNEY_ID", "faceauth_doctor"):
        assert (word in text(page)) is debug
    assert "<form" not in text(page)
    assert provider.calls == []

    assert person.is_handed_over(start)  # nothing of the wrong value stays behind


def test_a_site_without_credentials_says_so_kindly(person, caplog):
    start = person.is_asked()
    back = person.shows_face(person.is_handed_over(start))
    person.clock.shift(3)

    with override_settings(FACEAUTH_SECRET_KEY=None):
        waiting = person.returns(back)["Location"]
        person.clock.shift(3)
        page = person.browser.get(waiting)
        assert str(BROKEN) in text(page)
        assert person.presses(person.is_asked("/payout/")).status_code == 503
    assert "FACEAUTH_SECRET_KEY" in caplog.text


def test_the_back_button_after_the_face_goes_on(person):
    start = person.is_asked()
    back = person.shows_face(person.is_handed_over(start))
    person.waits(person.returns(back))

    for response in (person.browser.get(start), person.presses(start), person.returns(back)):
        assert response["Location"] == "/statements/"


# -- coming back


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?id=fav_other&event=face_authentication_checks_completed&status=approved",
        "?id=fav_1&id=fav_2&response_code=10000",
        "?response_code=10000&event=<script>alert(1)</script>",
        "?event=%00%0d%0aSet-Cookie:%20x=1&next=//evil.example",
        "?again=1",
    ],
)
def test_what_the_browser_says_changes_nothing(person, query):
    """Only the provider's own answer counts (U-03, TH-08)."""
    person.is_handed_over(person.is_asked())

    response = person.browser.get(f"/face/returned/{person.challenge.handle}/{query}")

    assert response["Location"] == waiting_page(person)
    assert person.challenge.state == "open"
    person.is_asked("/statements/")


def test_a_phone_without_a_session_is_sent_back_to_the_first_device(person, client):
    """It learns what was asked for, and no result (B-09, B-04); see test_relay.py."""
    back = person.shows_face(person.is_handed_over(person.is_asked())).partition("?")[0]
    logged_in = person.new_browser().get(back)
    assert logged_in.status_code == 200
    assertTemplateUsed(logged_in, "faceauth/elsewhere.html")
    assert logged_in.context["not_me_url"] == f"/face/not-me/{person.challenge.handle}/"
    assert person.new_browser().get("/face/returned/invented/").status_code == 404

    real = client.get(f"{back}?again=1")

    assert real.status_code == 200
    assertTemplateUsed(real, "faceauth/elsewhere.html")
    assert real.context["lines"][0].values == ("a protected page",)
    assert person.challenge.state == "open"
    page = person.waits(person.browser.get(waiting_page(person)))
    assert text(page).startswith("secret")


def test_a_cookie_that_stayed_at_home_is_asked_for_once(person, client):
    """SESSION_COOKIE_SAMESITE="Strict": asked again from our own page it comes along (B-08)."""
    back = person.shows_face(person.is_handed_over(person.is_asked()))
    path = back.partition("?")[0]

    arrival = client.get(back)

    assert f'content="0; url={path}?again=1"' in text(arrival)
    assert "<form" not in text(arrival)
    assert not arrival.cookies  # no new session takes the place of the old one
    assert "refresh" not in text(client.get(f"{path}?again=1"))
    page = person.waits(person.returns(f"{path}?again=1"))
    assert text(page).startswith("secret")


def test_coming_back_after_twenty_minutes_without_a_capture(person):
    start = person.is_asked()
    person.is_handed_over(start)
    person.clock.shift(timedelta(minutes=20))

    page = person.browser.get(f"/face/returned/{person.challenge.handle}/")

    assert str(RETRY_ADVICE[61101]) in text(page)
    assert person.is_handed_over(start)
    assert FaceAuthentication.objects.count() == 1


def test_coming_back_twenty_minutes_after_the_capture(person):
    """The face was shown too long ago to count; the user is told, not sent round (G-10)."""
    start = person.is_asked()
    back = person.shows_face(person.is_handed_over(start))
    person.clock.shift(timedelta(minutes=20))

    page = person.returns(back)

    assert page.status_code == 200
    assert page.context["word"] == "expired"
    assert person.challenge.state == "expired"
    assert person.is_asked("/statements/") != start


def test_an_abandoned_question_does_not_come_back(person):
    """A page that is opened an hour later is a new question (TH-49)."""
    start = person.is_asked()
    person.shows_face(person.is_handed_over(start))
    person.clock.shift(timedelta(hours=1))

    assert person.is_asked("/statements/") != start
    assert person.browser.get(start).context["word"] == "expired"


def test_a_camera_page_left_open_can_be_replaced(person):
    start = person.is_asked()
    person.visitor.open(person.is_handed_over(start))
    person.clock.shift(timedelta(minutes=11))

    page = person.browser.get(waiting_page(person))

    assert str(LINK_RAN_OUT) in text(page)
    person.clock.shift(3)
    assert person.is_handed_over(start)


def test_no_loop_however_short_the_window(person):
    """A gate whose window is over before the visitor is back ends in a page (G-10)."""
    with override_settings(FACEAUTH_MAX_AGE=1):
        back = person.shows_face(person.is_handed_over(person.is_asked()))
        person.clock.shift(5)

        response = person.browser.get(back, follow=True)

    assert len(response.redirect_chain) <= 2
    assert response.context["word"] == "expired"


# -- waiting


def test_a_user_who_came_back_is_told_that_the_result_is_looked_for(person):
    """(F-61): although the provider has no news yet; ten seconds later it can be reopened."""
    person.is_handed_over(person.is_asked())
    handle = person.challenge.handle
    way_back = f"/face/returned/{handle}/"
    assert person.browser.get(f"/face/waiting/{handle}/").context["can_reopen"] is True

    page = person.browser.get(person.returns(way_back)["Location"])
    told = person.browser.get(f"/face/status/{handle}/").json()["message"]

    assert page.context["can_reopen"] is False
    assert page.context["wording"] == CHECKING
    assert told == str(CHECKING.message)
    person.clock.shift(10)
    assert person.browser.get(f"/face/waiting/{handle}/").context["can_reopen"] is True


def test_a_new_attempt_has_not_come_back(person):
    """(F-61)."""
    start = person.is_asked()
    person.proves(start, "no_camera")
    person.is_handed_over(start)
    person.clock.shift(3)

    page = person.browser.get(f"/face/waiting/{person.challenge.handle}/")

    assert page.context["can_reopen"] is True


def test_waiting_without_a_start_goes_to_the_start(person):
    start = person.is_asked()

    assert person.browser.get(waiting_page(person))["Location"] == start


def test_status_words(people):
    carol = people(scripted("61402A10000"))
    start = carol.is_asked("/statements/")
    url = f"/face/status/{carol.challenge.handle}/"

    def status():
        carol.clock.shift(3)
        return carol.browser.get(url).json()

    capture = carol.is_handed_over(start)
    assert status()["state"] == "open"
    carol.shows_face(capture)
    assert status() == {
        "state": "retry",
        "message": RETRY_ADVICE[61402],
        "next": waiting_page(carol),
        "retry": start,
    }
    carol.shows_face(carol.is_handed_over(start))
    told = status()
    assert (told["state"], told["next"]) == ("granted", "/statements/")


def test_an_unknown_status_waits_and_then_gives_up(person, provider):
    """A word of tomorrow opens nothing and breaks nothing (W-21)."""
    start = person.is_asked()
    back = person.shows_face(person.is_handed_over(start))
    provider.alterations.append(lambda answer: answer.update(status="on_the_moon"))
    person.clock.shift(3)

    page = person.browser.get(person.returns(back)["Location"])
    assertTemplateUsed(page, "faceauth/waiting.html")
    person.clock.shift(timedelta(minutes=11))
    page = person.browser.get(waiting_page(person))

    assert page.context["word"] == "retry"
    assert person.authentication.status == "on_the_moon"
    person.is_asked("/statements/")


# -- the provider in trouble


@pytest.mark.parametrize(
    ("trouble", "passes"),
    [
        (answers(400, '{"error_codes": ["redirect_url_invalid"]}'), False),
        (answers(401), False),
        (answers(403), False),
        (answers(422, '{"error_codes": ["applicant_id_invalid"]}'), False),
        (answers(429, **{"Retry-After": "30"}), True),
        (answers(500), True),
        (answers(503), True),
        (answers(200, "<html>Sorry</html>", content_type="text/html"), False),
        (answers(201, "[]"), False),
        (answers(302, Location="https://evil.example/"), False),
        (breaks(requests.ConnectionError), True),
        (breaks(requests.ReadTimeout), True),
    ],
)
@pytest.mark.parametrize("calls_before", [0, 1])
def test_trouble_on_the_start(person, provider, trouble, passes, calls_before, caplog):
    start = person.is_asked()
    provider.troubles.extend([works] * calls_before + [trouble])

    response = person.presses(start)

    assert response.status_code == 503
    assertTemplateUsed(response, "faceauth/unavailable.html")
    assert ("<form" in text(response)) is passes  # trying again is offered for what passes (F-67)
    assert person.challenge.state == "open"
    assert any("start failed" in record.message for record in caplog.records)
    assert person.user.username not in caplog.text
    assert provider.attempts_bought == calls_before
    person.is_asked("/statements/")
    assert person.is_handed_over(start)


@pytest.mark.parametrize("trouble", [answers(422), answers(401), answers(404), answers(409, "{}")])
def test_what_the_provider_refused_to_create_leaves_nothing_behind(person, provider, trouble):
    provider.troubles.append(trouble)

    assert person.presses(person.is_asked()).status_code == 503

    assert FaceAuthentication.objects.count() == 0


def test_an_authentication_that_is_gone_when_an_attempt_is_asked_for(person, provider):
    provider.troubles.extend([works, answers(404)])

    page = person.browser.post(person.is_asked(), follow=True)

    assert page.context["word"] == "failed"
    assert person.challenge.reason == "unknown_to_provider"
    person.is_handed_over(person.is_asked())
    provider.troubles.append(answers(404))
    page = person.browser.get(f"/face/returned/{person.challenge.handle}/")
    assert page.context["word"] == "failed"
    assert (person.challenge.state, person.challenge.reason) == ("failed", "unknown_to_provider")


def test_ids_that_belong_elsewhere_are_no_answer(people, provider):
    alice, bob = people(), people()
    alice.is_handed_over(alice.is_asked())
    taken = alice.authentication
    attempt_id = taken.attempts.get().provider_id
    swap = {"fav_": taken.provider_id, "fatp": attempt_id}

    for prefix in swap:

        def alter(answer, prefix=prefix):
            if answer["id"].startswith(prefix):
                answer["id"] = swap[prefix]

        provider.alterations[:] = [alter]
        assert bob.presses(bob.is_asked()).status_code == 503
    assert taken.attempts.get().authentication_id == taken.pk


def test_two_windows_for_one_action(person, settings):
    settings.FACEAUTH_MAX_AGE = 30
    start = person.is_asked("/payout/")
    capture = person.is_handed_over(start)
    person.clock.shift(20)
    assert person.is_asked("/payout/form/", "post") == start
    back = person.shows_face(capture)
    person.clock.shift(40)
    person.waits(person.returns(back))

    assert person.browser.get("/payout/").status_code == 200
    person.is_asked("/payout/form/", "post")


def test_a_clock_that_was_set_back_does_not_stop_the_waiting(person):
    back = person.shows_face(person.is_handed_over(person.is_asked()))
    person.returns(back)
    FaceAuthentication.objects.update(pulled_at=timezone.now() + timedelta(minutes=10))
    person.clock.shift(3)

    assert person.returns(back)["Location"] == "/statements/"


def test_an_attempt_whose_answer_was_lost_is_found_again(person, provider):
    """The click after a timeout adopts the attempt that the provider has made (D-06)."""
    start = person.is_asked()
    provider.troubles.extend([works, works_but_times_out])
    assert person.presses(start).status_code == 503
    assert FaceAttempt.objects.count() == 0

    capture = person.is_handed_over(start)

    assert provider.attempts_bought == 1
    assert FaceAttempt.objects.count() == 1
    page = person.waits(person.returns(person.shows_face(capture)))
    assert text(page).startswith("secret")


@pytest.mark.parametrize("trouble", [works_but_times_out, answers(201, "<html>")])
def test_an_authentication_whose_answer_was_lost_keeps_its_intent(person, provider, trouble):
    """The row was there before the call; the next click fills it (D-06)."""
    start = person.is_asked()
    provider.troubles.append(trouble)
    assert person.presses(start).status_code == 503
    intent = FaceAuthentication.objects.get()
    assert (intent.provider_id, intent.status) == (None, "")

    person.is_handed_over(start)

    assert FaceAuthentication.objects.get().pk == intent.pk
    assert person.authentication.provider_id


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (answers(401), BROKEN),
        (answers(500), TROUBLE),
        (answers(200, "no"), BROKEN),
        (breaks(requests.ReadTimeout), TROUBLE),
    ],
)
def test_trouble_while_waiting_keeps_waiting(person, provider, trouble, told):
    """The page says so, and goes on by itself when the provider is back (F-67)."""
    back = person.shows_face(person.is_handed_over(person.is_asked()))
    waiting = person.returns(back)["Location"]
    person.clock.shift(3)
    provider.troubles.append(trouble)

    assert str(told) in text(person.browser.get(waiting))

    assert text(person.waits(person.browser.get(waiting))).startswith("secret")


def test_the_browser_goes_to_the_capture_hosts_only(person, provider):
    """A provider that was taken over cannot send our visitors elsewhere (P-02, TH-32)."""
    start = person.is_asked()
    elsewhere = {"href": "https://id.checkout.com@evil.example/"}
    provider.alterations.append(
        lambda answer: answer.get("_links", {}).update(verification_url=elsewhere)
    )

    response = person.presses(start)

    assert response.status_code == 503
    assert "evil" not in text(response)


def test_an_applicant_who_changed_meanwhile(person, provider):
    """The question goes on with an authentication of the new one (B-06)."""
    start = person.is_asked()
    person.is_handed_over(start)
    person.user.face_applicant.applicant_id = "aplt_new_one"
    person.user.face_applicant.save()

    page = person.waits(person.returns(person.shows_face(person.is_handed_over(start))))

    assert text(page).startswith("secret")
    assert FaceAuthentication.objects.filter(applicant_id="aplt_new_one").count() == 1


# -- where to go on to


@pytest.mark.parametrize(
    ("path", "referrer", "expected"),
    [
        ("/documents/", None, "/documents/"),
        ("/documents/?a=1", "http://testserver/home/", "/documents/?a=1"),
        ("/payout/form/", None, "/payout/form/"),
        ("/partial/", None, "/partial/"),
        ("/close/", None, "/home/"),
        ("/close/", "http://testserver/payout/form/?x=1#top", "/payout/form/?x=1"),
        ("/close/", "http://evil.example/payout/form/", "/home/"),
        ("/close/", "//evil.example/", "/home/"),
        ("/close/", "javascript:alert(1)", "/home/"),
        ("/close/", "http://testserver/home/?q=\x00é", "/home/?q=%00%C3%A9"),
        ("/post-only/", None, "/home/"),
        ("/post-only/", "http://testserver/home/?tab=2", "/home/?tab=2"),
    ],
)
def test_after_an_unsafe_request(person, path, referrer, expected):
    person.is_asked(path, "post", headers={"Referer": referrer} if referrer else {})

    assert person.challenge.next_url == expected


@pytest.mark.parametrize(
    "hostile",
    [
        "//evil.example/",
        "/\\evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "\x1b//evil",
    ],
)
def test_where_to_go_on_to_is_checked_when_it_is_used_too(person, hostile):
    """Even if another program wrote the row (U-02)."""
    person.is_asked()
    FaceChallenge.objects.update(next_url=hostile)

    page = person.passes("/payout/")
    FaceChallenge.objects.update(next_url=hostile, action="")
    response = person.browser.get(waiting_page(person))

    assert page.status_code == 200
    assert response["Location"] == "/home/"


def test_the_capture_url_is_in_the_one_page_that_needs_it(person, caplog):
    """Not in the database, not in the session, not in a log (U-07, TH-28).

    Nor is what was typed into the form that was refused (U-10).
    """
    caplog.set_level("DEBUG")
    start = person.is_asked("/documents/", "post", data={"password": "canary"})

    response = person.presses(start)

    capture = capture_url_in(response)
    token = capture.rstrip("/").rpartition("/")[2]
    rows = [
        list(model.objects.values())
        for model in (FaceChallenge, FaceAuthentication, FaceAttempt, StatusChange)
    ]
    kept = repr(rows) + repr(dict(person.browser.session)) + caplog.text
    assert token not in kept
    assert "canary" not in kept
    assert token not in text(person.browser.get(start))
    assert token not in text(person.browser.get(waiting_page(person)))
    assert "Location" not in response


def test_a_return_right_after_a_poll_does_not_wait_long_for_the_next(person):
    """Polls had been put off, since webhooks come; the news of this one is not there yet."""
    start = person.is_asked()
    back = person.shows_face(person.is_handed_over(start), "leave")
    now = timezone.now()
    FaceAuthentication.objects.update(pulled_at=now, next_poll_at=now + timedelta(minutes=1))

    assert person.returns(back).status_code == 302
    person.clock.shift(3)

    status = person.browser.get(start.replace("/start/", "/status/")).json()
    assert status["state"] == "retry"
