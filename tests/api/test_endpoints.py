"""The endpoints of the API."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.urls import get_resolver
from django.utils import timezone

from django_faceauth.gate.url_discovery import gated_views
from django_faceauth.models import FaceAuthentication, FaceChallenge
from tests.api_client import Program
from tests.conftest import CACHE_AWAY, NOON
from tests.provider_double import answers
from tests.user_driver import scripted


@pytest.fixture
def token(person):
    return Program.with_token(person)


# -- a challenge


def test_a_challenge_says_what_is_asked_and_what_to_do(program, owes, settings):
    settings.FACEAUTH_FALLBACK = "by-code"
    payment = owes(program.person, amount="1234.50")
    asked = program.is_asked(f"/shop/payments/{payment.pk}/pay/", "POST")

    response = program.sends("GET", asked["status_url"])

    # It is for one reader alone, in their language.
    named = {name.strip() for name in response["Vary"].split(",")}
    assert {"Authorization", "Cookie", "Accept-Language"} <= named
    assert "no-store" in response["Cache-Control"]
    told = response.json()
    assert told.pop("message")
    assert told == {
        "challenge": asked["challenge"],
        "state": "open",
        "next": "attempt",
        "can_reopen": False,
        "action": "pay",
        "max_age": 300,
        "snapshot": {"payee": "Anna", "amount": {"amount": "1234.50", "currency": "EUR"}},
        "lines": [
            {"label": "Payee", "values": ["Anna"]},
            {"label": "Amount", "values": ["1,234.50\xa0EUR"]},
        ],
        "verified_at": None,
        "expires_at": None,
        "start_url": asked["start_url"],
        "attempts_url": asked["attempts_url"],
        "fallback_url": f"http://testserver/by-code/?challenge={asked['challenge']}",
    }
    granted = program.proves(asked)
    assert granted["fallback_url"] is None  # nothing is left to answer
    anchor = program.person.challenge.verified_at
    assert granted["verified_at"] == shown(anchor)
    assert granted["expires_at"] == shown(anchor + timedelta(seconds=300))


ENDS = {
    "same_person": ("granted", "repeat"),
    "someone_else": ("failed", "ask_again"),
    "leave": ("retry", "attempt"),
    "refuse": ("refused", "ask_again"),
}


@pytest.mark.parametrize(("outcome", "told"), ENDS.items())
def test_each_result_says_what_to_do_next(program, outcome, told):
    asked = program.is_asked()

    end = program.proves(asked, outcome)

    assert (end["state"], end["next"]) == told
    assert end["message"]
    again = program.sends("POST", asked["attempts_url"])
    if told[1] == "attempt":
        assert again.status_code == 201
    else:
        assert (again.status_code, again.json()["code"]) == (409, end["state"])


def test_a_client_waits_while_the_face_is_compared(program):
    asked = program.is_asked()
    capture = program.sends("POST", asked["attempts_url"]).json()["capture_url"]
    assert program.sends("GET", asked["status_url"]).json()["can_reopen"] is True

    waiting = program.sends("GET", asked["status_url"])
    assert (waiting.json()["state"], waiting.json()["next"]) == ("open", "wait")
    assert waiting["Retry-After"] == "2"
    again = program.sends("GET", asked["status_url"], **{"if-none-match": waiting["ETag"]})
    assert (again.status_code, again.content, again["Retry-After"]) == (304, b"", "2")
    assert again["ETag"] == waiting["ETag"]
    other = program.sends("GET", asked["status_url"], **{"if-match": '"another"'})
    assert (other.status_code, other.json()["code"]) == (412, "precondition_failed")
    program.person.shows_face(capture)
    program.person.clock.shift(2)
    assert program.sends("GET", asked["status_url"]).json()["can_reopen"] is False
    assert program.waits(asked)["next"] == "repeat"
    changed = program.sends("GET", asked["status_url"], **{"if-none-match": waiting["ETag"]})
    assert (changed.status_code, changed.json()["next"]) == (200, "repeat")


def shown(moment):
    """Return a moment as Django REST framework writes it."""
    return timezone.localtime(moment).isoformat()


# -- an attempt


def test_an_attempt_is_a_link_that_lasts_a_quarter_of_an_hour(program, caplog):
    """U-07: it is a bearer link, and nowhere but in the answer."""
    asked = program.is_asked()

    started = program.sends("POST", asked["attempts_url"])

    assert started.status_code == 201
    assert set(started.json()) == {"capture_url", "expires_at"}
    assert started.json()["expires_at"] == shown(NOON + timedelta(minutes=15))
    assert "no-store" in started["Cache-Control"]
    secret = started.json()["capture_url"].rstrip("/").rsplit("/", 1)[1]
    assert secret not in program.sends("GET", asked["status_url"]).content.decode()
    assert secret not in caplog.text


def test_an_attempt_needs_the_provider_and_an_applicant(program, provider):
    asked = program.is_asked()
    provider.troubles.append(answers(503))

    away = program.sends("POST", asked["attempts_url"])

    assert (away.status_code, away.json()["code"], away["Retry-After"]) == (503, "unavailable", "2")
    assert program.person.challenge.state == "open"
    program.person.user.face_applicant.delete()
    denied = program.sends("POST", asked["attempts_url"])
    assert (denied.status_code, denied.json()["code"]) == (403, "not_enrolled")


@pytest.mark.parametrize("is_away", [False, True])
def test_limits_are_in_the_database_and_hold_without_a_cache(program, settings, is_away):
    """R-01: before the provider is asked. F-29: all else goes on, too."""
    if is_away:
        settings.CACHES = CACHE_AWAY
    assert program.passes().status_code == 200
    assert program.sends("GET", "/face/api/authentications/").status_code == 200
    program.person.clock.shift(240)
    asked = program.is_asked()
    for _ in range(3):
        program.proves(asked, "leave")

    response = program.sends("POST", asked["attempts_url"])

    assert (response.status_code, response.json()["code"]) == (429, "too_many_attempts")
    assert response.json()["scope"] in {"user", "session"}
    assert 0 < int(response["Retry-After"]) <= 600
    assert program.person.authentication.attempts.count() == 3


# -- what the caller has done


def test_a_user_sees_their_own_authentications(program, people):
    program.passes()
    Program.with_token(people()).passes()
    row = program.person.authentication

    listed = program.sends("GET", "/face/api/authentications/").json()

    assert (listed["count"], listed["next"], listed["previous"]) == (1, None, None)
    assert listed["results"][0]["id"] == row.provider_id
    one = program.sends("GET", f"/face/api/authentications/{row.provider_id}/").json()
    assert one == listed["results"][0]
    assert set(one) == {"id", "status", "created_at", "updated_at", "erased_at"}
    base = f"/face/api/authentications/{row.provider_id}/attempts/"
    attempts = program.sends("GET", base).json()["results"]
    assert [attempt["status"] for attempt in attempts] == ["completed"]
    assert program.sends("GET", f"{base}{attempts[0]['id']}/").json() == attempts[0]


def test_the_reason_of_a_decline_is_not_shown(people):
    """V-12: fraud codes are for the site's staff."""
    person = people(scripted("62321"))
    program = Program.with_token(person)
    program.proves(program.is_asked())
    row = person.authentication

    said = b"".join(
        program.sends("GET", path).content
        for path in (
            "/face/api/authentications/",
            f"/face/api/authentications/{row.provider_id}/attempts/",
            f"/face/api/challenges/{person.challenge.handle}/",
        )
    )

    assert row.codes
    assert not any(str(code).encode() in said for code in row.codes)


