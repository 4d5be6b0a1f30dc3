"""States for clients and requests, decided by the real gate."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponseRedirect
from django.test import AsyncClient, Client, RequestFactory, override_settings
from django.utils import timezone
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient, APIRequestFactory, force_authenticate

from django_faceauth.gate import Money
from django_faceauth.models import Applicant, FaceChallenge, ReviewCase
from django_faceauth.services.background import sweep
from django_faceauth.services.enrolment import applicants
from django_faceauth.testing import (
    assert_face_asked,
    enrolled,
    face_asked,
    face_declined,
    face_revoked,
    face_shown,
    locked_out,
)
from tests.site import views
from tests.site.api import Secret
from tests.site.models import Payment


def approved(payment, amount="12.50"):
    """What the test site's bind returns."""
    return {"payee": payment.payee, "amount": Money(Decimal(amount), "EUR")}


def is_open(client, url="/statements/", **options):
    response = client.get(url, **options)
    if response.status_code != 200:
        assert_face_asked(response)
    return response.status_code == 200


@pytest.mark.parametrize(
    ("action", "ago", "url", "opens"),
    [
        ("", 0, "/statements/", True),
        ("payout", 170, "/payout/", True),
        ("payout", 180, "/payout/", False),
        ("settings", timedelta(seconds=290), "/documents/settings/", True),
        ("", 301, "/statements/", False),
        ("", timedelta(days=400), "/statements/", False),
        ("payout", 0, "/statements/", False),
    ],
)
def test_action_age_and_session(client, user, action, ago, url, opens):
    face_shown(client, action=action, ago=ago)

    assert is_open(client, url) is opens
    other = Client()
    other.force_login(user)
    assert not is_open(other, url)


def test_rows_are_those_of_a_real_check(client, user, provider):
    challenge = face_shown(client, ago=60)

    row, attempt = challenge.authentication, challenge.authentication.attempts.get()
    assert provider.calls == []
    assert (challenge.state, challenge.reason, challenge.user) == ("granted", "approved", user)
    assert challenge.verified_at == challenge.granted_at == attempt.capture_not_before
    assert [change.status for change in row.status_changes.all()] == ["approved"]
    assert row.next_poll_at > timezone.now() + timedelta(minutes=50)
    assert sweep.claim_due(now=timezone.now()).authentications == ()


@pytest.mark.parametrize("policy", ["ignore", "flag", "deny"])
def test_another_network(client, policy):
    with override_settings(FACEAUTH_NETWORK_POLICY=policy):
        elsewhere = face_shown(client, elsewhere=True)

        assert elsewhere.is_same_network is False
        assert elsewhere.state == ("failed" if policy == "deny" else "granted")
        assert [case.reasons for case in ReviewCase.objects.all()] == (
            [] if policy == "ignore" else [["relay"]]
        )
        assert is_open(client) is (policy != "deny")

        assert face_shown(client).is_same_network is True
        assert is_open(client)


def test_bound_grant(client, payment):
    """Good for this payment, once; the refusal has the binding of the gate."""
    url = f"/pay/{payment.pk}/"
    face_shown(client, action="pay")
    face_shown(client, action="pay", binding=approved(payment, "12.51"))
    asked = assert_face_asked(client.post(url), action="pay")
    assert asked.snapshot["amount"] == {"$money": ["12.50", "EUR"]}

    face_shown(client, action="pay", binding=approved(payment))

    assert client.post(url).content == b"paid face"
    face_shown(client.post(url))
    assert client.post(url).content == b"paid face"
    assert_face_asked(client.post(url), action="pay")
    assert Payment.objects.get().paid == 2


def test_wrong_arguments(client, user):
    enrolled(user)
    with pytest.raises(ValueError, match="in the past"):
        face_shown(client, ago=-1)
    with pytest.raises(TypeError, match="float"):
        face_shown(client, action="pay", binding={"amount": 12.5})
    with pytest.raises(TypeError, match="by itself"):
        face_shown(client.get("/statements/"), action="payout")


@pytest.mark.parametrize("engine", ["db", "signed_cookies", "cached_db"])
def test_every_kind_of_session(user, engine):
    """Also one that began before there were gates, and so has no secret."""
    with override_settings(SESSION_ENGINE=f"django.contrib.sessions.backends.{engine}"):
        client = Client()
        client.force_login(user)
        session = client.session
        del session["_faceauth"]
        session.save()
        client.cookies["sessionid"] = session.session_key

        face_shown(client)

        assert is_open(client)


