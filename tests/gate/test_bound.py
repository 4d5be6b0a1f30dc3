"""An approval of exactly this, once, and used up together with what it was for."""

from __future__ import annotations

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
from django.utils import timezone, translation
from pytest_django.asserts import assertTemplateUsed

from django_faceauth.gate import FaceRequiredMixin, Money, face_required, recorded_face
from django_faceauth.messages import NOT_DONE
from django_faceauth.models import FaceChallenge
from django_faceauth.services.grants import binding
from tests.addresses import served
from tests.site.models import Payment
from tests.user_driver import form_in

pytestmark = pytest.mark.database

#: A function and a class, sync and async: one gate in front of the same work.
KINDS = ["", "class/"]
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
    """Ask for a payment, show the face, and return the page that comes then."""
    return person.proves(person.is_asked(path_of(payment, kind), "post", data=fields))


# -- what you see is what you approve


def test_the_start_page_shows_what_is_approved(person, payment):
    """Before anybody leaves, with amounts as people write them (T-1.1, B-01)."""
    start = person.is_asked(path_of(payment), "post")

    page = person.browser.get(start).content.decode()

    facts = re.findall(r"<dt>(.*?)</dt><dd><bdi>(.*?)</bdi></dd>", page)
    assert facts == [("Payee", "Anna"), ("Amount", "12.50\xa0EUR")]


def test_numbers_are_written_as_the_reader_does(person, owes, settings):
    """In the language of the browser, which the row does not know."""
    locale = "django.middleware.locale.LocaleMiddleware"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, locale]
    start = person.is_asked(path_of(owes(person, amount="1234.50")), "post")

    with translation.override("en"):  # the middleware leaves the language behind
        page = person.browser.get(start, headers={"accept-language": "de"}).content.decode()

    assert "1.234,50\xa0EUR" in page


def test_what_a_payee_calls_themselves_is_no_markup(person, owes):
    payment = owes(person, payee="<script>alert(1)</script>")
    start = person.is_asked(path_of(payment), "post")

    page = person.browser.get(start).content.decode()

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_nothing_of_it_is_told_to_the_provider(person, owes, provider):
    """T-2.7: not in what is sent, and not in the address to come back to."""
    payment = owes(person, payee="Very Secret Payee")
    asked = []
    provider.alterations.append(lambda data: asked.append(str(data)))

    approved(person, payment)

    assert asked
    assert not any("Very Secret" in text or "12.5" in text for text in asked)


@pytest.mark.parametrize("kind", KINDS)
def test_an_approved_payment_is_made_with_one_more_press(person, payment, kind):
    """The continue page shows it again; nothing is repeated by itself (U-10)."""
    page = approved(person, payment, kind, note="for the flat", secret="never kept")

    assertTemplateUsed(page, "faceauth/continue.html")
    assert times_paid(payment) == 0
    answer = person.confirms(page)

    assert answer.content == b"paid face"
    assert (payment.paid, times_paid(payment)) == (0, 1)
    assert (payment.note, payment.approved_by) == ("for the flat", person.challenge.handle)
    assert state_of(person.challenge.handle) == ("consumed", "used")


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_without_the_page_the_same_request_again_is_enough(person, payment, kind):
    """A request that names no challenge and matches one passes."""
    approved(person, payment, kind)

    answer = person.browser.post(path_of(payment, kind))

    assert (answer.content, times_paid(payment)) == (b"paid face", 1)


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_it_counts_once(person, payment, kind):
    """Twice the same payment takes two approvals (T-1.5, T-2.10, TH-19)."""
    approved(person, payment, kind)
    person.browser.post(path_of(payment, kind))

    person.is_asked(path_of(payment, kind), "post")

    assert times_paid(payment) == 1


def test_whoever_comes_second_is_asked_for_the_same_thing(person, payment):
    """Between the decision and the use, another request took the approval (B-02)."""
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
    asked = person.challenge
    assert (asked.state, asked.reason) == ("open", "used")
    assert asked.snapshot == {"payee": "Anna", "amount": {"$money": ["12.50", "EUR"]}}


