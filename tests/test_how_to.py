"""The code of the how-to pages, run as it stands there."""

from __future__ import annotations

import ast
import re
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest
from django.test import override_settings
from django.urls import include, path

import django_faceauth
from tests.gate.test_admin import chosen, make_staff
from tests.site.models import Payment
from tests.test_docs import DOCS

PAGES = sorted((DOCS / "how-to").glob("*.md"))
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)


def blocks(page):
    """Return the Python of a page; its shop is the test site's."""
    text = (DOCS / "how-to" / page).read_text()
    return [block.replace("from shop.", "from tests.site.") for block in BLOCK.findall(text)]


@pytest.fixture
def run():
    """Run all the code of a page, in its order, as one module."""

    def run(page):
        module = ModuleType(page.removesuffix(".md").replace("-", "_"))
        exec("\n\n".join(blocks(page)), vars(module))
        return module

    return run


@contextmanager
def served(*patterns):
    """Give the site these addresses."""
    urls = ModuleType("urls")
    urls.urlpatterns = [
        *patterns,
        path("face/", include("django_faceauth.urls")),
        path("simulator/", include("django_faceauth.simulator.urls")),
    ]
    with override_settings(ROOT_URLCONF=urls):
        yield


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_all_code_is_python(page):
    for block in blocks(page.name):
        ast.parse(block)


@pytest.fixture
def payment(person):
    return Payment.objects.create(user=person.user, payee="Bob", amount="9.50")


def test_approve_a_payment(run, person, payment):
    """From the form to the receipt."""
    page = run("approve-a-payment.md")
    with served(path("pay/<int:pk>/", page.pay)):
        start = person.is_asked(f"/pay/{payment.pk}/", "post", data={"note": "rent"})
        assert "9.50\N{NO-BREAK SPACE}EUR" in person.browser.get(start).content.decode()
        shown = person.proves(start)
        assert person.confirms(shown).content == b"9.50 to Bob was paid"
        again = person.confirms(shown)

    payment.refresh_from_db()
    assert (payment.paid, payment.note) == (1, "rent")
    assert (again.status_code, b"Already done" in again.content) == (409, True)
    assert page.receipt(payment) == f"{person.user} approved Bob: consumed"


def test_approve_a_payment_that_changes_on_the_way(run, person, payment):
    page = run("approve-a-payment.md")
    with served(path("pay/<int:pk>/", page.pay)):
        start = person.is_asked(f"/pay/{payment.pk}/", "post", data={"note": "rent"})
        shown = person.proves(start)
        Payment.objects.update(amount=1000)
        refused = person.confirms(shown)

    payment.refresh_from_db()
    assert (refused.status_code, payment.paid) == (409, 0)
    assert "This is not what you approved" in refused.content.decode()


@pytest.mark.django_db(transaction=True)
def test_what_is_taken_back_leaves_the_face_unspent(run, person, payment):
    """`set_rollback(True)`, and async views (T-2.8)."""
    page = run("approve-a-payment.md")
    Payment.objects.update(paid=1)
    with served(
        path("pay/<int:pk>/", page.pay_if_possible), path("async/<int:pk>/", page.pay_async)
    ):
        person.proves(person.is_asked(f"/pay/{payment.pk}/", "post"))
        assert person.browser.post(f"/pay/{payment.pk}/").content == b"This was paid before."
        assert person.challenge.state == "granted"
        assert person.browser.post(f"/async/{payment.pk}/").content == b"9.50 to Bob was paid"

    payment.refresh_from_db()
    assert (payment.paid, person.challenge.state) == (2, "consumed")


def test_ask_first(run, person, settings, tmp_path):
    """The form is not shown without a face, and its page counts down."""
    html = re.search(
        r"^```html\n(.*?)^```$", (DOCS / "how-to/show-expiry.md").read_text(), re.M | re.S
    )
    (tmp_path / "payout_form.html").write_text(f"form {html[1]}")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    page = run("show-expiry.md")
    with served(
        path("form/", page.payout_form), path("payout/", page.payout), path("", page.overview)
    ):
        assert person.browser.get("/").content == b"You will be asked for your face."
        shown = person.passes("/form/").content.decode()
        assert shown.startswith("form")
        assert "data-faceauth-expires" in shown
        assert person.browser.get("/").content == b"Go ahead."
        assert person.browser.post("/payout/", {"amount": "5"}).content == b"sent 5"


def test_gate_the_admin(run, person, payment):
    """The whole, with a model and an action of it."""
    make_staff(person)
    page = run("admin.md")
    site = page.site
    site.name = "bank"

    with served(path("admin/", site.urls)):
        person.passes("/admin/")
        desk = "/admin/shop/payment/"
        start = person.is_asked(desk, "post", data=chosen("pay_out", payment))
        assert "9.50 to Bob" in person.browser.get(start).content.decode()
        person.proves(start)
        person.browser.post(desk, chosen("pay_out", payment))

    payment.refresh_from_db()
    assert (payment.paid, payment.approved_by) == (1, person.challenge.handle)
    assert page.BankAdminConfig.default_site == "bank.admin.BankAdminSite"


def test_single_page_apps(run, person, payment, settings, tmp_path):
    """The page that carries the module, and the four calls."""
    text = (DOCS / "how-to/single-page-apps.md").read_text()
    html = re.search(r"^```html\n(.*?)^```$", text, re.M | re.S)
    (tmp_path / "shop.html").write_text(html[1])
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    page = run("single-page-apps.md")
    pay = f"/api/payments/{payment.pk}/pay/"

    with served(*page.urlpatterns, path("", page.shop)):
        shop = person.browser.get("/")
        refused = person.browser.post(pay).json()
        started = person.browser.post(refused["attempts_url"], content_type="application/json")
        assert person.browser.get(refused["status_url"]).json()["next"] == "wait"
        done = person.returns(person.shows_face(started.json()["capture_url"]))
        person.clock.shift(3)
        assert person.browser.get(refused["status_url"]).json()["next"] == "repeat"
        named = {"Face-Challenge": refused["challenge"]}
        paid = person.browser.post(pay, headers=named).json()

    assert '"heading": "Please show your face"' in shop.content.decode()
    assert "csrftoken" in shop.cookies
    assert done["Location"] == "/face/done/"
    assert paid == {"payee": "Bob", "approval": refused["challenge"]}


def test_single_page_apps_name_every_state_and_text_there_is():
    text = (DOCS / "how-to/single-page-apps.md").read_text()
    script = (Path(django_faceauth.__file__).parent / "static/faceauth/stepup.js").read_text()
    states = re.search(r"@typedef \{(\"queued\".*?)\} State", script, re.S)
    texts = re.search(r"TEXTS = Object\.freeze\(\{\n(.*?)^\}\);", script, re.M | re.S)
    names = re.findall(r"^  (\w+):", texts[1], re.M)

    assert [
        state for state in re.findall(r"\"(\w+)\"", states[1]) if f"`{state}`" not in text
    ] == []
    assert [name for name in names if f"texts.{name}" not in script] == []
    assert set(re.findall(r"texts\.(\w+)", script)) - set(names) == set()
