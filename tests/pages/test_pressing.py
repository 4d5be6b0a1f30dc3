"""Buttons that are pressed again and again: the cost, and the wait for others."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from django_faceauth.messages import COMPARING
from django_faceauth.models import AttemptRequest
from django_faceauth.services.flow.capture import _links
from django_faceauth.services.sync import provider_rate_limit
from tests.provider_double import answers
from tests.user_driver import capture_url_in

#: Presses of an impatient person, ten a second.
PRESSES = 60
FAST = 0.1


def test_all_that_a_user_may_open_shares_one_look_in_two_seconds(person, provider):
    """All presses get one link; pages, status and return take turns with them (F-25, U-09)."""
    start = person.is_asked()
    link = person.is_handed_over(start)
    calls = len(provider.calls)
    for _ in range(PRESSES):
        person.clock.shift(FAST)
        assert capture_url_in(person.presses(start)) == link
    assert len(provider.calls) - calls <= PRESSES * FAST / 2
    assert provider.attempts_bought == AttemptRequest.objects.count() == 1

    pages = [start.replace("/start/", f"/{name}/") for name in ("waiting", "status", "returned")]
    asked = provider.count("GET /face-authentications/")
    for _ in range(40):
        person.clock.shift(FAST)
        person.presses(start)
        for page in pages:
            person.browser.get(page)

    # Each look may be two calls: the authentication, and its attempts when something changed.
    assert provider.count("GET /face-authentications/") - asked <= 2 * (1 + 40 * FAST / 2)


def test_those_who_wait_are_not_kept_waiting(people, provider, settings):
    """The site's budget is not used up by one who presses (F-25)."""
    settings.FACEAUTH_POLL_RATE = 2
    impatient, other = people(), people()
    start = impatient.is_asked()
    impatient.is_handed_over(start)
    back = other.shows_face(other.is_handed_over(other.is_asked()))
    other.clock.shift(3)
    for _ in range(PRESSES):
        impatient.presses(start)

    other.returns(back)

    assert other.challenge.state == "granted"


def test_a_link_is_handed_out_again_when_the_budget_is_used_up(person, provider, settings):
    """(F-25)."""
    start = person.is_asked()
    link = person.is_handed_over(start)
    person.clock.shift(3)
    for _ in range(40):
        provider_rate_limit.record(now=timezone.now())
    calls = len(provider.calls)

    assert person.is_handed_over(start) == link
    assert len(provider.calls) == calls


def test_another_process_asks_the_provider(person, provider):
    """No row and no cache holds a link (F-25)."""
    start = person.is_asked()
    link = person.is_handed_over(start)
    _links.clear()
    assert person.is_handed_over(start) == link  # at once: what was bought is limited
    _links.clear()

    assert person.presses(start)["Location"] == start.replace("/start/", "/waiting/")
    person.clock.shift(2)
    assert person.is_handed_over(start) == link
    assert provider.attempts_bought == 1


@pytest.mark.parametrize("knows", [True, False])
def test_while_faces_are_compared_nothing_is_bought(person, provider, knows):
    """Whether or not we have heard of it (F-25)."""
    start = person.is_asked()
    person.shows_face(person.is_handed_over(start))
    waiting = start.replace("/start/", "/waiting/")
    if knows:
        person.clock.shift(0.5)
        person.browser.get(start.replace("/start/", "/returned/"))
        assert person.browser.get(waiting).context["wording"] == COMPARING
    posts = provider.count("POST")

    for _ in range(10):
        person.clock.shift(FAST / 2)
        answer = person.presses(start)
        assert answer.status_code in {200, 302}

    assert provider.count("POST") == posts
    assert AttemptRequest.objects.count() == 1


def test_a_start_that_the_provider_refuses_costs_few_calls(person, provider):
    """What is given back is not for nothing (F-25)."""
    start = person.is_asked()
    provider.troubles.extend([answers(422, "{}")] * PRESSES)
    for _ in range(PRESSES):
        person.clock.shift(FAST)
        person.presses(start)

    assert len(provider.calls) <= 2 * (1 + PRESSES * FAST / 2)
    assert AttemptRequest.objects.count() == 0


def test_forgetting_again_and_again_is_one_call(person, provider):
    """(F-25)."""
    pytest.importorskip("rest_framework")
    person.passes()
    fav = person.authentication.provider_id
    person.user.user_permissions.add(
        Permission.objects.get(codename="anonymize_faceauthentication")
    )
    person.clock.shift(3)
    address = f"/face/api/authentications/{fav}/anonymize/"

    codes = {person.browser.post(address).status_code for _ in range(5)}

    assert codes == {200}
    assert sum("anonymize" in call for call in provider.calls) == 1