def test_a_page_that_is_sent_twice_is_told_so(person, payment):
    """A double click does not ask for another face, and pays nothing."""
    page = approved(person, payment)
    person.confirms(page)

    again = person.confirms(page)

    assert again.status_code == 409
    assert again.context["wording"] == NOT_DONE["used"]
    assert times_paid(payment) == 1
    assert FaceChallenge.objects.count() == 1


@pytest.mark.parametrize("change", [{"amount": 99}, {"payee": "Mallory"}])
def test_a_payment_that_was_changed_is_not_made_and_burns_the_approval(
    person, payment, change, caplog
):
    """Edited between the capture and the press (B-01, T-2.6, TH-20)."""
    page = approved(person, payment)
    Payment.objects.filter(pk=payment.pk).update(**change)

    answer = person.confirms(page)

    assert answer.status_code == 409
    assert answer.context["wording"] == NOT_DONE["changed"]
    assert times_paid(payment) == 0
    assert state_of(person.challenge.handle) == ("failed", "sequence_fail")
    assert "sequence_fail" in caplog.text


def test_the_form_of_a_browser_names_its_challenge(person, payment):
    """Browsers write forms in the older way, unless a page says otherwise (T-2.6)."""
    action, fields = form_in(approved(person, payment))
    Payment.objects.filter(pk=payment.pk).update(amount=99)

    answer = person.browser.post(action, urlencode(fields), "application/x-www-form-urlencoded")

    assert answer.status_code == 409
    assert state_of(person.challenge.handle) == ("failed", "sequence_fail")


def test_what_is_burnt_stays_burnt(person, payment):
    """Also when the payment is changed back (TH-20)."""
    page = approved(person, payment)
    Payment.objects.filter(pk=payment.pk).update(amount=99)
    person.confirms(page)
    Payment.objects.filter(pk=payment.pk).update(amount="12.50")

    assert "/face/start/" in person.confirms(page)["Location"]
    assert times_paid(payment) == 0


def test_a_changed_payment_without_a_name_is_a_new_question(person, payment):
    """And the other approval lives on."""
    approved(person, payment)
    first = person.challenge.handle
    Payment.objects.filter(pk=payment.pk).update(amount=99)

    person.is_asked(path_of(payment), "post")

    assert state_of(first) == ("granted", "approved")
    assert (
        "99.00\xa0EUR"
        in person.browser.get(f"/face/start/{person.challenge.handle}/").content.decode()
    )


def test_hidden_fields_change_nothing_of_what_is_approved(person, payment):
    """What is approved is made from the site's data, never from a form (T-2.3)."""
    page = approved(person, payment)

    person.confirms(page, payee="Mallory", amount="9999")

    assert times_paid(payment) == 1
    assert (payment.payee, str(payment.amount)) == ("Anna", "12.50")


def test_a_header_or_a_field_of_somebody_else_opens_nothing(people, owes):
    """Naming a challenge gives no right to it (B-04, TH-01)."""
    alice, bob = people(), people()
    approved(alice, owes(alice))
    payment = owes(bob)

    for given in (
        {"data": {"face_challenge": alice.challenge.handle}},
        {"headers": {"face-challenge": alice.challenge.handle}},
    ):
        bob.is_asked(path_of(payment), "post", **given)

    assert times_paid(payment) == 0
    assert alice.challenge.state == "granted"


def test_a_bound_approval_opens_no_other_gate(person, payment, owes):
    """Neither another payment, nor a gate that binds nothing under the same name."""
    approved(person, payment)
    FaceChallenge.objects.update(action="once")
    person.is_asked("/once/")
    FaceChallenge.objects.filter(binding_digest__gt="").update(action="pay")

    person.is_asked(path_of(owes(person, amount="12.51")), "post")


