"""People who are let through without a face: by a row that says why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.test import RequestFactory
from django.utils import timezone

from django_faceauth.gate import Face, Reason, freshness
from django_faceauth.models import FaceChallenge, FaceExemption
from django_faceauth.services.grants import exemptions
from django_faceauth.signals import exemption_changed
from tests.site.models import Payment

pytestmark = pytest.mark.database

GATE = "/statements/"


@pytest.fixture
def officer(people):
    """Somebody of the site who may exempt people."""
    return people(None).user


@pytest.fixture
def exempts(officer):
    """Exempt a person, for a day and from every gate if nothing else is said."""

    def exempt(person, *, action="*", reason="Lost a hand in an accident", **changes):
        now = timezone.now()
        values = {"author": officer, "expires_at": now + timedelta(days=1), "now": now} | changes
        return exemptions.exempt(person.user, action=action, reason=reason, **values)

    return exempt


def passes(person, path=GATE):
    return person.browser.get(path).content.startswith(b"secret")


def test_an_exempted_person_passes_without_a_face(person, exempts, provider):
    """V-04."""
    exempts(person)

    assert passes(person)
    assert provider.attempts_bought == 0


def test_people_who_are_not_enrolled_can_be_exempted(people, exempts):
    """They are who needs it most (V-04)."""
    stranger = people(None)
    exempts(stranger)

    assert passes(stranger)


def test_each_passage_leaves_a_row_that_says_by_what(person, exempts):
    """Never silently true: who, what, when, and by which exemption."""
    exemption = exempts(person, action="payout")
    person.browser.get("/payout/")
    person.browser.get("/payout/")

    rows = FaceChallenge.objects.filter(user=person.user)
    assert rows.count() == 2
    for row in rows:
        assert (row.state, row.method, row.action) == ("consumed", "exemption", "payout")
        assert row.reason == f"exemption {exemption.pk}"
        assert row.consumed_at == row.granted_at == row.verified_at == timezone.now()
        assert row.max_age == 0


def test_the_view_learns_that_nobody_was_seen(person, exempts):
    """And the row of the payment keeps which passage it was."""
    exempts(person)
    payment = Payment.objects.create(user=person.user, payee="Bob", amount=Decimal("12.50"))

    paid = person.browser.post(f"/pay/{payment.pk}/")

    assert paid.content == b"paid exemption"
    payment.refresh_from_db()
    assert payment.approved_by == person.challenge.handle
    assert person.challenge.snapshot["payee"] == "Bob"


@pytest.mark.parametrize(("lasts", "open_for"), [(3600, 180), (180, 180), (60, 60)])
def test_a_page_can_know_how_long_it_holds(person, exempts, lasts, open_for):
    """As long as a face would, and not longer than itself; it names no challenge."""
    now = timezone.now()
    exempts(person, expires_at=now + timedelta(seconds=lasts))
    request = RequestFactory().get(GATE)
    request.user, request.session = person.user, person.browser.session

    face = freshness(request, action="payout", max_age=180)

    assert face == Face(
        verified_at=now,
        expires_at=now + timedelta(seconds=open_for),
        action="payout",
        challenge="",
        method="exemption",
        reason=Reason.EXEMPT,
    )


def test_each_step_is_told(person, exempts, officer, django_capture_on_commit_callbacks):
    """Granted, used, revoked: to whoever listens, after the commit."""
    told = []

    def hear(exemption, change, challenge, **_facts):
        told.append((change, exemption.author_id, challenge))

    exemption_changed.connect(hear)

    with django_capture_on_commit_callbacks(execute=True):
        exemption = exempts(person)
        passes(person)
        exemptions.revoke(exemption, now=timezone.now())
        exemptions.revoke(exemption, now=timezone.now())

    passage = FaceChallenge.objects.get()
    assert told == [
        ("granted", officer.pk, None),
        ("used", officer.pk, passage),
        ("revoked", officer.pk, None),
    ]


def test_it_is_for_one_person(people, exempts):
    alice, bob = people(), people()
    exempts(alice)

    bob.is_asked(GATE)


@pytest.mark.parametrize("action", ["payout", "Payout", "payout ", "*payout", ""])
def test_it_is_for_the_gates_of_its_action(person, exempts, action):
    """Some databases take "Payout" for "payout"."""
    exempts(person, action=action)

    assert passes(person, "/payout/") is (action == "payout")
    assert passes(person, GATE) is (action == "")


def test_it_ends(person, exempts, clock):
    exempts(person, expires_at=timezone.now() + timedelta(hours=1))
    clock.shift(timedelta(minutes=59, seconds=59))
    assert passes(person)

    clock.shift(timedelta(seconds=1))

    person.is_asked(GATE)


def test_it_ends_at_once_when_it_is_revoked(person, exempts):
    """G-11."""
    exemption = exempts(person)
    assert passes(person)

    assert exemptions.revoke(exemption, now=timezone.now())

    assert not exemptions.revoke(exemption, now=timezone.now())
    person.is_asked(GATE)


def test_it_opens_nothing_for_who_may_not_log_in(person, exempts):
    exempts(person)
    person.user.is_active = False
    person.user.save()

    assert not passes(person)


def test_of_several_one_is_enough(person, exempts):
    now = timezone.now()
    exemptions.revoke(exempts(person), now=now)
    exempts(person, action="payout")
    exempts(person, action="")

    assert passes(person)
    assert passes(person, "/payout/")


@pytest.mark.parametrize("reason", ["", "  ", "\n"])
def test_it_needs_a_reason(person, exempts, reason):
    with pytest.raises(ValueError, match="reason"):
        exempts(person, reason=reason)


@pytest.mark.parametrize("late", [timedelta(0), timedelta(seconds=-1)])
def test_it_needs_an_end(person, exempts, late):
    with pytest.raises(ValueError, match="future"):
        exempts(person, expires_at=timezone.now() + late)


def test_for_ever_is_no_end(person, exempts):
    """(F-41): lists could not show it in every time zone."""
    with pytest.raises(ValueError, match="2100"):
        exempts(person, expires_at=datetime.max.replace(tzinfo=UTC))


def test_nobody_exempts_themselves(person, exempts):
    with pytest.raises(ValueError, match="themselves"):
        exempts(person, author=person.user)

    assert FaceExemption.objects.count() == 0


@pytest.mark.parametrize("changes", [{"reason": ""}, {"expires_at": None}, {"author_id": None}])
def test_the_database_insists_too(person, exempts, changes):
    """Whoever writes the table in another way meets the same."""
    exemption = exempts(person)

    with pytest.raises(IntegrityError), transaction.atomic():
        FaceExemption.objects.filter(pk=exemption.pk).update(**changes)


def test_a_face_that_was_shown_comes_first(person, exempts):
    """Who showed it is not counted as exempted."""
    person.passes(GATE)
    exempts(person)
    passes(person)

    assert person.challenge.method == "face"
