"""The other way, for people who cannot or will not show their face."""

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
from django_faceauth.services.grants import grants, identity, revocation
from django_faceauth.signals import challenge_granted
from tests.services.test_concurrency import at_once
from tests.site.fallback import CODE
from tests.site.models import Payment
from tests.user_driver import form_in

pytestmark = pytest.mark.database

GATE = "/statements/"


@pytest.fixture(autouse=True)
def other_way(settings):
    settings.FACEAUTH_FALLBACK = "by-code"


def request_of(person, method="post"):
    """A request of this person's browser, as a view of the site sees it."""
    return person.request("/by-code/", method)


def page_for(person):
    return f"/by-code/?challenge={person.challenge.handle}"


def enters(person, code=CODE):
    """Type the code on the fallback page of the newest question."""
    return person.browser.post(page_for(person), {"code": code})


def payment_of(person):
    return Payment.objects.create(user=person.user, payee="Bob", amount=Decimal("12.50"))


# -- the way through


def test_people_who_are_not_enrolled_get_through_with_their_code(people):
    """No face, no provider, and not in vain (V-04)."""
    stranger = people(None)
    refused = stranger.browser.get(GATE)
    assert page_for(stranger) in refused.content.decode()

    answer = enters(stranger)

    assert answer["Location"] == GATE
    assert stranger.browser.get(GATE).content.startswith(b"secret")
    row = stranger.challenge
    assert (row.state, row.method, row.reason) == ("granted", "code", "other_method")
    assert row.verified_at == row.granted_at == timezone.now()


@pytest.mark.parametrize("outcome", ["refuse", "someone_else", "no_camera", "leave"])
def test_people_whose_capture_went_wrong_get_through_with_their_code(person, outcome):
    """Saying no to the camera, or not being recognised, is no failure of theirs (V-04)."""
    result = person.passes(GATE, outcome)
    assert page_for(person) in result.content.decode()

    assert enters(person)["Location"] == GATE
    assert person.browser.get(GATE).content.startswith(b"secret")


def test_people_who_never_started_get_through_with_their_code(person, provider):
    """V-04."""
    person.is_asked(GATE)

    enters(person)

    assert person.browser.get(GATE).status_code == 200
    assert provider.attempts_bought == 0


def test_the_view_learns_which_way_it_was(person):
    """`request.face.method` names it."""
    payment = payment_of(person)
    person.is_asked(f"/pay/{payment.pk}/", "post")
    enters(person)

    paid = person.browser.post(f"/pay/{payment.pk}/")

    assert paid.content == b"paid code"


def test_the_page_shows_what_is_to_be_approved(person):
    """The same lines as on the start page."""
    payment = payment_of(person)
    person.is_asked(f"/pay/{payment.pk}/", "post")

    shown = person.browser.get(page_for(person))

    assert shown.content.decode() == "pay|Payee: Bob; Amount: 12.50\N{NO-BREAK SPACE}EUR"


def test_kept_fields_are_shown_once_more(person):
    """What was typed comes back on the continue page, as after a face."""
    person.is_asked("/change/", "post", data={"email": "a@example.com"})

    answer = enters(person)

    assert answer["Location"] == f"/face/continue/{person.challenge.handle}/"
    page = person.browser.get(answer["Location"])
    assert form_in(page)[1]["email"] == "a@example.com"
    assert person.confirms(page).content == b"changed a@example.com []"


def test_it_is_told_once(person, django_capture_on_commit_callbacks):
    told = []

    def receive(challenge, **_kwargs):
        told.append((challenge.pk, challenge.method))

    challenge_granted.connect(receive)
    person.is_asked(GATE)

    with django_capture_on_commit_callbacks(execute=True):
        enters(person)
        enters(person)

    assert told == [(person.challenge.pk, "code")]


def test_it_is_seen_like_a_face(person):
    """B-05, F-20."""
    person.is_asked(GATE)
    enters(person)
    assert "sessionid_faceauth" not in person.browser.cookies

    answer = person.browser.get(GATE)

    assert answer.content.startswith(b"secret")
    assert "sessionid_faceauth" in answer.cookies


@pytest.mark.django_db(transaction=True)
def test_a_site_that_changes_its_mind_has_granted_nothing(person):
    """In a transaction of the site that is rolled back, there was no answer."""
    person.is_asked(GATE)

    with transaction.atomic():
        approve_by_other_method(request_of(person), person.challenge.handle, method="code")
        transaction.set_rollback(True)

    person.is_asked(GATE)