def test_a_face_without_a_binding_approves_no_payment(person, payment):
    """A grant that says nothing of a payment is none for it (B-01)."""
    person.proves(person.is_asked("/once/"))
    FaceChallenge.objects.update(action="pay")

    person.is_asked(path_of(payment), "post")


def test_the_payments_of_others_are_not_found(people, owes):
    """Whoever may not see it, learns nothing of the gate (G-08)."""
    alice, bob = people(), people()

    assert bob.browser.post(path_of(owes(alice))).status_code == 404
    assert FaceChallenge.objects.count() == 0


def test_anonymous_visitors_cause_no_look_at_payments(client, person, payment):
    """The gate asks who it is before it asks what for (G-08)."""
    assert client.post(path_of(payment))["Location"].startswith("/login/")


# -- together with the work


@pytest.mark.parametrize("kind", ALL_KINDS)
@pytest.mark.parametrize("failure", ["error", "404", "403"])
@pytest.mark.django_db(transaction=True)
def test_a_view_that_raises_leaves_the_approval_unspent(person, payment, kind, failure):
    """Whatever it raises; afterwards it can be used (T-2.8)."""
    approved(person, payment, kind)
    person.browser.raise_request_exception = False

    person.browser.post(path_of(payment, kind) + f"?fail={failure}")

    assert state_of(person.challenge.handle) == ("granted", "approved")
    assert person.browser.post(path_of(payment, kind)).content == b"paid face"
    assert times_paid(payment) == 1


@pytest.mark.parametrize("kind", ALL_KINDS)
@pytest.mark.django_db(transaction=True)
def test_work_and_use_are_one(person, payment, kind):
    """A view that fails after its work has neither worked nor used anything up (T-2.8)."""
    approved(person, payment, kind)
    person.browser.raise_request_exception = False

    person.browser.post(path_of(payment, kind) + "?late")

    assert times_paid(payment) == 0
    assert state_of(person.challenge.handle) == ("granted", "approved")


@pytest.mark.parametrize("kind", ["async/", "class/async/"])
@pytest.mark.django_db(transaction=True)
def test_under_asgi_work_and_use_are_one_too(person, payment, kind):
    """The queries of an async view come back to the thread that has the transaction."""
    approved(person, payment, kind)
    browser = AsyncClient(raise_request_exception=False)
    browser.cookies = person.browser.cookies

    async_to_sync(browser.post)(path_of(payment, kind) + "?late")
    assert times_paid(payment) == 0
    assert state_of(person.challenge.handle) == ("granted", "approved")

    paid = async_to_sync(browser.post)(path_of(payment, kind))
    assert (paid.content, times_paid(payment)) == (b"paid face", 1)


@pytest.mark.parametrize("atomic_requests", [True, False])
@pytest.mark.parametrize(("failure", "status"), [("error", 500), ("404", 404), ("403", 403)])
@pytest.mark.django_db(transaction=True)
def test_the_session_survives_a_view_that_raises(
    person, payment, monkeypatch, failure, status, atomic_requests
):
    """A cookie that the browser never got must not count (B-05, F-20)."""
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", atomic_requests)
    approved(person, payment)
    FaceChallenge.objects.update(session_rotated_at=None)  # granted by a sweep, and never looked at
    person.browser.raise_request_exception = False

    failed = person.browser.post(path_of(payment) + f"?fail={failure}")

    assert failed.status_code == status
    assert person.browser.get("/home/").status_code == 200
    assert person.browser.post(path_of(payment)).content == b"paid face"
    assert person.challenge.session_rotated_at is not None


def test_single_use_without_a_binding(person):
    """Good for one look (T-1.5)."""
    assert person.passes("/once/").content.startswith(b"secret once")

    person.is_asked("/once/")


# -- what is kept of a refused request


def test_only_named_fields_survive(person):
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
    assert set(fields) == {"email", "tag", "face_challenge"} | (
        {"csrfmiddlewaretoken"} & set(fields)
    )


