"""Several servers with clocks that differ."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.test import override_settings
from django.utils import timezone

from django_faceauth.gate import recorded_face
from django_faceauth.testing import exempted
from tests.gate.test_fallback import enters

pytestmark = pytest.mark.database

GATE = "/statements/"

#: How many seconds the clock was ahead, and whether what it wrote counts already (G-06).
each_clock = pytest.mark.parametrize(
    ("ahead", "counts"), [(-1, True), (0, True), (60, True), (61, False)]
)


@pytest.fixture
def another_server(clock):
    """Another server of the site, whose clock is so many seconds ahead."""

    @contextmanager
    def server(ahead):
        clock.shift(ahead)
        yield
        clock.shift(-ahead)

    return server


def opens(person):
    return person.browser.get(GATE).content.startswith(b"secret")


@each_clock
def test_an_exemption_from_another_server(person, another_server, caplog, ahead, counts):
    """One of the future does not hide another (F-24, G-06)."""
    with another_server(ahead):
        exempted(person.user)

    assert opens(person) is counts
    assert ("in the future" in caplog.text) is not counts
    exempted(person.user)
    assert opens(person)


@each_clock
@override_settings(FACEAUTH_FALLBACK="by-code")
def test_a_payment_that_was_approved_on_another_server(
    person, payment, another_server, caplog, ahead, counts
):
    """It is made once, or the gate asks again (F-24, G-06, B-02)."""
    path = f"/pay/{payment.pk}/"
    person.is_asked(path, "post")
    with another_server(ahead):
        enters(person)

    statuses = [person.browser.post(path).status_code for _ in range(3)]

    payment.refresh_from_db()
    assert payment.paid == int(counts)
    assert statuses == [200 if counts else 302, 302, 302]
    assert ("in the future" in caplog.text) is not counts


@override_settings(FACEAUTH_FALLBACK="by-code")
def test_a_grant_that_is_ahead_ends_by_its_anchor(person, another_server):
    """The anchor stays, but the view learns no time in the future (F-24, G-05)."""
    person.is_asked(GATE)
    with another_server(60):
        enters(person)
    challenge = person.challenge
    end = challenge.verified_at + timedelta(seconds=300)

    face = recorded_face(person.user, challenge.handle)
    assert (face.verified_at, face.expires_at) == (timezone.now(), end)
    assert opens(person)
    person.clock.move_to(end - timedelta(seconds=1))
    assert opens(person)
    person.clock.move_to(end)

    person.is_asked(GATE)