def test_lists_are_filtered_by_status_and_as_the_site_filters_its_own(token, settings):
    backend = "django_filters.rest_framework.DjangoFilterBackend"
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_FILTER_BACKENDS": [backend]}
    token.passes()
    token.proves(token.is_asked(), "someone_else")

    path = "/face/api/authentications/?status="
    assert [one["status"] for one in token.sends("GET", path).json()["results"]] == [
        "declined",
        "approved",
    ]
    assert token.sends("GET", f"{path}declined").json()["count"] == 1
    assert token.sends("GET", f"{path}tomorrows").json()["count"] == 0
    path = "/face/api/authentications/?created_at__gte="
    assert token.sends("GET", f"{path}2026-01-01T00:00:00Z").json()["count"] == 2
    assert token.sends("GET", f"{path}2027-01-01T00:00:00Z").json()["count"] == 0
    assert token.sends("GET", f"{path}yesterday").status_code == 400


def test_lists_come_in_pages(person, token):
    FaceAuthentication.objects.create(user=person.user)  # which the provider never heard of
    for number in range(60):
        FaceAuthentication.objects.create(user=person.user, provider_id=f"fav_{number:0>26}")

    first = token.sends("GET", "/face/api/authentications/").json()
    assert (first["count"], len(first["results"])) == (60, 50)
    assert len(token.sends("GET", first["next"]).json()["results"]) == 10
    assert token.sends("GET", "/face/api/authentications/?page=9").status_code == 404
    many = token.sends("GET", "/face/api/authentications/?page_size=1000").json()
    assert len(many["results"]) == 60