def test_all_values_of_a_kept_field_come_back(person):
    page = person.proves(person.is_asked("/change/", "post", data={"tag": ["x", "y"]}))

    hidden = re.findall(r'name="(tag)" value="(.)"', unescape(page.content.decode()))

    assert hidden == [("tag", "x"), ("tag", "y")]


def test_kept_fields_are_shown_before_they_are_sent(person):
    """The user presses a button that says what it does."""
    page = person.proves(person.is_asked("/change/", "post", data={"email": "a@example.com"}))

    assert "<dt>Email</dt><dd><bdi>a@example.com</bdi></dd>" in page.content.decode()
    assert person.confirms(page).content == b"changed a@example.com []"


def test_the_form_of_the_continue_page_is_protected(person):
    """A token of the site, a session of its own, and no way around the CSRF check."""
    page = person.proves(person.is_asked("/change/", "post", data={"email": "a@example.com"}))
    person.browser.handler.enforce_csrf_checks = True

    assert person.browser.post("/change/", {"email": "x"}).status_code == 403
    assert person.confirms(person.browser.get(page.wsgi_request.path)).status_code == 200


@pytest.mark.parametrize(
    "request_",
    [
        {"data": "email=a", "content_type": "text/plain"},
        {"data": {"email": "a" * 10_001}},
    ],
)
def test_what_is_no_small_form_is_not_kept(person, request_):
    """It is never run again either: the user goes back to where they were."""
    start = person.is_asked("/change/", "post", **request_)

    assert person.challenge.saved_form_data is None
    assert person.proves(start).content == b"changed None []"  # its page, by GET


def test_a_get_keeps_nothing(person, payment):
    assert person.is_asked("/once/")

    assert person.challenge.saved_form_data is None


@pytest.mark.parametrize("end", ["consumed", "burnt", "revoked", "expired"])
def test_what_was_kept_is_forgotten_at_the_end(person, payment, end, clock):
    """Whatever the end is (V-01)."""
    page = approved(person, payment, note="private")
    rows = FaceChallenge.objects.filter(pk=person.challenge.pk)
    if end == "consumed":
        person.confirms(page)
    elif end == "burnt":
        rows.invalidate(reason="sequence_fail")
    elif end == "revoked":
        rows.revoke(reason="staff", now=timezone.now())
    else:
        rows.update(state="open", dedup_key="x", granted_at=None)
        rows.close(FaceChallenge.State.EXPIRED)

    assert person.challenge.saved_form_data is None


def test_the_continue_page_of_a_stale_face_says_so(person, payment, clock):
    """And pressing the button of a page that was left open asks anew."""
    page = approved(person, payment, note="kept")
    clock.shift(301)

    late = person.browser.get(page.wsgi_request.path)
    pressed = person.confirms(page)

    assert late.context["word"] == "expired"
    assert "/face/start/" in pressed["Location"]
    assert person.challenge.saved_form_data == [["note", ["kept"]]]
    assert times_paid(payment) == 0


def test_the_continue_page_of_others_is_not_found(people, owes):
    alice, bob = people(), people()
    approved(alice, owes(alice))

    assert bob.browser.get(f"/face/continue/{alice.challenge.handle}/").status_code == 404


def test_the_continue_page_without_anything_kept_goes_on(person):
    person.passes("/statements/")

    page = person.browser.get(f"/face/continue/{person.challenge.handle}/")

    assert page["Location"] == "/statements/"


# -- people who decide slowly


def decided_after(person, payment, **how_long):
    """Show the face, come back at once, and wait for people to decide; return the page then."""
    seconds = timedelta(**how_long)
    with override_settings(FACEAUTH_SIMULATOR_CHECK_SECONDS=seconds):
        start = person.is_asked(path_of(payment), "post")
        waiting = person.returns(person.shows_face(person.is_handed_over(start)))
        person.browser.get(waiting["Location"])
        person.clock.shift(seconds)
        return person.waits(person.browser.get(waiting["Location"]))


