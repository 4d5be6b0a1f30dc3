"""Approvals that are bound to data, count once, and are used up together with the work."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from html import unescape
from urllib.parse import urlencode

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.http import HttpResponse
from django.test import AsyncClient, override_settings
from django.urls import path
from django.utils import timezone
from pytest_django.asserts import assertTemplateUsed

from django_faceauth.gate import Money, face_required, recorded_face
from django_faceauth.messages import NOT_DONE
from django_faceauth.models import FaceChallenge
from django_faceauth.services.grants import identity
from django_faceauth.testing import exempted
from tests.addresses import served
from tests.site.models import Payment
from tests.user_driver import form_in

pytestmark = pytest.mark.database

#: A function and a class, sync and async: one gate in front of the same work.
ALL_KINDS = ["", "async/", "class/", "class/async/"]


def path_of(payment, kind=""):
    return f"/pay/{payment.pk}/{kind}"


def times_paid(payment):
    payment.refresh_from_db()
    return payment.paid


def state_of(handle):
    row = FaceChallenge.objects.get(handle=handle)
    return row.state, row.reason


def approved(person, payment, kind="", **fields):
    """Request a payment, show the face, and return the page after it."""
    return person.proves(person.is_asked(path_of(payment, kind), "post", data=fields))


# -- what you see is what you approve


def test_the_start_page_shows_what_is_approved_and_the_provider_learns_nothing(
    person, owes, provider
):
    """With formatted amounts and escaped names, before the user leaves (T-1.1, B-01).

    Neither the data that is sent nor the return URL says more (T-2.7). The page has other words
    than that of a login (T-1.4).
    """
    bodies = []
    provider.alterations.append(lambda data: bodies.append(str(data)))
    start = person.is_asked(path_of(owes(person, payee="<script>")), "post")

    page = person.browser.get(start).content.decode()

    facts = re.findall(r"<dt>(.*?)</dt><dd><bdi>(.*?)</bdi></dd>", page)
    assert facts == [("Payee", "&lt;script&gt;"), ("Amount", "12.50\xa0EUR")]
    assert not {"log in", "login", "sign in", "password"} & set(page.lower().split())
    person.proves(start)
    assert bodies
    assert not any("script" in text or "12.5" in text for text in bodies)


@pytest.mark.parametrize("kind", ["", "class/"])
def test_an_approved_payment_is_made_with_one_more_press(person, payment, kind):
    """Nothing is repeated by itself (U-10), and nothing is taken from hidden fields (T-2.3).

    A double click pays once and asks for no other face.
    """
    page = approved(person, payment, kind, note="for the flat", secret="never kept")

    assertTemplateUsed(page, "faceauth/continue.html")
    assert times_paid(payment) == 0
    answer = person.confirms(page, payee="Mallory", amount="9999")
    again = person.confirms(page)

    assert answer.content == b"paid face"
    assert again.status_code == 409
    assert again.context["wording"] == NOT_DONE["used"]
    assert times_paid(payment) == 1
    assert (payment.payee, str(payment.amount)) == ("Anna", "12.50")
    assert (payment.note, payment.approved_by) == ("for the flat", person.challenge.handle)
    assert state_of(person.challenge.handle) == ("consumed", "used")
    assert FaceChallenge.objects.count() == 1


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_an_approval_counts_once(person, payment, kind):
    """The same request passes without naming the challenge, once (T-1.5, T-2.10, TH-19)."""
    approved(person, payment, kind)

    assert person.browser.post(path_of(payment, kind)).content == b"paid face"
    person.is_asked(path_of(payment, kind), "post")

    assert times_paid(payment) == 1


def test_a_lost_race_asks_again_for_the_same_payment(person, payment):
    """Another request used the approval between the decision and the use (B-02)."""
    approved(person, payment)

    def is_overtaken(execute, sql, params, many, context):
        if sql.startswith("UPDATE") and FaceChallenge._meta.db_table in sql:
            table = FaceChallenge._meta.db_table
            used = f"UPDATE {table} SET state = 'consumed', consumed_at = verified_at"
            execute(used, (), False, context)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(is_overtaken):
        person.is_asked(path_of(payment), "post")

    assert times_paid(payment) == 0
    challenge = person.challenge
    assert (challenge.state, challenge.reason) == ("open", "used")
    assert challenge.snapshot == {"payee": "Anna", "amount": {"$money": ["12.50", "EUR"]}}


@pytest.mark.parametrize(
    ("change", "content_type"),
    [({"amount": 99}, "application/x-www-form-urlencoded"), ({"payee": "Mallory"}, "")],
)
def test_a_payment_that_was_changed_is_not_made_and_invalidates_the_approval(
    person, payment, caplog, change, content_type
):
    """Also after the payment is changed back (B-01, T-2.6, TH-20)."""
    page = approved(person, payment)
    action, fields = form_in(page)
    Payment.objects.filter(pk=payment.pk).update(**change)
    body = (urlencode(fields), content_type) if content_type else (fields,)

    answer = person.browser.post(action, *body)

    assert answer.status_code == 409
    assert answer.context["wording"] == NOT_DONE["changed"]
    assert state_of(person.challenge.handle) == ("failed", "sequence_fail")
    assert "sequence_fail" in caplog.text
    Payment.objects.filter(pk=payment.pk).update(amount="12.50", payee="Anna")
    assert "/face/start/" in person.confirms(page)["Location"]
    assert times_paid(payment) == 0


def test_finishing_one_tab_does_not_run_the_other(person, owes):
    first, second = owes(person, "Anna", "10"), owes(person, "Ben", "20")
    start = person.is_asked(f"/pay/{first.pk}/", "post")
    page = person.proves(person.is_asked(f"/pay/{second.pk}/", "post"))

    person.confirms(page)

    assert list(Payment.objects.order_by("pk").values_list("paid", flat=True)) == [0, 1]
    assert start.split("/")[3] == FaceChallenge.objects.get(state="open").handle
    person.confirms(person.proves(start))
    assert list(Payment.objects.order_by("pk").values_list("paid", flat=True)) == [1, 1]


def test_naming_the_challenge_of_another_user_opens_nothing(people, owes):
    """B-04, TH-01."""
    alice, bob = people(), people()
    approved(alice, owes(alice))
    payment, handle = owes(bob), alice.challenge.handle

    for extra in ({"data": {"face_challenge": handle}}, {"headers": {"face-challenge": handle}}):
        bob.is_asked(path_of(payment), "post", **extra)

    assert times_paid(payment) == 0
    assert alice.challenge.state == "granted"


# -- together with the work


@pytest.mark.parametrize("kind", ALL_KINDS)
@pytest.mark.django_db(transaction=True)
def test_a_view_that_raises_leaves_the_approval_unused(person, payment, kind):
    """Before or after its work, which is undone; then the approval can be used (T-2.8).

    Under ASGI the queries of an async view come back to the thread that has the transaction.
    """
    approved(person, payment, kind)
    person.browser.raise_request_exception = False
    browser = AsyncClient(raise_request_exception=False)
    browser.cookies = person.browser.cookies

    for failure in ("fail=error", "fail=404", "fail=403", "late"):
        for post in (person.browser.post, async_to_sync(browser.post)):
            post(path_of(payment, kind) + f"?{failure}")
            assert times_paid(payment) == 0, failure
            assert state_of(person.challenge.handle) == ("granted", "approved"), failure

    assert async_to_sync(browser.post)(path_of(payment, kind)).content == b"paid face"
    assert times_paid(payment) == 1


# -- what is kept of a refused request


def test_only_named_fields_are_kept(person):
    """No header, no cookie, no field that the gate does not name (U-10, TH-48)."""
    start = person.is_asked(
        "/change/?page=2",
        "post",
        data={"email": "a@example.com", "tag": ["x", "y"], "password": "hunter2", "tag2": "z"},
        headers={"x-secret": "hunter2"},
    )

    row = person.challenge
    assert row.saved_form_data == [["email", ["a@example.com"]], ["tag", ["x", "y"]]]
    assert "hunter2" not in str(FaceChallenge.objects.values())
    assert "hunter2" not in str(dict(person.browser.session))
    page = person.proves(start)
    action, fields = form_in(page)
    assert action == "/change/?page=2"
    assert set(fields) - {"csrfmiddlewaretoken"} == {"email", "tag", "face_challenge"}
    tags = re.findall(r'name="(tag)" value="(.)"', unescape(page.content.decode()))
    assert tags == [("tag", "x"), ("tag", "y")]


def test_the_continue_page_shows_what_it_sends_and_is_protected(person):
    """The form has the site's token; there is no way around the CSRF check."""
    page = person.proves(person.is_asked("/change/", "post", data={"email": "a@example.com"}))
    person.browser.handler.enforce_csrf_checks = True

    assert "<dt>Email</dt><dd><bdi>a@example.com</bdi></dd>" in page.content.decode()
    assert person.browser.post("/change/", {"email": "x"}).status_code == 403
    answer = person.confirms(person.browser.get(page.wsgi_request.path))
    assert answer.content == b"changed a@example.com []"


