"""What other gates get wrong, each of it once, by its number in our survey of peers."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import override_settings
from django.utils import timezone

from django_faceauth.models import FaceChallenge
from django_faceauth.services.grants import identity
from tests.services.test_sessions import change_password
from tests.site.models import Payment
from tests.user_driver import form_in

pytestmark = pytest.mark.database


@override_settings(FACEAUTH_MAX_AGE=60)
def test_peers_01_a_grant_of_a_minute_is_worth_nothing_an_hour_later(person, clock):
    """Whatever the client still has."""
    person.passes("/statements/")
    cookies = person.browser.cookies.copy()
    clock.shift(3600)
    person.browser.cookies = cookies

    person.is_asked("/statements/")


def test_peers_02_a_grant_for_one_view_opens_no_other(person):
    person.passes("/payout/")

    person.is_asked("/statements/")
    person.is_asked("/reports/")


def test_peers_03_a_grant_of_single_use_is_used_once(person):
    person.passes("/once/")

    person.is_asked("/once/")


def test_peers_04_a_moment_in_the_future_is_stale(person):
    person.passes("/statements/")
    FaceChallenge.objects.update(verified_at=timezone.now() + timedelta(seconds=61))

    person.is_asked("/statements/")


def test_peers_05_a_new_password_ends_the_grant(person):
    person.passes("/statements/")

    change_password(person)

    person.is_asked("/statements/")


def test_peers_06_a_post_with_a_query_string_keeps_both(person):
    page = person.proves(person.is_asked("/change/?a=1&b=2", "post", data={"email": "e@x.org"}))

    action, fields = form_in(page)

    assert (action, fields["email"]) == ("/change/?a=1&b=2", "e@x.org")
    assert person.confirms(page).content == b"changed e@x.org []"


def test_peers_07_a_json_post_is_never_run_again_without_its_body(person, owes):
    """It gets an answer for programs; what it asked for does not happen afterwards."""
    payment = owes(person)
    answer = person.browser.post(f"/pay/{payment.pk}/", {"note": "x"}, "application/json")

    assert answer.status_code == 401
    person.proves(answer.json()["start_url"])

    payment.refresh_from_db()
    assert payment.paid == 0


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_peers_08_other_methods_get_a_challenge_and_no_redirect(person, method):
    """RFC 9470, for whoever has no page."""
    pytest.importorskip("rest_framework")  # whose addresses it names
    answer = getattr(person.browser, method)("/payout/")

    body = json.loads(answer.content)
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"] == (
        'Session error="insufficient_user_authentication", max_age="180", acr_values="face"'
    )
    handle = person.challenge.handle
    assert body == {
        "type": "about:blank",
        "title": body["title"],
        "detail": body["detail"],
        "status": 401,
        "code": "face_required",
        "action": "payout",
        "max_age": 180,
        "challenge": handle,
        "start_url": f"http://testserver/face/start/{handle}/",
        "status_url": f"http://testserver/face/api/challenges/{handle}/",
        "attempts_url": f"http://testserver/face/api/challenges/{handle}/attempts/",
    }


def test_peers_09_nothing_but_named_fields_is_kept(person):
    """Searched for in every row and in every session."""
    person.browser.post(
        "/change/",
        {"email": "kept@example.com", "password": "canary-1"},
        headers={"authorization": "canary-2", "x-other": "canary-3"},
        HTTP_COOKIE=f"sessionid={person.browser.session.session_key}; c=canary-4",
    )

    kept = str(list(FaceChallenge.objects.values())) + "".join(
        str(session.get_decoded()) for session in Session.objects.all()
    )
    assert "kept@example.com" in kept
    assert "canary" not in kept


def test_peers_10_finishing_one_tab_does_not_run_the_other(person, owes):
    """Two payments are two questions, and each answer is for its own."""
    first, second = owes(person, "Anna", "10"), owes(person, "Ben", "20")
    start = person.is_asked(f"/pay/{first.pk}/", "post")
    page = person.proves(person.is_asked(f"/pay/{second.pk}/", "post"))

    person.confirms(page)

    assert list(Payment.objects.order_by("pk").values_list("paid", flat=True)) == [0, 1]
    assert start.split("/")[3] == FaceChallenge.objects.get(state="open").handle
    person.confirms(person.proves(start))
    assert list(Payment.objects.order_by("pk").values_list("paid", flat=True)) == [1, 1]


@pytest.mark.parametrize("path", ["/async/", "/documents/async/", "/decorated/async/"])
def test_peers_11_async_views_fresh_and_stale(person, path, clock):
    person.is_asked(path)
    person.passes("/statements/")
    assert person.browser.get(path).content.startswith(b"secret")

    clock.shift(300)

    person.is_asked(path)


@pytest.mark.parametrize("method", ["get", "post", "put"])
def test_peers_12_who_is_not_enrolled_is_refused(people, method):
    stranger = people(None)

    answer = getattr(stranger.browser, method)("/statements/")

    assert answer.status_code == 403
    assert b"secret" not in answer.content


def test_peers_13_there_is_no_cookie_of_ours_to_forget(person):
    """The whole way sets the cookies of the site alone, each with the site's attributes."""
    person.passes("/statements/")
    person.browser.logout()

    assert set(person.browser.cookies) <= {"sessionid", "csrftoken"}


def test_peers_14_what_the_session_holds_is_flat_and_saved(person):
    """One string, assigned by its name: no nested value whose change would be missed."""
    session = person.browser.session
    del session[identity.SESSION_KEY]
    session.save()

    person.is_asked("/statements/")

    stored = Session.objects.get(pk=person.browser.session.session_key).get_decoded()
    assert isinstance(stored[identity.SESSION_KEY], str)


def test_peers_15_an_abandoned_question_is_not_answered_by_another(person):
    """The earlier one stays as unanswered as it was."""
    abandoned = person.is_asked("/payout/")
    person.passes("/statements/")

    assert FaceChallenge.objects.get(handle=abandoned.split("/")[3]).state == "open"
    person.is_asked("/payout/")


@pytest.mark.parametrize(
    "alike", ["Payout", "payout ", "payout|", "|payout", "payout\n", "", "*", "pay", "PAYOUT"]
)
def test_peers_16_names_of_actions_do_not_run_into_each_other(person, alike):
    """Compared whole, and apart from what is bound."""
    person.passes("/payout/")

    FaceChallenge.objects.update(action=alike)

    person.is_asked("/payout/")
