"""Gates of the admin: the whole site, one model, one action."""

from __future__ import annotations

import pytest
from django.contrib.admin import AdminSite, ModelAdmin, action
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import path

from django_faceauth.gate.admin import (
    FaceRequiredModelAdmin,
    face_required_action,
)
from django_faceauth.models import FaceChallenge
from tests.addresses import served
from tests.site.models import Payment

LIST = "/admin/shop/payment/"
TYPED = {"payee": "Ann", "amount": "5.00", "note": "", "paid": "0", "approved_by": ""}

PAGES = [
    "",
    "password_change/",
    "shop/",
    "shop/payment/",
    "shop/payment/add/",
    "shop/payment/1/change/",
    "shop/payment/1/delete/",
    "shop/payment/1/history/",
    "autocomplete/",
    "r/1/1/",
    "no-such-page/",
]


def make_staff(person, *permissions):
    """Let a user into the admin, with all permissions unless some are named."""
    person.user.is_staff = True
    person.user.is_superuser = not permissions
    person.user.save()
    person.user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return person


@pytest.fixture
def clerk(person):
    """A member of staff with all permissions."""
    return make_staff(person)


@pytest.fixture
def payment(clerk):
    return Payment.objects.create(user=clerk.user, payee="Bob", amount="9.50")


def typed_for(clerk, **values):
    return {**TYPED, "user": clerk.user.pk, **values}


def chosen(name, *rows):
    return {"action": name, "_selected_action": [row.pk for row in rows]}


# -- the whole site


@pytest.mark.parametrize("method", ["get", "post"])
def test_no_page_of_a_gated_admin_opens_without_a_face(clerk, method):
    """Neither do those that Django adds and URLs that do not exist (G-15)."""
    for page in PAGES:
        clerk.is_asked(f"/vault/{page}", method)


def test_one_face_opens_all_pages_of_the_site(clerk, payment, clock):
    """For `face_max_age` (G-04)."""
    page = clerk.passes(f"/vault/shop/payment/{payment.pk}/change/")
    assert b"Change payment" in page.content

    clock.move_to(clerk.challenge.verified_at)
    clock.shift(179)
    assert b"Site administration" in clerk.browser.get("/vault/").content
    clock.shift(1)

    clerk.is_asked("/vault/")


@pytest.mark.parametrize("who", ["anonymous", "customer", "inactive"])
def test_users_who_are_not_staff_learn_nothing_of_the_gate(person, who):
    """The responses are those of an admin without a gate (G-08)."""
    browser = Client() if who == "anonymous" else person.browser
    person.user.is_active = who != "inactive"
    person.user.save()

    for page in PAGES[:-1]:  # all that exist
        gated, plain = (browser.get(f"/{site}/{page}") for site in ("vault", "office"))
        assert gated.status_code == plain.status_code == 302, page
        assert gated["Location"] == plain["Location"].replace("office", "vault")
    assert FaceChallenge.objects.count() == 0


def test_pages_for_logging_in_and_out_stay_open(clerk):
    assert Client().get("/vault/login/").status_code == 200
    assert clerk.browser.get("/vault/jsi18n/").status_code == 200
    assert clerk.browser.post("/vault/logout/").status_code == 200
    assert FaceChallenge.objects.count() == 0


# -- one model


def test_by_default_only_changes_of_a_model_ask_for_a_face(clerk, payment):
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
def test_every_url_of_a_gated_model_is_gated(clerk, payment, page):
    clerk.is_asked(LIST + page.format(pk=payment.pk), "post", data={"post": "yes"})

    assert Payment.objects.get().payee == "Bob"


def test_pages_of_a_gated_model_are_for_staff(person, client):
    """Also those that the site did not wrap in `admin_view()`."""
    for browser in (client, person.browser):
        for page in ("import/", "more/"):
            assert browser.get(LIST + page)["Location"] == f"/admin/login/?next={LIST}{page}"


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("permission", ["view_user", "view_payment", "add_payment"])
def test_staff_without_permission_learn_nothing(person, method, permission):
    """The admin refuses them with and without the gate (G-08)."""
    make_staff(person, permission)
    row = Payment.objects.create(user=person.user, payee="Bob", amount=1).pk
    for page in ("", "add/", f"{row}/change/", f"{row}/delete/", f"{row}/history/"):
        FaceChallenge.objects.all().delete()

        plain = getattr(person.browser, method)(f"/office/shop/payment/{page}")
        gated = getattr(person.browser, method)(f"/closed/shop/payment/{page}")

        assert (gated.status_code == 403) == (plain.status_code == 403), page
        assert FaceChallenge.objects.exists() == (plain.status_code != 403), page


