"""Approval by another method of the site."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.test import Client
from django.utils import timezone

from django_faceauth.exceptions import FlowError
from django_faceauth.gate import approve_by_other_method, pending_challenge
from django_faceauth.models import FaceChallenge
from django_faceauth.services.grants import grants, revocation
from django_faceauth.signals import challenge_granted
from tests.site.fallback import CODE
from tests.site.models import Payment
from tests.threads import at_once
from tests.user_driver import form_in

pytestmark = pytest.mark.database

GATE = "/statements/"


@pytest.fixture(autouse=True)
def fallback(settings):
    settings.FACEAUTH_FALLBACK = "by-code"


def page_for(person):
    return f"/by-code/?challenge={person.challenge.handle}"


def enters(person, code=CODE):
    """Type the code on the fallback page of the newest challenge."""
    return person.browser.post(page_for(person), {"code": code})


def approves(person, handle="", method="code"):
    handle = handle or person.challenge.handle
    return approve_by_other_method(person.request("/by-code/", "post"), handle, method=method)


# -- the way through


def test_a_user_who_is_not_enrolled_passes_with_the_code(people):
    """V-04."""
    stranger = people(None)
    refused = stranger.browser.get(GATE)
    assert page_for(stranger) in refused.content.decode()

    assert enters(stranger)["Location"] == GATE

    assert stranger.browser.get(GATE).content.startswith(b"secret")
    row = stranger.challenge
    assert (row.state, row.method, row.reason) == ("granted", "code", "other_method")
    assert row.verified_at == row.granted_at == timezone.now()


@pytest.mark.parametrize("outcome", ["refuse", "someone_else", "no_camera", "leave"])
def test_a_user_whose_capture_failed_passes_with_the_code(person, outcome):
    """V-04."""
    result = person.passes(GATE, outcome)
    assert page_for(person) in result.content.decode()

    assert enters(person)["Location"] == GATE
    assert person.browser.get(GATE).content.startswith(b"secret")


def test_a_user_who_never_started_passes_with_the_code(
    person, provider, hears, django_capture_on_commit_callbacks
):
    """With one signal and a new face cookie, without the provider (V-04, B-05, F-20)."""
    granted = hears(challenge_granted, "challenge")
    person.is_asked(GATE)

    with django_capture_on_commit_callbacks(execute=True):
        enters(person)
        enters(person)
    assert "sessionid_faceauth" not in person.browser.cookies
    answer = person.browser.get(GATE)

    assert answer.content.startswith(b"secret")
    assert "sessionid_faceauth" in answer.cookies
    assert granted == [(person.challenge,)]
    assert person.challenge.method == "code"
    assert provider.attempts_bought == 0


def test_a_payment_is_shown_and_approved_once_and_as_it_was_shown(person, owes):
    payment, other = owes(person), owes(person, amount="13.00")
    person.is_asked(f"/pay/{payment.pk}/", "post")
    shown = person.browser.get(page_for(person))
    assert shown.content.decode() == "pay|Payee: Anna; Amount: 12.50\N{NO-BREAK SPACE}EUR"
    enters(person)

    person.is_asked(f"/pay/{other.pk}/", "post")
    Payment.objects.filter(pk=payment.pk).update(amount=Decimal(9999))
    person.is_asked(f"/pay/{payment.pk}/", "post")
    Payment.objects.filter(pk=payment.pk).update(amount=Decimal("12.50"))
    assert person.browser.post(f"/pay/{payment.pk}/").content == b"paid code"
    person.is_asked(f"/pay/{payment.pk}/", "post")


def test_kept_fields_come_back_on_the_continue_page(person):
    person.is_asked("/change/", "post", data={"email": "a@example.com"})

    answer = enters(person)

    assert answer["Location"] == f"/face/continue/{person.challenge.handle}/"
    page = person.browser.get(answer["Location"])
    assert form_in(page)[1]["email"] == "a@example.com"
    assert person.confirms(page).content == b"changed a@example.com []"


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_is_rolled_back_approves_nothing(person):
    person.is_asked(GATE)

    with transaction.atomic():
        approves(person)
        transaction.set_rollback(True)

    person.is_asked(GATE)


# -- what approves nothing


@pytest.mark.parametrize(
    "method",
    ["face", "exemption", "", "Code", "by phone", "x" * 33, "kód", "-code", "code\n", "a.b"],
)
def test_a_malformed_or_reserved_method_is_an_error(person, method):
    person.is_asked(GATE)

    with pytest.raises(ValueError, match="method"):
        approves(person, method=method)

    approves(person, method="phone_2-" + "x" * 24)
    assert person.challenge.method == "phone_2-" + "x" * 24


def test_a_site_without_a_fallback_has_no_other_method(person, settings):
    person.is_asked(GATE)
    settings.FACEAUTH_FALLBACK = ""

    with pytest.raises(ImproperlyConfigured, match="FACEAUTH_FALLBACK"):
        pending_challenge(person.request(), person.challenge.handle)
    with pytest.raises(ImproperlyConfigured, match="FACEAUTH_FALLBACK"):
        approves(person)


def cannot_approve(person, handle=""):
    with pytest.raises(FlowError):
        approves(person, handle)
    return pending_challenge(person.request(), handle or person.challenge.handle) is None


@pytest.mark.parametrize("handle", ["invented", "x" * 3000, "a'b"])
def test_an_invented_handle(person, handle):
    person.is_asked(GATE)

    assert cannot_approve(person, handle)
    assert person.browser.post(f"/by-code/?challenge={handle}").status_code == 404


def test_the_handle_of_another_user_or_session(people):
    """B-04, B-07."""
    alice, bob = people(), people()
    alice.is_asked(GATE)
    bob.is_asked(GATE)
    handle = alice.challenge.handle

    assert cannot_approve(bob, handle)
    alice.browser = alice.new_browser()
    alice.browser.get("/payout/")
    assert cannot_approve(alice, handle)
    assert FaceChallenge.objects.get(handle=handle).is_open


def test_an_anonymous_inactive_or_impersonated_user(person):
    """Also if the site's own backend lets an inactive user in (B-04, TH-44)."""
    person.is_asked(GATE)
    request = person.request()
    request.user = AnonymousUser()

    with pytest.raises(FlowError):
        approve_by_other_method(request, person.challenge.handle, method="code")
    assert "/login/" in Client().post(page_for(person), {"code": CODE})["Location"]
    person.user.is_active = False
    assert cannot_approve(person)
    person.user.is_active = True
    person.marks(hijack_history=["1"])
    assert cannot_approve(person)