@pytest.mark.parametrize(
    "body",
    [{"data": "email=a", "content_type": "text/plain"}, {"data": {"email": "a" * 10_001}}],
)
def test_other_bodies_are_neither_kept_nor_sent_again(person, body):
    start = person.is_asked("/change/", "post", **body)

    assert person.challenge.saved_form_data is None
    assert person.proves(start).content == b"changed None []"  # its page, by GET


@pytest.mark.parametrize("end", ["consumed", "invalidated", "revoked", "expired"])
def test_kept_fields_are_deleted_at_the_end(person, payment, end):
    """V-01."""
    page = approved(person, payment, note="private")
    rows = FaceChallenge.objects.filter(pk=person.challenge.pk)
    if end == "consumed":
        person.confirms(page)
    elif end == "invalidated":
        rows.invalidate(reason="sequence_fail")
    elif end == "revoked":
        rows.revoke(reason="staff", now=timezone.now())
    else:
        rows.update(state="open", dedup_key="x", granted_at=None)
        rows.close(FaceChallenge.State.EXPIRED)

    assert person.challenge.saved_form_data is None


def test_the_continue_page_of_a_stale_face_says_so(person, payment, clock):
    """Pressing the button of a page that was left open asks again."""
    page = approved(person, payment, note="kept")
    clock.shift(301)

    late = person.browser.get(page.wsgi_request.path)
    answer = person.confirms(page)

    assert late.context["word"] == "expired"
    assert "/face/start/" in answer["Location"]
    assert person.challenge.saved_form_data == [["note", ["kept"]]]
    assert times_paid(payment) == 0