@pytest.mark.parametrize(
    ("permission", "asked"), [("add_payment", True), ("change_payment", False)]
)
def test_saving_as_new_takes_the_permission_to_add(person, permission, asked):
    """G-08."""
    make_staff(person, permission)
    payment = Payment.objects.create(user=person.user, payee="Bob", amount=1)

    person.browser.post(f"/closed/shop/payment/{payment.pk}/change/", {"_saveasnew": "yes"})

    assert FaceChallenge.objects.exists() == asked


# -- one action


def test_an_action_asks_for_a_face_of_its_own(clerk, payment):
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
    """Not for other rows, and a failure does not use it up (B-02, T-2.8)."""
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


def test_an_action_keeps_its_description_and_permissions(clerk, payment):
    @face_required_action()
    @action(description="Close", permissions=["close"])
    def close(_desk, _request, _rows): ...

    assert (close.short_description, close.allowed_permissions) == ("Close", ["close"])
    assert b"Pay out" in clerk.browser.get(LIST).content


# -- only when it matters


class Cautious(FaceRequiredModelAdmin):
    """Asks before large payments are changed."""

    face_accept, face_network = ("face",), "deny"

    def face_when(self, request, object_id=None, **arguments):
        return not Payment.objects.filter(pk=object_id, amount__lt=50).exists()


class Payer(ModelAdmin):
    """Asks before large payments are made."""

    actions = ["pay"]

    @face_required_action(
        action="pay",
        single_use=True,
        when=lambda desk, request, rows: rows.filter(amount__gte=50).exists(),
        accept=["face"],
        network="deny",
    )
    def pay(self, request, rows):
        rows.update(paid=1)


@pytest.fixture
def conditional():
    """A site with two admins of payments, at /cautious/ and /payer/."""
    sites = {}
    for kind in (Cautious, Payer):
        sites[kind] = AdminSite(name=kind.__name__.lower())
        sites[kind].register(Payment, kind)
    with served(*(path(f"{site.name}/", site.urls) for site in sites.values())):
        yield


def test_a_model_asks_for_changes_that_matter(clerk, payment, conditional):
    """What it accepts is what its attributes say; other URLs than that of a row ask."""
    large = Payment.objects.create(user=clerk.user, payee="Eve", amount=1000)
    pages = "/cautious/shop/payment/"

    saved = clerk.browser.post(f"{pages}{payment.pk}/change/", typed_for(clerk))
    assert saved["Location"] == pages
    for page in (f"{large.pk}/change/", "add/", ""):
        clerk.is_asked(f"{pages}{page}", "post", data=typed_for(clerk))

    payment.refresh_from_db()
    assert payment.payee == "Ann"
    assert (clerk.challenge.accept, clerk.challenge.network_policy) == (["face"], "deny")


def test_staff_without_permission_are_denied_where_no_face_is_needed(person, conditional):
    """G-08."""
    make_staff(person, "view_payment")
    payment = Payment.objects.create(user=person.user, payee="Bob", amount=1)

    answer = person.browser.post(f"/cautious/shop/payment/{payment.pk}/change/", typed_for(person))

    assert answer.status_code == 403
    assert Payment.objects.get().payee == "Bob"


def test_an_action_asks_for_rows_that_matter(clerk, payment, conditional):
    pages = "/payer/shop/payment/"
    large = Payment.objects.create(user=clerk.user, payee="Eve", amount=1000)

    assert clerk.browser.post(pages, chosen("pay", payment))["Location"] == pages
    clerk.is_asked(pages, "post", data=chosen("pay", payment, large))

    assert [*Payment.objects.filter(paid=1)] == [payment]
    assert (clerk.challenge.accept, clerk.challenge.network_policy) == (["face"], "deny")


# -- where it is defined


def test_an_action_cannot_be_async():
    async def close(_desk, _request, _rows): ...

    with pytest.raises(TypeError, match="async"):
        face_required_action()(close)