@override_settings(FACEAUTH_SLOW_REVIEW=True)
def test_people_may_decide_late(person, payment, clock):
    """A bound approval counts from the decision, for a quarter of an hour (G-16)."""
    decided_after(person, payment, minutes=20)
    granted_at = person.challenge.granted_at

    clock.move_to(granted_at + timedelta(minutes=15))
    person.is_asked(path_of(payment), "post")
    clock.move_to(granted_at + timedelta(minutes=14, seconds=59))

    assert person.browser.post(path_of(payment)).content == b"paid face"


@pytest.mark.parametrize(
    ("shown_before", "lasts"),
    [(timedelta(hours=1), timedelta(minutes=15)), (timedelta(hours=23.9), timedelta(minutes=6))],
)
@override_settings(FACEAUTH_SLOW_REVIEW=True)
def test_a_task_can_know_when_a_late_approval_ends(person, payment, shown_before, lasts):
    """A quarter of an hour after the decision, or a day after the face (G-16)."""
    approved(person, payment)
    granted_at = person.challenge.granted_at
    FaceChallenge.objects.update(verified_at=granted_at - shown_before)
    payment.refresh_from_db()
    bound = {"payee": payment.payee, "amount": Money(payment.amount, "EUR")}

    face = recorded_face(person.user, person.challenge.handle, action="pay", bound=bound)

    assert face.expires_at == granted_at + lasts


@override_settings(FACEAUTH_SLOW_REVIEW=True)
def test_but_not_later_than_a_day(person, payment):
    """G-16."""
    decided_after(person, payment, hours=24)

    assert person.challenge.state == "expired"


def test_elsewhere_a_decision_that_late_is_too_late(person, payment):
    """G-16."""
    decided_after(person, payment, minutes=20)

    assert person.challenge.state == "expired"


# -- without a request


def test_a_task_can_ask_by_the_handle_that_it_was_given(person, payment, people):
    """The same decision for management code (G-13)."""
    approved(person, payment)
    handle = person.challenge.handle
    bound = {"payee": "Anna", "amount": binding.Money(payment.amount, "EUR")}

    face = recorded_face(person.user, handle, action="pay", bound=bound)

    assert face is not None
    assert face.challenge == handle
    assert recorded_face(person.user, handle, action="pay", bound=bound | {"payee": "Eve"}) is None
    assert recorded_face(person.user, handle, action="other", bound=bound) is None
    assert recorded_face(person.user, handle, action="pay") is None
    assert recorded_face(people().user, handle, action="pay", bound=bound) is None
    assert recorded_face(person.user, "invented", action="pay", bound=bound) is None
    person.browser.post(path_of(payment))
    assert recorded_face(person.user, handle, action="pay", bound=bound) is None


# -- gates that make no sense


@pytest.mark.parametrize("keep", ["email", ["csrfmiddlewaretoken"], ["face_challenge"]])
def test_keeping_what_cannot_be_kept_is_an_error_where_it_is_written(keep):
    with pytest.raises(ValueError, match="keep"):
        face_required(keep=keep)
    with pytest.raises(ValueError, match="keep"):
        type("Never", (FaceRequiredMixin,), {"face_keep": keep})


def test_a_binding_that_cannot_be_called_is_an_error_where_it_is_written():
    with pytest.raises(TypeError, match="bind"):
        face_required(bind={"amount": 1})


def test_the_age_is_judged_after_bind(person, clock):
    """Which may have waited minutes for a lock (F-11)."""
    waited = []

    def bind(_request):
        clock.shift(sum(waited))
        return {"payee": "Anna"}

    gate = face_required(action="locked", max_age=120, bind=bind)
    with served(path("locked/", gate(lambda _request: HttpResponse("done")))):
        assert person.proves(person.is_asked("/locked/")).content == b"done"
        FaceChallenge.objects.update(state="granted", consumed_at=None)
        waited.append(600)

        person.is_asked("/locked/")
