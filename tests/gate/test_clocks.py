"""Several servers, each with a clock of its own."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.test import override_settings
from django.utils import timezone

from django_faceauth.gate import recorded_face
from django_faceauth.models import FaceAttempt, FaceChallenge, FaceExemption
from django_faceauth.services.flow import finish
from django_faceauth.services.grants import exemptions
from tests.gate.test_fallback import enters

pytestmark = pytest.mark.database

GATE = "/statements/"

#: How far the clock is ahead that wrote the moment, and whether it still counts (G-06).
AHEAD = [(-1, True), (0, True), (60, True), (61, False)]
each_clock = pytest.mark.parametrize(("ahead", "counts"), AHEAD)


@pytest.fixture
def another_server(clock):
    """Another server of the site, whose clock is so many seconds ahead."""

    @contextmanager
    def server(ahead):
        clock.shift(ahead)
        yield
        clock.shift(-ahead)

    return server


@pytest.fixture
def exempts(people):
    """Exempt a person for an hour."""
    officer = people(None).user

    def exempt(person):
        now = timezone.now()
        return exemptions.exempt(
            person.user,
            action="*",
            reason="Lost a hand in an accident",
            author=officer,
            expires_at=now + timedelta(hours=1),
            now=now,
        )

    return exempt


def opens(person, path=GATE):
    return person.browser.get(path).content.startswith(b"secret")


@each_clock
def test_a_face_that_another_server_saw(person, another_server, caplog, ahead, counts):
    """(F-24), G-06."""
    with another_server(ahead):
        person.passes(GATE)
        left = timezone.now() - person.challenge.verified_at
    person.clock.shift(-left)  # as if there had been no way back from the capture page

    assert opens(person) is counts
    assert ("in the future" in caplog.text) is not counts


@each_clock
@override_settings(FACEAUTH_FALLBACK="by-code")
def test_another_way_that_was_taken_on_another_server(
    person, another_server, caplog, ahead, counts
):
    """(F-24), G-06."""
    person.is_asked(GATE)
    with another_server(ahead):
        enters(person)

    assert opens(person) is counts
    assert ("in the future" in caplog.text) is not counts


@each_clock
def test_an_exemption_that_another_server_wrote(
    person, exempts, another_server, caplog, ahead, counts
):
    """(F-24), G-06."""
    with another_server(ahead):
        exempts(person)

    assert opens(person) is counts
    assert ("in the future" in caplog.text) is not counts


@each_clock
@override_settings(FACEAUTH_FALLBACK="by-code")
def test_a_payment_that_was_approved_on_another_server_is_made_once(
    person, payment, another_server, ahead, counts
):
    """(F-24), G-06, B-02."""
    path = f"/pay/{payment.pk}/"
    person.is_asked(path, "post")
    with another_server(ahead):
        enters(person)

    answers = [person.browser.post(path).status_code for _ in range(3)]

    payment.refresh_from_db()
    assert payment.paid == int(counts)
    assert answers == [200 if counts else 302, 302, 302]


def test_a_payment_is_made_by_face_though_the_clocks_of_two_servers_differ(
    person, payment, another_server
):
    """(F-24): the attempt is bought and approved ahead of the server that makes the payment."""
    path = f"/pay/{payment.pk}/"
    start = person.is_asked(path, "post")
    with another_server(50):
        person.proves(start)

    assert person.browser.post(path).content == b"paid face"
    person.is_asked(path, "post")
    payment.refresh_from_db()
    assert payment.paid == 1


@override_settings(FACEAUTH_FALLBACK="by-code")
def test_what_counts_as_now_ends_by_its_anchor(person, another_server):
    """(F-24), G-05: the anchor stays where it was written."""
    person.is_asked(GATE)
    with another_server(60):
        enters(person)
    anchor = person.challenge.verified_at
    assert opens(person)

    person.clock.move_to(anchor + timedelta(seconds=299))
    assert opens(person)
    person.clock.move_to(anchor + timedelta(seconds=300))

    person.is_asked(GATE)
    assert person.challenge.verified_at is None


@override_settings(FACEAUTH_FALLBACK="by-code")
def test_the_view_is_told_of_no_moment_in_the_future(person, another_server):
    """(F-24): nor are those whom it tells, by `auth_time`."""
    person.is_asked(GATE)
    with another_server(60):
        enters(person)
    challenge = person.challenge

    face = recorded_face(person.user, challenge.handle)

    assert face.verified_at == timezone.now()
    assert face.expires_at == challenge.verified_at + timedelta(seconds=300)


@each_clock
@override_settings(FACEAUTH_FALLBACK="by-code")
def test_kept_fields_wait_on_the_page_that_another_server_shows(
    person, another_server, ahead, counts
):
    """(F-24): the page that asks to confirm goes by the same rule as the gate."""
    person.is_asked("/change/", "post", data={"email": "a@example.com"})
    with another_server(ahead):
        page = enters(person)["Location"]

    shown = person.browser.get(page)

    assert (b"a@example.com" in shown.content) is counts


@each_clock
def test_an_attempt_that_another_server_bought(person, caplog, ahead, counts):
    """(F-24), G-06: no anchor comes of a moment that one of our clocks cannot have seen."""
    person.shows_face(person.is_handed_over(person.is_asked(GATE)))
    person.clock.shift(3)
    now = timezone.now()
    FaceAttempt.objects.update(capture_not_before=now + timedelta(seconds=ahead))

    finish.finish(person.challenge, source="webhook", now=now)

    assert person.challenge.state == ("granted" if counts else "failed")
    assert ("clock" in caplog.text) is not counts


@override_settings(FACEAUTH_SLOW_REVIEW=True, FACEAUTH_FALLBACK="by-code")
@each_clock
def test_a_decision_that_another_server_noted(
    person, payment, another_server, caplog, ahead, counts
):
    """(F-24), G-16: where the window begins with the decision, that must not be ahead either."""
    path = f"/pay/{payment.pk}/"
    person.is_asked(path, "post")
    enters(person)
    FaceChallenge.objects.update(granted_at=timezone.now() + timedelta(seconds=ahead))

    person.browser.post(path)

    payment.refresh_from_db()
    assert payment.paid == int(counts)


def test_an_exemption_of_the_future_does_not_hide_another(person, exempts, another_server):
    """(F-24): it is left out, and the others count."""
    with another_server(3600):
        exempts(person)
    exempts(person)

    assert opens(person)
    assert FaceExemption.objects.count() == 2
