"""The gate in front of Django's admin, of one model of it, and of one action."""

from __future__ import annotations

import pytest
from django.contrib.admin import ModelAdmin, action
from django.contrib.auth.models import Permission
from django.test import Client

from django_faceauth.gate.admin import (
    FaceRequiredAdminSite,
    FaceRequiredModelAdmin,
    face_required_action,
)
from django_faceauth.models import FaceChallenge
from tests.site.models import Payment

LIST = "/admin/shop/payment/"
TYPED = {"payee": "Ann", "amount": "5.00", "note": "", "paid": "0", "approved_by": ""}

PAGES = [
    "",
    "password_change/",
    "password_change/done/",
    "shop/",
    "shop/payment/",
    "shop/payment/add/",
    "shop/payment/1/change/",
    "shop/payment/1/delete/",
    "shop/payment/1/history/",
    "shop/payment/1/",
    "autocomplete/",
    "r/1/1/",
    "no-such-page/",
]


def make_staff(person, *permissions):
    """Let somebody into the admin, to everything unless permissions are named."""
    person.user.is_staff = True
    person.user.is_superuser = not permissions
    person.user.save()
    wanted = Permission.objects.filter(codename__in=permissions)
    person.user.user_permissions.set(wanted)
    return person


@pytest.fixture
def clerk(person):
    """A member of staff who may do everything, and a payment to look after."""
    return make_staff(person)


@pytest.fixture
def payment(clerk):
    return Payment.objects.create(user=clerk.user, payee="Bob", amount="9.50")


def typed_for(clerk, **values):
    return {**TYPED, "user": clerk.user.pk, **values}


def chosen(name, *rows):
    return {"action": name, "_selected_action": [row.pk for row in rows]}


# -- all of it


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("method", ["get", "post"])
def test_no_page_of_a_gated_admin_opens_without_a_face(clerk, page, method):
    """Also those that Django adds, and addresses that do not exist (G-15)."""
    clerk.is_asked(f"/vault/{page}", method)


def test_after_the_face_the_admin_is_there(clerk, payment):
    """One face for all of its pages, and the visitor is back where they were."""
    page = clerk.passes(f"/vault/shop/payment/{payment.pk}/change/")

    assert b"Change payment" in page.content
    assert b"Site administration" in clerk.browser.get("/vault/").content


@pytest.mark.parametrize("page", [page for page in PAGES if page != "no-such-page/"])
@pytest.mark.parametrize("who", ["anonymous", "customer", "inactive"])
def test_who_may_not_see_the_admin_learns_nothing_of_the_gate(person, page, who):
    """The very answers of an admin without a gate (G-08)."""
    browser = Client() if who == "anonymous" else person.browser
    person.user.is_active = who != "inactive"
    person.user.save()

    gated, plain = (browser.get(f"/{site}/{page}", follow=False) for site in ("vault", "office"))

    assert gated.status_code == plain.status_code == 302
    assert gated["Location"] == plain["Location"].replace("office", "vault")
    assert FaceChallenge.objects.count() == 0


def test_nobody_is_asked_to_log_in_or_out(clerk):
    """Nor for the translations that the pages' scripts load."""
    assert Client().get("/vault/login/").status_code == 200
    assert clerk.browser.get("/vault/jsi18n/").status_code == 200
    assert clerk.browser.post("/vault/logout/").status_code == 200
    assert FaceChallenge.objects.count() == 0


def test_staff_who_are_not_enrolled_are_refused(people):
    """G-02."""
    stranger = make_staff(people(None))

    refused = stranger.browser.get("/vault/")

    assert refused.status_code == 403
    assert "faceauth/denied.html" in {template.name for template in refused.templates}


def test_the_window_of_a_site_counts(clerk, clock):
    """`face_max_age`, to the second (G-04)."""
    clerk.passes("/vault/")
    clock.move_to(clerk.challenge.verified_at)
    clock.shift(179)
    assert clerk.browser.get("/vault/").status_code == 200

    clock.shift(1)

    clerk.is_asked("/vault/")


def test_what_a_page_fetches_in_the_background_is_nowhere_to_go_on_to(clerk):
    """A select box of the admin asks for JSON; after the face its page is there (U-02)."""
    fetched = clerk.browser.get(
        "/vault/autocomplete/?term=b",
        headers={
            "Accept": "application/json, text/javascript, */*; q=0.01",
            "Referer": "http://testserver/vault/shop/payment/add/",
        },
    )

    assert fetched.status_code == 401
    assert clerk.challenge.next_url == "/vault/shop/payment/add/"


# -- one model


def test_looking_takes_no_face_and_changing_does(clerk, payment):
    """The default of one model; after the face staff are where they were."""
    assert clerk.browser.get(LIST).status_code == 200
    assert clerk.browser.get(f"{LIST}add/").status_code == 200
    assert clerk.browser.get(f"{LIST}{payment.pk}/change/").status_code == 200

    start = clerk.is_asked(f"{LIST}{payment.pk}/change/", "post", data=typed_for(clerk))
    page = clerk.proves(start)

    assert page.wsgi_request.get_full_path() == f"{LIST}{payment.pk}/change/"
    saved = clerk.browser.post(f"{LIST}{payment.pk}/change/", typed_for(clerk))
    assert saved["Location"] == LIST
    payment.refresh_from_db()
    assert payment.payee == "Ann"


@pytest.mark.parametrize("page", ["", "add/", "{pk}/change/", "{pk}/delete/", "import/", "more/"])
def test_every_address_of_a_gated_model_is_gated(clerk, payment, page):
    """Pages of the site's own `get_urls()` too, however deep."""
    clerk.is_asked(LIST + page.format(pk=payment.pk), "post", data={"post": "yes"})

    assert Payment.objects.get().payee == "Bob"