def test_the_continue_page_is_for_its_user_and_for_kept_fields(people, owes):
    alice, bob = people(), people()
    approved(alice, owes(alice))
    assert bob.browser.get(f"/face/continue/{alice.challenge.handle}/").status_code == 404

    bob.passes("/statements/")
    page = bob.browser.get(f"/face/continue/{bob.challenge.handle}/")
    assert page["Location"] == "/statements/"


# -- slow review at the provider


def decided_after(person, payment, **delay):
    """Show the face, come back at once, wait for the decision; return the page then."""
    delay = timedelta(**delay)
    with override_settings(FACEAUTH_SIMULATOR_CHECK_SECONDS=delay):
        start = person.is_asked(path_of(payment), "post")
        waiting = person.returns(person.shows_face(person.is_handed_over(start)))
        person.browser.get(waiting["Location"])
        person.clock.shift(delay)
        return person.waits(person.browser.get(waiting["Location"]))


@override_settings(FACEAUTH_SLOW_REVIEW=True)
def test_with_slow_review_a_bound_approval_counts_from_the_decision(person, payment, clock):
    """For a quarter of an hour (G-16)."""
    decided_after(person, payment, minutes=20)
    granted_at = person.challenge.granted_at

    clock.move_to(granted_at + timedelta(minutes=15))
    person.is_asked(path_of(payment), "post")
    clock.move_to(granted_at + timedelta(minutes=14, seconds=59))

    assert person.browser.post(path_of(payment)).content == b"paid face"