# -- freshness


def test_freshness_tells_beforehand(program):
    assert fresh(program) == {"fresh": False, "expires_at": None, "action": "secret"}
    program.passes()
    before = FaceChallenge.objects.values().get()

    told = fresh(program, handle=program.person.challenge.handle)

    assert told["fresh"] is True
    anchor = program.person.challenge.verified_at
    assert told["expires_at"] == shown(anchor + timedelta(minutes=5))
    assert fresh(program, "other", handle=program.person.challenge.handle)["fresh"] is False
    assert FaceChallenge.objects.values().get() == before
    path = f"/face/api/freshness/?action={'x' * 101}"
    assert program.sends("GET", path).status_code == 400


def fresh(program, action="secret", handle=""):
    path = f"/face/api/freshness/?action={action}"
    return program.sends("GET", path, handle=handle).json()


# -- erasure


def test_an_owner_has_the_provider_forget_after_showing_their_face(program):
    """G-12: as well protected as what it takes away."""
    program.passes()
    row = program.person.authentication
    path = f"/face/api/authentications/{row.provider_id}/anonymize/"

    response = program.passes(path, "POST")

    assert response.status_code == 200
    assert response.json()["erased_at"]
    row.refresh_from_db()
    assert row.erased_at is not None
    first = FaceChallenge.objects.get(authentication=row)
    assert (first.state, first.reason) == ("revoked", "erased")


def test_staff_with_the_permission_need_no_face(people, token):
    """But what is being compared cannot be anonymized yet."""
    asked = token.is_asked()
    token.person.shows_face(token.sends("POST", asked["attempts_url"]).json()["capture_url"])
    row = token.person.authentication
    staff = people(None)
    staff.user.user_permissions.add(Permission.objects.get(codename="anonymize_faceauthentication"))
    path = f"/face/api/authentications/{row.provider_id}/anonymize/"
    program = Program.with_token(staff)

    early = program.sends("POST", path)
    token.waits(asked)

    assert (early.status_code, early.json()["code"]) == (409, "not_finished")
    assert Program.with_token(people()).sends("POST", path).status_code == 404
    assert program.sends("POST", path).status_code == 200
    row.refresh_from_db()
    assert row.erased_at is not None


# -- all of them


#: Each endpoint that changes something without a gate, and why.
UNGATED = {
    "challenge-attempts": "begins a face check, and grants nothing",
    "challenge-ways": "grants for a code of the user alone",
    "consent": "only takes away, and has to be as easy as giving it (V-03)",
}


def test_endpoints_that_change_something_have_a_gate():
    """Or a reason here (G-12)."""
    gated = {address.rstrip("/").rsplit("/", 1)[1] for address, _view in gated_views()}

    changing = {
        pattern.name
        for pattern in get_resolver("django_faceauth.api.urls").url_patterns
        if any(hasattr(pattern.callback.cls, name) for name in ("post", "put", "patch", "delete"))
    }

    assert changing - gated == set(UNGATED)
