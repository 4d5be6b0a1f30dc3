"""Users who were declined can ask for a manual review (V-10)."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django.asserts import assertTemplateUsed

from django_faceauth.models import ReviewCase

pytestmark = pytest.mark.django_db


@pytest.fixture
def declined(people):
    person = people()
    person.page = person.passes(outcome="someone_else")
    return person


def address(person):
    return f"/face/contest/{person.challenge.handle}/"


def test_a_decline_is_reviewed_once(declined):
    assert f'action="{address(declined)}"' in declined.page.content.decode()

    for _ in range(3):
        answer = declined.browser.post(address(declined))

    assertTemplateUsed(answer, "faceauth/contested.html")
    assert ReviewCase.objects.get().reasons.count("contested") == 1
    assert declined.browser.get("/statements/").status_code == 302  # it opens nothing


@pytest.mark.parametrize("outcome", ["same_person", "refuse", "leave"])
def test_there_is_nothing_to_contest_otherwise(person, outcome):
    page = person.passes(outcome=outcome)

    assert b"/face/contest/" not in page.content
    assert person.browser.post(address(person)).status_code == 404
    assert not ReviewCase.objects.exists()


def test_only_the_person_themselves(declined, people):
    """Foreign, unknown and no session look the same (TH-24)."""
    answers = [
        people().browser.post(address(declined)),
        Client().post(address(declined)),
        declined.browser.post("/face/contest/invented/"),
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert "contested" not in ReviewCase.objects.get().reasons
