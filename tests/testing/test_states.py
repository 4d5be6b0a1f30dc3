"""A state is what the gate sees: nothing here goes around it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponseRedirect
from django.test import AsyncClient, Client, RequestFactory, override_settings
from django.utils import timezone
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient, APIRequestFactory, force_authenticate

from django_faceauth.gate import Money
from django_faceauth.models import Applicant, FaceChallenge, FaceExemption, ReviewCase
from django_faceauth.services.background import sweep
from django_faceauth.services.enrolment import applicants
from django_faceauth.testing import (
    assert_face_asked,
    enrolled,
    exempted,
    face_asked,
    face_declined,
    face_revoked,
    face_shown,
    locked_out,
)
from tests.site import views
from tests.site.api import Secret
from tests.site.models import Payment


@pytest.fixture
def payment(user):
    return Payment.objects.create(user=user, payee="Anna", amount=Decimal("12.50"))


def approved(payment, amount="12.50"):
    """What the test site's bind returns."""
    return {"payee": payment.payee, "amount": Money(Decimal(amount), "EUR")}


# -- shown


def test_a_face_that_was_just_shown(client):
    face_shown(client)

    assert client.get("/statements/").status_code == 200


def test_a_face_that_was_shown_some_time_ago(client):
    """`ago` is counted as the gate counts it: 180 seconds at /payout/."""
    face_shown(client, action="payout", ago=170)
    assert client.get("/payout/").status_code == 200

    face_shown(client, action="settings", ago=timedelta(seconds=290))
    assert client.get("/documents/settings/").status_code == 200


@pytest.mark.parametrize("ago", [301, 86_400, timedelta(days=400)])
def test_a_face_that_was_shown_too_long_ago(client, ago):
    face_shown(client, ago=ago)

    assert_face_asked(client.get("/statements/"), action="")
    assert FaceChallenge.objects.latest("pk").reason == "stale"


def test_a_state_grows_old_as_time_passes(client):
    face_shown(client, ago=290)

    with time_machine.travel(timezone.now() + timedelta(seconds=11)):
        assert_face_asked(client.get("/statements/"))


def test_nothing_is_shown_in_the_future(client):
    with pytest.raises(ValueError, match="in the past"):
        face_shown(client, ago=-1)


def test_a_face_for_another_action(client):
    face_shown(client, action="payout")

    assert_face_asked(client.get("/statements/"), action="")


def test_a_face_in_another_browser(client, user):
    face_shown(client)
    other = Client()
    other.force_login(user)

    assert_face_asked(other.get("/statements/"))


def test_a_face_of_another_user(client, users):
    face_shown(client)
    other = Client()
    face_shown(other, user=users(), action="payout")

    assert_face_asked(other.get("/statements/"))
    assert client.get("/statements/").status_code == 200


def test_logging_out_ends_it(client, user):
    face_shown(client)
    client.logout()
    client.force_login(user)

    assert_face_asked(client.get("/statements/"))


def test_no_call_is_made(client, provider):
    challenge = face_shown(client)
    face_revoked(client, action="payout")

    assert provider.calls == []
    assert challenge.authentication.status == "approved"


def test_rows_are_those_that_a_real_check_leaves(client, user):
    """Nothing but who decided tells them apart; nothing is left for the sweep to ask about."""
    challenge = face_shown(client, ago=60)

    row, attempt = challenge.authentication, challenge.authentication.attempts.get()
    assert (challenge.state, challenge.reason, challenge.user) == ("granted", "approved", user)
    assert challenge.verified_at == challenge.granted_at == attempt.capture_not_before
    assert [change.status for change in row.status_changes.all()] == ["approved"]
    assert row.next_poll_at > timezone.now() + timedelta(minutes=50)
    assert sweep.claim_due(now=timezone.now()).authentications == ()


def test_two_faces_in_one_session(client):
    face_shown(client)
    face_shown(client, action="payout")

    assert client.get("/statements/").status_code == client.get("/payout/").status_code == 200


# -- bound, and once


def test_a_face_for_one_payment(client, payment):
    """Good for this payment, once."""
    face_shown(client, action="pay", binding=approved(payment))

    assert client.post(f"/pay/{payment.pk}/").content == b"paid face"
    assert_face_asked(client.post(f"/pay/{payment.pk}/"), action="pay")