@pytest.mark.django_db(transaction=True)
def test_async_client(users):
    async def pages(user):
        client = AsyncClient()
        await sync_to_async(face_shown)(client, user=user)
        fresh = await client.get("/async/")
        await sync_to_async(face_revoked)(client)
        return fresh, await client.get("/payout/")

    fresh, other = async_to_sync(pages)(users())

    assert fresh.status_code == 200
    assert_face_asked(other, action="payout")


def test_requests_of_a_factory(user, client):
    request = RequestFactory().get("/statements/")
    face_shown(request, user=user, ago=30)
    assert views.statements(request).status_code == 200
    assert request.face.action == ""

    request = RequestFactory().get("/payout/")
    request.user, request.session = user, client.session
    face_shown(request, action="payout", ago=181)
    assert_face_asked(views.payout(request), action="payout")


def test_rest_framework(user):
    """A client that is forced to a user has no session, and needs the handle."""
    client = APIClient()
    client.force_login(user)
    face_shown(client, action="secret")
    assert is_open(client, "/shop/secret/")

    client = APIClient()
    client.force_authenticate(user)
    headers = {"Face-Challenge": face_shown(client, action="secret").handle}
    assert not is_open(client, "/shop/secret/")
    assert is_open(client, "/shop/secret/", headers=headers)

    request = APIRequestFactory().get("/shop/secret/")
    force_authenticate(request, user)
    request.META["HTTP_FACE_CHALLENGE"] = face_shown(request, action="secret").handle
    assert Secret.as_view()(request).status_code == 200


@pytest.mark.parametrize("is_forced", [True, False])
def test_clients_with_a_token_give_their_refusal(user, is_forced):
    token = Token.objects.create(user=user)
    client = APIClient()
    if is_forced:
        client.force_authenticate(user, token=token)
    else:
        client.credentials(HTTP_AUTHORIZATION=f"Token {token.key}")
    enrolled(user)
    with pytest.raises(ValueError, match="refusal"):
        face_shown(client, action="secret")

    challenge = face_shown(client.get("/shop/secret/"), ago=20)

    headers = {"Face-Challenge": challenge.handle}
    assert client.get("/shop/secret/", headers=headers).status_code == 200
    assert Client().get("/shop/secret/", headers=headers).status_code == 403


@pytest.mark.parametrize("target", ["client", "request", "anonymous"])
def test_no_user(db, target):
    request = RequestFactory().get("/")
    if target == "anonymous":
        request.user = AnonymousUser()
    with pytest.raises(ValueError, match="force_login"):
        face_shown(Client() if target == "client" else request)


def test_what_asks_for_no_face(client):
    face_asked(client)
    with pytest.raises(AssertionError, match="for '', not for 'payout'"):
        assert_face_asked(client.get("/statements/"), action="payout")
    for location in ("/login/", "https://elsewhere.example/face/start/x/y/", "/face/done/"):
        with pytest.raises(AssertionError, match="does not ask"):
            assert_face_asked(HttpResponseRedirect(location))


def test_declined(client):
    challenge = face_declined(client, ago=60)

    assert (challenge.state, challenge.reason) == ("failed", "declined")
    assert not is_open(client)
    assert client.get(f"/face/status/{challenge.handle}/").json()["state"] == "failed"
    face_shown(client)
    reasons = ReviewCase.objects.order_by("pk").values_list("reasons", flat=True)
    assert list(reasons) == [["fraud"], ["turned"]]


def test_revoked(client):
    challenge = face_revoked(client, ago=20)

    assert (challenge.state, challenge.authentication.status) == ("revoked", "declined")
    assert not is_open(client)
    assert FaceChallenge.objects.latest("pk").reason == "revoked"


def test_locked_out(client, user, provider):
    face_shown(client, action="payout")
    locked_out(user, lasts=600)

    response = client.post(client.get("/statements/")["Location"])

    assert (response.status_code, provider.calls) == (429, [])
    assert 590 < int(response["Retry-After"]) <= 600
    assert is_open(client, "/payout/")


def test_enrolled(client, user):
    """States enrol a user who needs it; another applicant ends them (T-1.2)."""
    assert client.get("/statements/").status_code == 403
    assert not Applicant.objects.filter(user=user).exists()
    face_shown(client)
    assert is_open(client)

    assert enrolled(user) == enrolled(user)
    assert enrolled(user, "aplt_62321").applicant_id == "aplt_62321"
    with pytest.raises(ValueError, match="aplt_"):
        enrolled(user, "bob")
    assert not is_open(client)
    face_shown(client)
    applicants.link(user, "aplt_another", check=False)
    assert not is_open(client)
