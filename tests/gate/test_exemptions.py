"""Users whom a row lets through without a face."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from django_faceauth.models import FaceChallenge, FaceExemption
from django_faceauth.services.grants import exemptions
from django_faceauth.signals import exemption_changed
from django_faceauth.testing import exempted

pytestmark = pytest.mark.database

GATE = "/statements/"


def passes(person, path=GATE):
    return person.browser.get(path).content.startswith(b"secret")


@pytest.mark.parametrize("is_enrolled", [True, False])
def test_an_exempt_user_passes_without_a_face(people, provider, is_enrolled):
    """And each passage leaves a row with its exemption (V-04)."""
    person = people() if is_enrolled else people(None)
    exemptions.revoke(exempted(person.user), now=timezone.now())
    exemption = exempted(person.user, action="payout")

    assert passes(person, "/payout/")
    assert passes(person, "/payout/")
    people().is_asked("/payout/")

    assert provider.attempts_bought == 0
    rows = FaceChallenge.objects.filter(user=person.user)
    assert rows.count() == 2
    for row in rows:
        assert (row.state, row.method, row.action) == ("consumed", "exemption", "payout")
        assert row.reason == f"exemption {exemption.pk}"
        assert row.consumed_at == row.granted_at == row.verified_at == timezone.now()
        assert row.max_age == 0


def test_the_view_finds_the_method_and_the_row(person, payment):
    exempted(person.user)

    answer = person.browser.post(f"/pay/{payment.pk}/")

    assert answer.content == b"paid exemption"
    payment.refresh_from_db()
    assert payment.approved_by == person.challenge.handle
    assert person.challenge.snapshot["payee"] == "Anna"


def test_each_step_sends_a_signal(person, people, hears, django_capture_on_commit_callbacks):
    """And a revoked exemption ends at once (G-11)."""
    sent = hears(exemption_changed, "exemption", "change", "challenge")

    with django_capture_on_commit_callbacks(execute=True):
        exemption = exempted(person.user, author=people(None).user)
        assert passes(person)
        passage = FaceChallenge.objects.get()
        assert exemptions.revoke(exemption, now=timezone.now())
        assert not exemptions.revoke(exemption, now=timezone.now())

    person.is_asked(GATE)
    assert sent == [
        (exemption, "granted", None),
        (exemption, "used", passage),
        (exemption, "revoked", None),
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reason": ""}, "reason"),
        ({"reason": " \n"}, "reason"),
        ({"lasts": 0}, "future"),
        ({"lasts": -1}, "future"),
        # Lists could not show the end of time in every time zone (F-41).
        ({"lasts": timedelta(days=75 * 366)}, "2100"),
        ({"author": None}, "themselves"),
    ],
)
def test_an_exemption_needs_a_reason_an_end_and_another_author(person, changes, message):
    if "author" in changes:
        changes = {"author": person.user}

    with pytest.raises(ValueError, match=message):
        exempted(person.user, **changes)

    assert FaceExemption.objects.count() == 0


@pytest.mark.parametrize("changes", [{"reason": ""}, {"expires_at": None}, {"author_id": None}])
def test_the_database_insists_too(person, changes):
    exemption = exempted(person.user)

    with pytest.raises(IntegrityError), transaction.atomic():
        FaceExemption.objects.filter(pk=exemption.pk).update(**changes)