def test_a_face_for_another_amount(client, payment):
    face_shown(client, action="pay", binding=approved(payment, "12.51"))

    asked = assert_face_asked(client.post(f"/pay/{payment.pk}/"), action="pay")

    assert asked.snapshot["amount"] == {"$money": ["12.50", "EUR"]}
    assert Payment.objects.get().paid == 0


def test_a_face_for_nothing_in_particular_opens_no_bound_gate(client, payment):
    face_shown(client, action="pay")

    assert_face_asked(client.post(f"/pay/{payment.pk}/"))


def test_what_cannot_be_bound(client):
    with pytest.raises(TypeError, match="float"):
        face_shown(client, action="pay", binding={"amount": 12.5})


def test_a_face_that_counts_once(client):
    face_shown(client, action="once")

    assert client.get("/once/").status_code == 200
    assert_face_asked(client.get("/once/"), action="once")


# -- other targets


@pytest.mark.parametrize("engine", ["db", "signed_cookies", "cached_db"])
def test_every_kind_of_session(user, engine):
    with override_settings(SESSION_ENGINE=f"django.contrib.sessions.backends.{engine}"):
        client = Client()
        face_shown(client, user=user)

        assert client.get("/statements/").status_code == 200


async def _async_page(user):
    client = AsyncClient()
    await sync_to_async(face_shown)(client, user=user)
    fresh = await client.get("/async/")
    await sync_to_async(face_revoked)(client)
    return fresh, await client.get("/payout/")