def test_a_challenge_older_than_an_hour(person, clock):
    person.is_asked(GATE)
    clock.shift(timedelta(hours=1))
    assert pending_challenge(person.request(), person.challenge.handle)

    clock.shift(timedelta(seconds=1))

    assert cannot_approve(person)


def is_invalidated(person):
    """T-2.6: other data was sent with this challenge."""
    payment = Payment.objects.create(user=person.user, payee="Bob", amount=1)
    person.is_asked(f"/pay/{payment.pk}/", "post")
    Payment.objects.update(amount=Decimal("2.00"))
    fields = {"face_challenge": person.challenge.handle}
    assert person.browser.post(f"/pay/{payment.pk}/", fields).status_code == 409


def is_expired(person):
    person.is_handed_over(person.is_asked(GATE))
    person.clock.shift(timedelta(minutes=11))
    person.is_asked(GATE)


#: What ends a challenge, and whether staff end all of the user after it: one that was refused
#: or declined could be approved by another method until then.
ENDS = {
    "invalidated": (is_invalidated, False),
    "used": (lambda person: person.passes("/once/"), False),
    "granted": (lambda person: person.passes(GATE), False),
    "expired": (is_expired, False),
    "revoked": (lambda person: person.passes(GATE), True),
    "refused": (lambda person: person.passes(GATE, "refuse"), True),
    "declined": (lambda person: person.passes(GATE, "someone_else"), True),
}


@pytest.mark.parametrize(("happens", "is_ended"), ENDS.values(), ids=ENDS)
def test_a_challenge_that_is_over(person, happens, is_ended):
    happens(person)
    if is_ended:
        revocation.end_all(person.user.pk, reason="staff", now=timezone.now())
    rows = FaceChallenge.objects.filter(user=person.user)
    over = rows.exclude(state="open").latest("pk")

    assert cannot_approve(person, over.handle)
    assert rows.get(pk=over.pk).state == over.state


# -- races


@pytest.mark.django_db(transaction=True)
def test_many_approvals_at_once_are_one(person):
    """One statement decides (D-08)."""
    person.is_asked(GATE)
    handle = person.challenge.handle

    def answer():
        try:
            return approves(person, handle)
        except FlowError:
            return None

    assert at_once(*[answer] * 8).count(GATE) == 1
    assert FaceChallenge.objects.get().state == "granted"


@pytest.mark.django_db(transaction=True)
def test_a_face_and_another_method_at_once_are_one_grant(person):
    person.is_asked(GATE)
    challenge, now = person.challenge, timezone.now()
    otherwise = {"method": "code", "since": challenge.created_at, "now": now}

    acts = [
        lambda: grants.issue(challenge, verified_at=now, is_same_network=True, now=now),
        lambda: grants.approve_by_other_method(challenge, **otherwise),
    ]

    granted = at_once(*acts * 4)

    assert granted.count(True) == 1