# -- it obeys what every grant obeys


def test_it_lasts_as_long_as_a_face(person, clock):
    """`max_age` counts from the answer."""
    person.is_asked("/payout/")
    enters(person)

    clock.shift(179)
    assert person.browser.get("/payout/").status_code == 200
    clock.shift(1)
    person.is_asked("/payout/")


def test_it_opens_what_was_asked_for_and_nothing_else(person):
    person.is_asked("/payout/")
    enters(person)

    person.is_asked(GATE)


def test_a_bound_one_counts_for_what_was_shown_and_once(person):
    """What you see is what you approve, whichever way."""
    payment, other = payment_of(person), payment_of(person)
    Payment.objects.filter(pk=other.pk).update(amount=Decimal("13.00"))
    person.is_asked(f"/pay/{payment.pk}/", "post")
    enters(person)

    person.is_asked(f"/pay/{other.pk}/", "post")
    assert person.browser.post(f"/pay/{payment.pk}/").status_code == 200
    person.is_asked(f"/pay/{payment.pk}/", "post")


def test_a_changed_payment_is_not_the_one_that_was_approved(person):
    payment = payment_of(person)
    person.is_asked(f"/pay/{payment.pk}/", "post")
    enters(person)
    Payment.objects.update(amount=Decimal("9999.00"))

    person.is_asked(f"/pay/{payment.pk}/", "post")


def test_a_single_use_is_one(person):
    person.is_asked("/once/")
    enters(person)

    assert person.browser.get("/once/").status_code == 200
    person.is_asked("/once/")


def test_it_belongs_to_the_session(person):
    """B-04."""
    person.is_asked(GATE)
    enters(person)
    person.browser = person.new_browser()

    person.is_asked(GATE)


# -- never silently true


@pytest.mark.parametrize("code", ["", "4712", "' or 1=1"])
def test_a_wrong_proof_is_none(person, code):
    person.is_asked(GATE)

    assert enters(person, code).status_code == 403
    person.is_asked(GATE)


