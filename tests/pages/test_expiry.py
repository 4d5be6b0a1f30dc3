"""Pages that say how long a face check counts."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.template import Context, Template
from django.template.loader import render_to_string
from django.utils import timezone

from django_faceauth.gate import Face
from django_faceauth.models import FaceChallenge

NEVER = '{% load faceauth %}{% face_fresh action="payout" max_age=0 as fresh %}'
SHOWN = Face(
    verified_at=datetime(2026, 3, 1, 12, 0, 0, 123456, UTC),
    expires_at=datetime(2026, 3, 1, 12, 5, 0, 123456, UTC),
    action="payout",
    challenge="handle",
)


def test_a_page_says_until_when_a_face_counts(person, clock):
    assert person.browser.get("/expiry/").content.strip() == b"not fresh"
    assert FaceChallenge.objects.count() == 0
    person.passes("/payout/")

    page = person.browser.get("/expiry/").content.decode()

    until = person.challenge.verified_at + timedelta(seconds=180)
    assert f'datetime="{until:%Y-%m-%dT%H:%M:%SZ}"' in page
    clock.move_to(until - timedelta(seconds=1))
    assert b"datetime=" in person.browser.get("/expiry/").content
    clock.shift(1)
    assert person.browser.get("/expiry/").content.strip() == b"not fresh"


def test_a_template_without_a_request_says_what_is_missing():
    with pytest.raises(ImproperlyConfigured, match="context processors"):
        Template("{% load faceauth %}{% face_fresh as fresh %}").render(Context())


def test_a_window_that_makes_no_sense_is_an_error(person, rf):
    with pytest.raises(ValueError, match="max_age"):
        Template(NEVER).render(Context({"request": rf.get("/")}))


@pytest.mark.parametrize(
    ("zone", "clock"), [("UTC", "12:05 p.m."), ("Pacific/Auckland", "1:05 a.m.")]
)
def test_the_countdown_can_be_read_without_javascript(zone, clock):
    """A sentence, in a timer that interrupts no screen reader; nothing is inline (U-06).

    The clock for people is local, the one for programs is not.
    """
    with timezone.override(zone):
        html = render_to_string("faceauth/countdown.html", {"face": SHOWN})

    assert f'<time datetime="2026-03-01T12:05:00Z" data-faceauth-expires>{clock}</time>' in html
    assert '<div role="timer"' in html
    assert '<p aria-live="polite" data-faceauth-told></p>' in html
    assert re.findall(r"<script([^>]*)>([^<]*)", html) == [
        (' src="/static/faceauth/countdown.js" defer', "")
    ]
    assert "style" not in html
