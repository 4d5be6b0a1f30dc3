"""What pages and programs are told when the provider cannot be asked, and while it is."""

from __future__ import annotations

import pytest
from django.test import override_settings

from django_faceauth.messages import CHECKING
from tests.api_client import Program
from tests.provider_double import answers

pytestmark = pytest.mark.django_db

DOCTOR = "faceauth_doctor"
MISCONFIGURED = {"FACEAUTH_USER_JOURNEY_ID": "nonsense"}


@pytest.mark.parametrize("debug", [True, False])
def test_only_developers_are_told_the_cause(person, debug):
    """(F-67): users are not, nor are they asked to try what cannot work."""
    with override_settings(DEBUG=debug, **MISCONFIGURED):
        page = person.presses(person.is_asked())

    assert page.status_code == 503
    assert page.context["passes"] is False
    assert ("FACEAUTH_USER_JOURNEY_ID" in page.content.decode()) is debug
    assert (DOCTOR in page.content.decode()) is debug
    assert "<form" not in page.content.decode()


@pytest.mark.parametrize(("status", "passes"), [(500, True), (401, False), (422, False)])
def test_trying_again_is_offered_for_what_passes(person, provider, status, passes):
    """(F-67)."""
    start = person.is_asked()
    provider.troubles.append(answers(status))

    page = person.presses(start)

    assert page.status_code == 503
    assert ("<form" in page.content.decode()) is passes


@pytest.mark.parametrize("debug", [True, False])
def test_programs_are_told_in_the_same_way(person, debug):
    """(F-67)."""
    program = Program.with_session(person)
    asked = program.is_asked()
    with override_settings(DEBUG=debug, **MISCONFIGURED):
        answer = program.sends("POST", asked["attempts_url"])

    assert answer.status_code == 503
    assert "Retry-After" not in answer
    assert (DOCTOR in answer.json().get("detail", "")) is debug


# -- between the capture and its result


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