@pytest.mark.parametrize(
    "query",
    ["method=code", "fallback=1", "method=exemption", "face_method=code", "other_method=true"],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_no_parameter_of_ours_takes_the_other_way(person, query, method):
    """The site's code answers, or nobody (T-1.3)."""
    start = person.is_asked(GATE)
    handle = person.challenge.handle
    pages = [f"/face/{page}/{handle}/" for page in ("returned", "waiting", "status", "continue")]

    for page in [start, *pages, GATE]:
        getattr(person.browser, method)(f"{page}?{query}&challenge={handle}")

    assert person.challenge.method == "face"
    assert FaceChallenge.objects.exclude(state="open").count() == 0
    person.is_asked(GATE)


@pytest.mark.parametrize(
    "method",
    ["face", "exemption", "", "Code", "by phone", "x" * 33, "kód", "-code", "code\n", "a.b"],
)
def test_a_method_that_is_no_name_is_an_error(person, method):
    person.is_asked(GATE)

    with pytest.raises(ValueError, match="method"):
        approve_by_other_method(request_of(person), person.challenge.handle, method=method)

    person.is_asked(GATE)


@pytest.mark.parametrize("method", ["code", "branch-visit", "phone_2", "x" * 32, "2"])
def test_a_method_is_a_name(person, method):
    person.is_asked(GATE)

    approve_by_other_method(request_of(person), person.challenge.handle, method=method)

    assert person.challenge.method == method


def test_a_site_without_another_way_has_none(person, settings):
    """Whatever its code says."""
    person.is_asked(GATE)
    settings.FACEAUTH_FALLBACK = ""

    with pytest.raises(ImproperlyConfigured, match="FACEAUTH_FALLBACK"):
        pending_challenge(request_of(person), person.challenge.handle)
    with pytest.raises(ImproperlyConfigured, match="FACEAUTH_FALLBACK"):
        approve_by_other_method(request_of(person), person.challenge.handle, method="code")

    person.is_asked(GATE)


def refuses(person, handle=None):
    """Tell whether neither of both functions finds anything to answer."""
    handle = person.challenge.handle if handle is None else handle
    with pytest.raises(FlowError):
        approve_by_other_method(request_of(person), handle, method="code")
    return pending_challenge(request_of(person), handle) is None


@pytest.mark.parametrize("handle", ["", "invented", "x" * 3000, "a'b"])
def test_a_handle_that_is_none(person, handle):
    person.is_asked(GATE)

    assert refuses(person, handle)
    assert person.browser.post(f"/by-code/?challenge={handle}").status_code == 404


def test_somebody_elses_handle(people):
    """B-07."""
    alice, bob = people(), people()
    alice.is_asked(GATE)
    bob.is_asked(GATE)

    assert refuses(bob, alice.challenge.handle)
    assert alice.challenge.is_open


def test_ones_own_handle_from_another_session(person):
    """Another browser cannot be used to answer, nor be answered for (B-04)."""
    person.is_asked(GATE)
    person.browser = person.new_browser()
    person.browser.get("/payout/")

    assert refuses(person, FaceChallenge.objects.earliest("pk").handle)


def test_nobody_is_logged_in(person):
    person.is_asked(GATE)
    request = request_of(person)
    request.user = AnonymousUser()

    with pytest.raises(FlowError):
        approve_by_other_method(request, person.challenge.handle, method="code")
    assert "/login/" in Client().post(page_for(person), {"code": CODE})["Location"]


def test_an_inactive_user(person):
    """Even where the site's own backend lets them in."""
    person.is_asked(GATE)
    person.user.is_active = False

    assert refuses(person)


@pytest.mark.parametrize("key", identity.IMPERSONATION_KEYS)
def test_somebody_who_acts_as_the_user(person, key):
    """B-04, TH-44."""
    person.is_asked(GATE)
    session = person.browser.session
    session[key] = ["1"]
    session.save()

    assert refuses(person)


def test_an_hour_is_enough(person, clock):
    person.is_asked(GATE)
    clock.shift(timedelta(hours=1))
    assert pending_challenge(request_of(person), person.challenge.handle)

    clock.shift(timedelta(seconds=1))

    assert refuses(person)


def test_what_was_burnt_stays_burnt(person):
    """T-2.6: other data was brought with this question."""
    payment = payment_of(person)
    person.is_asked(f"/pay/{payment.pk}/", "post")
    Payment.objects.update(amount=Decimal("1.00"))
    fields = {"face_challenge": person.challenge.handle}
    assert person.browser.post(f"/pay/{payment.pk}/", fields).status_code == 409

    assert refuses(person)


def test_what_was_used_stays_used(person):
    person.passes("/once/")

    assert person.challenge.state == "consumed"
    assert refuses(person)


def test_what_was_granted_is_not_granted_again(person):
    person.passes(GATE)

    assert refuses(person)


def test_what_was_taken_back_stays_taken_back(person):
    person.passes(GATE)
    revocation.end_all(person.user.pk, reason="staff", now=timezone.now())

    assert person.challenge.state == "revoked"
    assert refuses(person)


@pytest.mark.parametrize("outcome", ["refuse", "someone_else"])
def test_what_was_declined_before_everything_was_ended(person, outcome):
    """It could have been answered in another way, and cannot any more."""
    person.passes(GATE, outcome)
    before = person.challenge
    revocation.end_all(person.user.pk, reason="staff", now=timezone.now())

    assert refuses(person)
    assert (person.challenge.state, person.challenge.reason) == (before.state, before.reason)


def test_what_ran_out_stays_so(person, clock):
    person.is_handed_over(person.is_asked(GATE))
    clock.shift(timedelta(minutes=11))
    old = person.challenge.handle
    person.is_asked(GATE)

    assert refuses(person, old)


@pytest.mark.django_db(transaction=True)
def test_twenty_answers_at_once_are_one(person):
    """One statement decides, and one of them is told (D-08)."""
    person.is_asked(GATE)
    handle = person.challenge.handle

    def answer():
        try:
            return approve_by_other_method(request_of(person), handle, method="code")
        except FlowError:
            return None

    assert at_once(answer).count(GATE) == 1
    assert FaceChallenge.objects.get().state == "granted"


@pytest.mark.django_db(transaction=True)
def test_a_face_and_another_way_at_once(person):
    """Whichever comes first, it is one grant with one method."""
    person.is_asked(GATE)
    challenge, now = person.challenge, timezone.now()
    otherwise = {"method": "code", "since": challenge.created_at, "now": now}

    granted = at_once(
        lambda: (
            grants.issue(challenge, verified_at=now, now=now)
            or grants.approve_by_other_method(challenge, **otherwise)
        )
    )

    assert granted.count(True) == 1