@pytest.mark.parametrize("page", ["", "add/", "1/change/", "1/delete/", "1/history/", "1/"])
def test_a_model_may_be_gated_before_anything_is_seen(clerk, page):
    """`face_methods = None`."""
    clerk.is_asked(f"/closed/shop/payment/{page}")


def test_pages_of_a_gated_model_are_for_staff(person, client):
    """Also those that the site forgot to hand to `admin_view()`."""
    for browser in (client, person.browser):
        for page in ("import/", "more/"):
            assert browser.get(LIST + page)["Location"] == f"/admin/login/?next={LIST}{page}"


@pytest.mark.parametrize("page", ["", "add/", "{pk}/change/", "{pk}/delete/", "{pk}/history/"])
@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("permission", ["view_user", "view_payment", "add_payment"])
def test_staff_without_the_right_learn_nothing(person, page, method, permission):
    """Where the admin says no, it says so, with and without the gate (G-08)."""
    make_staff(person, permission)
    payment = Payment.objects.create(user=person.user, payee="Bob", amount=1)
    path = f"shop/payment/{page.format(pk=payment.pk)}"

    plain = getattr(person.browser, method)(f"/office/{path}")
    gated = getattr(person.browser, method)(f"/closed/{path}")

    assert (gated.status_code == 403) == (plain.status_code == 403)
    assert FaceChallenge.objects.exists() == (plain.status_code != 403)


@pytest.mark.parametrize(
    ("permission", "asked"), [("add_payment", True), ("change_payment", False)]
)
def test_saving_as_new_is_adding(person, permission, asked):
    """As the admin sees it, and so the gate (G-08)."""
    make_staff(person, permission)
    payment = Payment.objects.create(user=person.user, payee="Bob", amount=1)

    person.browser.post(f"/closed/shop/payment/{payment.pk}/change/", {"_saveasnew": "yes"})

    assert FaceChallenge.objects.exists() == asked


def test_what_is_not_there_is_answered_as_ever(clerk):
    """An object that is gone leads to the front page of the admin, after the face."""
    page = clerk.proves(clerk.is_asked("/closed/shop/payment/7/change/"))

    assert page.wsgi_request.path == "/closed/"


# -- one action


def test_an_action_asks_for_a_face_of_its_own(clerk, payment):
    """A face for changes is none for the action; after it the list is there again."""
    clerk.proves(clerk.is_asked(LIST, "post", data=chosen("pay_out", payment)))
    start = clerk.is_asked(f"{LIST}?paid=0", "post", data=chosen("pay_out", payment))
    page = clerk.proves(start)
    assert page.wsgi_request.get_full_path() == f"{LIST}?paid=0"

    done = clerk.browser.post(LIST, chosen("pay_out", payment))

    assert done["Location"] == LIST
    payment.refresh_from_db()
    assert (payment.paid, payment.approved_by) == (1, clerk.challenge.handle)
    assert clerk.challenge.action == "payout"


def test_a_bound_action_is_approved_as_it_was_shown_and_once(clerk, payment):
    """Neither for other rows, nor twice, and not used up by a failure (B-02, T-2.8)."""
    other = Payment.objects.create(user=clerk.user, payee="Eve", amount=1000)
    clerk.proves(clerk.is_asked(LIST, "post", data=chosen("pay_exactly", payment)))
    start = clerk.is_asked(LIST, "post", data=chosen("pay_exactly", payment))
    assert "9.50 to Bob" in clerk.browser.get(start).content.decode()
    clerk.proves(start)

    with pytest.raises(RuntimeError):
        clerk.browser.post(LIST, {**chosen("pay_exactly", payment), "fail": "yes"})
    clerk.is_asked(LIST, "post", data=chosen("pay_exactly", payment, other))
    assert clerk.browser.post(LIST, chosen("pay_exactly", payment)).content == b"paid 1"
    clerk.is_asked(LIST, "post", data=chosen("pay_exactly", payment))


def test_an_action_keeps_what_the_admin_knows_of_it(clerk, payment):
    """Its text, its permissions and its name, in whichever order it is decorated."""

    @face_required_action()
    @action(description="Close", permissions=["close"])
    def close(_desk, _request, _rows):
        """Close them."""

    assert (close.short_description, close.allowed_permissions) == ("Close", ["close"])
    assert (close.__name__, close.__doc__) == ("close", "Close them.")
    assert b"Pay out" in clerk.browser.get(LIST).content


# -- where it is written


@pytest.mark.parametrize("kind", [FaceRequiredAdminSite, FaceRequiredModelAdmin])
@pytest.mark.parametrize("wrong", [{"face_max_age": 0}, {"face_action": "x" * 101}])
def test_a_gate_that_could_never_open_is_an_error_where_it_is_written(kind, wrong):
    with pytest.raises(ValueError, match=r"max_age|action"):
        type("Never", (kind,), wrong)


def test_a_gate_for_no_method_is_an_error_where_it_is_written():
    with pytest.raises(ValueError, match="methods"):
        type("Never", (FaceRequiredModelAdmin,), {"face_methods": []})


def test_an_action_that_could_never_run_is_an_error_where_it_is_written():
    async def close(_desk, _request, _rows):
        """The admin calls actions, and does not wait for them."""

    with pytest.raises(TypeError, match="async"):
        face_required_action()(close)
    with pytest.raises(ValueError, match="max_age"):
        face_required_action(max_age=0)


def test_doors_mix_with_classes_of_the_site():
    """As any other mixin does."""

    class Ours(ModelAdmin):
        list_per_page = 7

    class Mixed(FaceRequiredModelAdmin, Ours):
        pass

    assert Mixed.list_per_page == 7
