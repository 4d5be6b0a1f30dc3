"""The browser comes back for a program, which waits elsewhere."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client, override_settings
from pytest_django.asserts import assertTemplateUsed

from tests.mobile_driver import Phone
from tests.provider_double import answers
from tests.user_driver import HANDED_OVER, capture_url_in

pytestmark = pytest.mark.database

APP = "demobank://face/done"
PAGE = "https://app.bank.example/face/?done=1&way=app"


@pytest.fixture(autouse=True)
def _listed(settings):
    settings.FACEAUTH_REDIRECT_ALLOWLIST = [APP, PAGE]


@pytest.fixture
def program(person):
    return asked(person)


def asked(person):
    """Return a program that was refused, and has read why."""
    program = Phone(person)
    program.is_refused()
    return program


def test_without_an_address_the_capture_ends_on_a_page_of_ours(program):
    back = program.comes_back()

    assert back.status_code == 200
    assertTemplateUsed(back, "faceauth/done.html")
    assert not back.cookies


@pytest.mark.parametrize("url", [APP, PAGE])
def test_an_address_of_the_list_gets_the_browser_back_to_the_program(program, url):
    """By a page, since no server can redirect to an app that is not there, and by a link in it."""
    back = program.comes_back(redirect_url=url)

    html = back.content.decode()
    escaped = url.replace("&", "&amp;")
    assert back.status_code == 200
    assert not back.cookies
    assert capture_url_in(back) == url
    assert HANDED_OVER.findall(html) == [escaped]
    assert html.count(f'href="{escaped}"') == 1
    # The other one is for phones that show a face for the app of a thief (TH-05).
    assert html.count("<a ") == 2


@pytest.mark.parametrize("body", [{"redirect_url": APP}, {}], ids=["app", "page of ours"])
@pytest.mark.parametrize("outcome", ["same_person", "someone_else", "no_camera", "leave", "refuse"])
def test_the_way_back_is_the_same_for_all_users_and_results(program, people, outcome, body):
    """The page says nothing about the user; the result is for the program to ask (B-09)."""
    approved = asked(people(name="eve@other.example")).comes_back(**body)
    other = program.comes_back(outcome, **body)

    assert other.content == approved.content
    assert other.headers == approved.headers


def test_the_query_of_the_way_back_says_nothing_about_where_to_go(program):
    """TH-07, TH-08."""
    program.comes_back(redirect_url=APP)
    path = f"/face/returned/{program.person.challenge.handle}/"

    honest = Client().get(path)
    forged = Client().get(f"{path}?redirect_url={PAGE}&return_url=//evil.example&next=/home/")

    assert forged.content == honest.content


def test_an_invented_handle_looks_like_one_of_a_challenge(program, client):
    """TH-24: no program has started it, so it is a phone that lost its way."""
    unknown = client.get("/face/returned/invented/")
    asked_only = client.get(f"/face/returned/{program.person.challenge.handle}/")
    almost = client.get(f"/face/returned/{program.person.challenge.handle.swapcase()}/")

    for answer in (unknown, asked_only, almost):
        assert answer.status_code == 200
        assert "?again=1" in answer.content.decode()


def test_a_browser_that_comes_back_without_its_session_is_asked_of_nothing(program, provider):
    """No user waits there: the provider is asked when the program asks (U-09)."""
    capture = program.starts(redirect_url=APP).json()["capture_url"]
    path = program.person.shows_face(capture)
    before = provider.questions

    Client().get(path)

    assert provider.questions == before


def test_a_late_tab_gets_back_to_the_program(program, person):
    """It arrives with the cookies from before a grant was seen (F-20)."""
    start = person.is_asked()
    late = Client()
    late.cookies["sessionid"] = person.browser.session.session_key
    person.proves(start)
    handle = program.refusal["challenge"]
    program.starts(redirect_url=APP)

    answer = late.get(f"/face/returned/{handle}/")

    assert capture_url_in(answer) == APP
    assert not answer.cookies
    assert late.get("/home/").status_code == 200


def by_session(person, start):
    """A program in the page of a logged-in person, such as a script of the site."""
    path = start.replace("/face/start/", "/face/api/challenges/") + "attempts/"
    answer = person.browser.post(path, {"redirect_url": APP}, "application/json")
    assert answer.status_code == 201
    return answer.json()["capture_url"]


def test_a_page_that_starts_after_a_program_comes_back_to_the_page(person):
    """The button of the start page means the browser that it is pressed in."""
    start = person.is_asked("/statements/?month=3")
    by_session(person, start)

    page = person.proves(start)

    assert page.content.startswith(b"secret")
    assert page.request["QUERY_STRING"] == "month=3"


def test_a_program_that_starts_after_a_page_gets_its_own_way_back(person):
    start = person.is_asked()
    link = person.is_handed_over(start)

    again = by_session(person, start)

    assert again == link
    assert capture_url_in(person.returns(person.shows_face(again))) == APP


NEAR_MISSES = {
    "other case in the path": "demobank://face/Done",
    "trailing slash": f"{APP}/",
    "empty query": f"{APP}?",
    "space before": f" {APP}",
    "dot segment": "demobank://face/./done",
    "userinfo": "demobank://user@face/done",
    "both of the list": f"{APP},{PAGE}",
    "more of the query": f"{PAGE}&next=//evil.example",
    "plain HTTP": PAGE.replace("https", "http"),
    "default port": PAGE.replace("example/", "example:443/"),
    "other domain behind": PAGE.replace("example/", "example.evil.example/"),
    "script with a comment": f"javascript://{APP}",
    "nothing": "",
    "too long": f"{APP}{'a' * 2_000}",
    "null value": None,
    "list": [APP],
}


def test_an_address_is_taken_as_a_whole_or_not_at_all(program, provider):
    """RFC 9700, section 2.1 (TH-07): the answer names the field, and nothing is bought."""
    for what, url in NEAR_MISSES.items():
        cache.clear()  # of the throttle

        answer = program.starts(redirect_url=url)

        assert answer.status_code == 400, what
        assert answer["Content-Type"] == "application/problem+json", what
        assert list(answer.json()["errors"]) == ["redirect_url"], what
    assert provider.calls == []
    assert program.person.challenge.started_at is None
    assert program.person.challenge.return_url == ""


def test_an_address_that_has_left_the_list_is_not_gone_to(program):
    """It was checked when it was given, and is again when it is used (U-02)."""
    capture = program.starts(redirect_url=APP).json()["capture_url"]
    path = program.person.shows_face(capture)

    with override_settings(FACEAUTH_REDIRECT_ALLOWLIST=[PAGE]):
        back = Client().get(path)

    assertTemplateUsed(back, "faceauth/done.html")
    assert "demobank" not in back.content.decode()


def test_the_provider_is_told_our_own_address(program, provider):
    """So that the handle is never lost, and the provider learns of no app."""
    program.starts(redirect_url=APP)

    assert f"/face/returned/{program.refusal['challenge']}/".encode() in provider.bodies[-1]
    assert b"demobank" not in b"".join(provider.bodies)


def test_a_start_that_failed_can_be_made_again(program, provider):
    provider.troubles.append(answers(500))
    assert program.starts(redirect_url=PAGE).status_code == 503

    assert capture_url_in(program.comes_back(redirect_url=APP)) == APP


@pytest.mark.parametrize("debug", [True, False])
def test_programs_of_developers_are_told_how_to_find_a_mistake(program, debug):
    """(F-67)."""
    with override_settings(DEBUG=debug, FACEAUTH_USER_JOURNEY_ID="nonsense"):
        answer = program.starts()

    assert answer.status_code == 503
    assert "Retry-After" not in answer
    assert ("faceauth_doctor" in answer.json().get("detail", "")) is debug