@pytest.mark.parametrize("engine", ["db", "signed_cookies"])
def test_a_session_that_began_before_there_were_gates(user, engine):
    """It gets its secret from the state, as it would from the first refusal."""
    with override_settings(SESSION_ENGINE=f"django.contrib.sessions.backends.{engine}"):
        client = Client()
        client.force_login(user)
        session = client.session
        del session["_faceauth"]
        session.save()
        client.cookies["sessionid"] = session.session_key

        face_shown(client)

        assert client.get("/statements/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_an_async_client(users):
    fresh, other = async_to_sync(_async_page)(users())

    assert fresh.status_code == 200
    assert_face_asked(other, action="payout")


def test_a_request_of_a_factory(user):
    """A view that is called without middleware."""
    request = RequestFactory().get("/statements/")
    face_shown(request, user=user, ago=30)

    assert views.statements(request).status_code == 200
    assert request.face.action == ""


def test_a_request_with_a_user_and_a_session(user, client):
    request = RequestFactory().get("/payout/")
    request.user, request.session = user, client.session
    face_shown(request, action="payout", ago=181)

    assert_face_asked(views.payout(request), action="payout")


def test_a_client_of_rest_framework(user):
    client = APIClient()
    client.force_login(user)
    face_shown(client, action="secret")

    assert client.get("/shop/secret/").status_code == 200


def test_a_client_of_rest_framework_that_is_forced_to_a_user(user):
    """Without a session, the handle has to come along."""
    client = APIClient()
    client.force_authenticate(user)
    challenge = face_shown(client, action="secret")

    assert client.get("/shop/secret/").status_code == 401
    named = {"Face-Challenge": challenge.handle}
    assert client.get("/shop/secret/", headers=named).status_code == 200


def test_a_request_of_rest_framework_that_is_forced_to_a_user(user):
    request = APIRequestFactory().get("/shop/secret/")
    force_authenticate(request, user)
    request.META["HTTP_FACE_CHALLENGE"] = face_shown(request, action="secret").handle

    assert Secret.as_view()(request).status_code == 200


def test_a_client_with_a_token_answers_its_refusal(user):
    """Whatever the credential is: the gate itself has noted it."""
    token = Token.objects.create(user=user)
    client = Client(headers={"authorization": f"Token {token.key}"})
    enrolled(user)
    with pytest.raises(ValueError, match="give its refusal"):
        face_shown(client, action="secret")

    challenge = face_shown(client.get("/shop/secret/"), ago=20)

    named = {"Face-Challenge": challenge.handle}
    assert client.get("/shop/secret/", headers=named).status_code == 200
    assert Client().get("/shop/secret/", headers=named).status_code == 403


def test_a_client_that_is_forced_with_a_token(user):
    client = APIClient()
    client.force_authenticate(user, token=Token.objects.create(user=user))
    enrolled(user)
    with pytest.raises(ValueError, match="give its refusal"):
        face_shown(client, action="secret")

    challenge = face_shown(client.get("/shop/secret/"))

    named = {"Face-Challenge": challenge.handle}
    assert client.get("/shop/secret/", headers=named).status_code == 200


def test_a_refused_page_is_answered(client, user, payment):
    """With what the gate itself has bound."""
    enrolled(user)
    face_shown(client.post(f"/pay/{payment.pk}/"))

    assert client.post(f"/pay/{payment.pk}/").content == b"paid face"


def test_a_refusal_says_itself_what_for(client, user):
    enrolled(user)
    with pytest.raises(TypeError, match="by itself"):
        face_shown(client.get("/statements/"), action="payout")


@pytest.mark.parametrize("target", ["client", "request", "anonymous"])
def test_nobody_is_there(db, target):
    request = RequestFactory().get("/")
    if target == "anonymous":
        request.user = AnonymousUser()
    with pytest.raises(ValueError, match="force_login"):
        face_shown(Client() if target == "client" else request)


# -- other states


def test_asked_and_not_shown(client):
    """The next request asks the same question."""
    challenge = face_asked(client, action="payout")

    assert assert_face_asked(client.get("/payout/")) == challenge
    assert client.get(f"/face/start/{challenge.handle}/").status_code == 200


def test_asked_for_something_else(client):
    face_asked(client)

    with pytest.raises(AssertionError, match="for '', not for 'payout'"):
        assert_face_asked(client.get("/statements/"), action="payout")


def test_sent_somewhere_else(client):
    for location in ("/login/", "https://elsewhere.example/face/start/x/y/", "/face/done/"):
        with pytest.raises(AssertionError, match="does not ask"):
            assert_face_asked(HttpResponseRedirect(location))


def test_asked_and_then_shown(client):
    asked = face_asked(client)

    assert face_shown(client) == asked
    assert client.get("/statements/").status_code == 200


def test_declined(client):
    challenge = face_declined(client)

    assert (challenge.state, challenge.reason) == ("failed", "declined")
    assert_face_asked(client.get("/statements/"))
    shown = client.get(f"/face/status/{challenge.handle}/").json()
    assert shown["state"] == "failed"


def test_declined_too_often(client):
    """As many as the settings say lock out, for the real door."""
    for ago in range(5):
        face_declined(client, ago=ago)
    start = client.get("/statements/")["Location"]

    assert client.post(start).status_code == 429


def test_the_review_desk_hears_of_it(client):
    """Of the decline, and of the face after it."""
    face_declined(client, ago=60)
    face_shown(client)

    reasons = ReviewCase.objects.order_by("pk").values_list("reasons", flat=True)
    assert list(reasons) == [["fraud"], ["turned"]]


def test_revoked(client):
    challenge = face_revoked(client, ago=20)

    assert (challenge.state, challenge.authentication.status) == ("revoked", "declined")
    assert_face_asked(client.get("/statements/"))
    assert FaceChallenge.objects.latest("pk").reason == "revoked"


def test_locked_out(client, user, provider):
    enrolled(user)
    locked_out(user, lasts=600)
    start = client.get("/statements/")["Location"]

    answer = client.post(start)

    assert (answer.status_code, provider.calls) == (429, [])
    assert 590 < int(answer["Retry-After"]) <= 600


def test_a_lock_leaves_what_is_granted(client, user):
    face_shown(client)
    locked_out(user)

    assert client.get("/statements/").status_code == 200


def test_exempt(client, user):
    exempted(user, action="payout", lasts=600)

    assert client.get("/payout/").status_code == 200
    assert client.get("/statements/").status_code == 403


def test_exempt_from_everything(client, user, users):
    author = users()
    exempted(user, author=author)

    assert client.get("/payout/").status_code == client.get("/statements/").status_code == 200
    assert FaceExemption.objects.get().author == author


def test_who_is_not_enrolled_stays_so_until_a_state_needs_it(client, user):
    assert client.get("/statements/").status_code == 403
    assert not Applicant.objects.filter(user=user).exists()

    face_shown(client)

    assert client.get("/statements/").status_code == 200


def test_enrolled_twice_is_once(user):
    first = enrolled(user)

    assert enrolled(user) == first
    assert enrolled(user, "aplt_62321").applicant_id == "aplt_62321"
    with pytest.raises(ValueError, match="aplt_"):
        enrolled(user, "bob")


def test_another_applicant_ends_a_state_as_it_does_in_production(client, user):
    face_shown(client)
    applicants.link(user, "aplt_another")

    assert_face_asked(client.get("/statements/"))