@pytest.mark.parametrize(("is_slow", "delay"), [(True, {"hours": 24}), (False, {"minutes": 20})])
def test_a_decision_can_come_too_late(person, payment, settings, is_slow, delay):
    """After a day, and without slow review much earlier (G-16)."""
    settings.FACEAUTH_SLOW_REVIEW = is_slow

    decided_after(person, payment, **delay)

    assert person.challenge.state == "expired"


# -- without a request, and in time


def test_a_task_can_ask_by_the_handle_that_it_was_given(person, payment, people):
    """The same decision for code without a request (G-13)."""
    approved(person, payment)
    user, handle = person.user, person.challenge.handle
    bound = {"payee": "Anna", "amount": Money(payment.amount, "EUR")}

    assert recorded_face(user, handle, action="pay", bound=bound).challenge == handle
    assert recorded_face(user, handle, action="pay", bound=bound | {"payee": "Eve"}) is None
    assert recorded_face(user, handle, action="other", bound=bound) is None
    assert recorded_face(user, handle, action="pay") is None
    assert recorded_face(people().user, handle, action="pay", bound=bound) is None
    assert recorded_face(user, "invented", action="pay", bound=bound) is None
    person.browser.post(path_of(payment))
    assert recorded_face(user, handle, action="pay", bound=bound) is None


def test_the_time_is_taken_after_bind(person, clock):
    """Since `bind` may have waited minutes for a lock (F-11)."""
    waits = []

    def bind(_request):
        clock.shift(sum(waits))
        return {"payee": "Anna"}

    gate = face_required(action="locked", max_age=120, bind=bind)
    with served(path("locked/", gate(lambda _request: HttpResponse("done")))):
        assert person.proves(person.is_asked("/locked/")).content == b"done"
        FaceChallenge.objects.update(state="granted", consumed_at=None)
        waits.append(600)

        person.is_asked("/locked/")


# -- in the log, for auditors

CANARY = "Canary"


@pytest.fixture
def log(caplog, transactional_db):
    """The lines of our loggers, from INFO on."""
    caplog.set_level(logging.INFO, logger="django_faceauth")
    return lambda: [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("django_faceauth")
    ]


def test_the_history_of_an_approval_is_logged(log, person, owes):
    """By number and reason (L-01)."""
    payment = owes(person, payee=CANARY)
    page = person.proves(person.is_asked(f"/pay/{payment.pk}/", "post"))
    person.confirms(page)
    person.confirms(page)

    pk = person.challenge.pk
    lines = [line for line in log() if not line.startswith(("status_changed", "webhook"))]
    assert lines == [
        "gate decision=challenge reason=not_shown action=pay basis=None method=None",
        f"start challenge={pk}",
        f"challenge_granted challenge={pk}",
        f"gate decision=allow reason=fresh action=pay basis=challenge {pk} method=face",
        "gate decision=deny reason=used action=pay basis=None method=None",
    ]


def test_no_line_has_personal_data_or_secrets(log, people, owes):
    """L-02."""
    person = people(name=f"{CANARY}@example.com")
    payment = owes(person, payee=CANARY, amount="4711.11")
    page = person.proves(person.is_asked(f"/pay/{payment.pk}/", "post", data={"note": CANARY}))
    person.confirms(page)
    exempted(person.user, action="payout", reason=CANARY)
    person.browser.get("/payout/")

    output = "\n".join(log())
    assert "reason=exempt action=payout basis=exemption" in output
    secret = person.browser.session[identity.SESSION_KEY]
    for text in (CANARY, "4711", person.challenge.handle, secret, "http://", "sk_sbox"):
        assert text not in output
