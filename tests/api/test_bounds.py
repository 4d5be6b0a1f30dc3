"""Rows and bytes that a client can create by being refused again and again (F-47)."""

from __future__ import annotations

import pytest

from django_faceauth.exceptions import SnapshotTooLarge
from django_faceauth.models import FaceChallenge
from django_faceauth.services.grants.binding import DEEPEST, MOST_CHARACTERS, snapshot_of
from tests.api_client import Program


@pytest.mark.parametrize("kind", ["with_token", "with_jwt"])
def test_a_client_that_is_refused_again_and_again_is_asked_once(person, kind):
    program = getattr(Program, kind)(person)

    for _ in range(30):
        program.is_asked()

    assert FaceChallenge.objects.count() == 1


@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)])
def test_the_client_that_starts_a_shared_challenge_is_the_only_one_to_use_it(person, order):
    """Whether it was the first or the second to be given a handle of it (B-04, F-47)."""
    clients = [Program.with_token(person), Program.with_token(person)]
    asked = [client.is_asked() for client in clients]
    (starter, other), (of_starter, of_other) = clients[order], asked[order]
    assert of_other["challenge"] != of_starter["challenge"]
    assert other.sends("GET", of_other["status_url"]).status_code == 200

    starter.proves(of_starter)

    assert other.sends("GET", of_other["status_url"]).status_code == 404
    assert other.sends("POST", of_other["attempts_url"]).status_code == 404
    used = other.sends("GET", "/shop/secret/", handle=of_other["challenge"])
    assert used.status_code == 401
    answer = starter.sends("GET", "/shop/secret/", handle=of_starter["challenge"])
    assert answer.status_code == 200


def test_what_was_started_is_told_to_the_client_that_names_it_alone(person):
    """A second client with the same token gets a question of its own (F-47, B-07)."""
    program = Program.with_token(person)
    handle = program.is_asked()["challenge"]
    program.sends("POST", f"/face/api/challenges/{handle}/attempts/")

    others = {program.is_asked()["challenge"] for _ in range(5)}
    named = program.sends("GET", "/shop/secret/", handle=handle).json()["challenge"]

    assert len(others) == 5
    assert FaceChallenge.objects.count() == 2
    assert named == handle not in others


def test_at_most_twenty_questions_of_a_user_are_open(person, owes):
    """The oldest gives way, so that no user is kept from being asked."""
    started = person.is_asked("/statements/")
    person.is_handed_over(started)
    first = person.challenge
    for number in range(30):
        person.is_asked(f"/pay/{owes(person, amount=str(number + 1)).pk}/", "post")

    open_ones = FaceChallenge.objects.filter(user=person.user, state="open")
    assert open_ones.count() == 20
    first.refresh_from_db()
    assert first.state == "open"
    gone = FaceChallenge.objects.filter(state="expired")
    assert set(gone.values_list("reason", flat=True)) == {"gave_way"}
    assert person.challenge.state == "open"


def nested(levels):
    data = {"payee": "Anna"}
    for _ in range(levels - 1):
        data = {"more": data}
    return data


def endless():
    data = {}
    data["again"] = data
    return data


@pytest.mark.parametrize(
    "data",
    [
        {"note": "x" * 50_000},
        {f"note{number}": "x" * 100 for number in range(100)},
        {"x" * 50_000: "note"},
        {"numbers": list(range(10_000))},
        nested(DEEPEST + 1),
        nested(500),
        endless(),
        {"list": [[[[[1]]]]]},
    ],
    ids=["long", "many", "long name", "list", "deep", "deeper", "endless", "lists"],
)
def test_more_than_people_can_read_cannot_be_approved(data):
    snapshot_of({"note": "ü" * (MOST_CHARACTERS - 20)})
    snapshot_of(nested(DEEPEST))
    with pytest.raises(SnapshotTooLarge):
        snapshot_of(data)


def test_a_page_says_that_it_is_too_much(person, owes):
    """A 400 of Django, not a 500."""
    payment = owes(person, payee="x" * 50_000)
    person.browser.raise_request_exception = False

    assert person.browser.post(f"/pay/{payment.pk}/").status_code == 400
    assert not FaceChallenge.objects.exists()
