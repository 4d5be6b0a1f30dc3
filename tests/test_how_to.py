"""The code of the how-to pages, run as it stands there."""

from __future__ import annotations

import re
from types import ModuleType

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.core import signing
from django.template import Context, RequestContext, Template
from django.test import Client, RequestFactory, override_settings
from django.urls import include, path
from django.utils import timezone
from django.views.decorators.http import require_POST
from prometheus_client import REGISTRY
from rest_framework.routers import SimpleRouter
from rest_framework.views import APIView
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

import django_faceauth
from django_faceauth import metrics
from django_faceauth.conf import conf
from django_faceauth.exceptions import NotFound
from django_faceauth.gate import face_required
from django_faceauth.messages import NOT_DONE, STEPUP
from django_faceauth.models import FaceAuthentication, IdentityVerification
from django_faceauth.services.privacy import consent
from django_faceauth.signals import consent_withdrawn, enrolment_changed
from tests.addresses import served
from tests.docs_parser import DOCS, code_blocks
from tests.gate.test_admin import chosen, make_staff
from tests.mobile_driver import Phone
from tests.site.models import Payment
from tests.site.views import statements
from tests.threads import at_once
from tests.user_driver import capture_url_in, scripted

PROBLEM = "application/problem+json"


@pytest.fixture
def run():
    """Run all the code of a page, in its order, as one module."""

    def run(page):
        module = ModuleType(page.removesuffix(".md").replace("-", "_"))
        exec("\n\n".join(code_blocks(DOCS / "how-to" / page)), vars(module))
        return module

    return run


@pytest.fixture
def payment(person):
    return Payment.objects.create(user=person.user, payee="Bob", amount="9.50")


@pytest.fixture
def templates(settings, tmp_path):
    """A folder for the templates of a page."""
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    return tmp_path


# -- pages


def test_gate_a_view(run, person, templates):
    """A function, a class, a view of Django, a form that asks first, and a countdown."""
    (html,) = code_blocks(DOCS / "how-to/gate-a-view.md", "html")
    (templates / "payout_form.html").write_text(f"form {html}")
    page = run("gate-a-view.md")
    with served(
        path("statements/", page.statements),
        path("customers/", page.customers),
        path("settings/", page.Settings.as_view()),
        path("form/", page.payout_form),
        path("payout/", page.payout),
        path("overview/", page.overview),
        path("admin/", admin.site.urls),
        *page.urlpatterns,
    ):
        assert person.passes("/statements/").content.startswith(b"Open until ")
        assert "/login/" in person.browser.get("/customers/")["Location"]
        person.user.user_permissions.add(Permission.objects.get(codename="view_user"))
        assert person.passes("/customers/").content == b"Customers"
        assert person.browser.post("/settings/").status_code == 302
        person.proves(person.is_asked("/password/", "post"))
        assert person.browser.post("/password/").status_code == 200

        assert person.browser.get("/overview/").content == b"You will be asked for your face."
        form = person.passes("/form/").content.decode()
        assert form.startswith("form")
        assert "data-faceauth-expires" in form
        assert person.browser.get("/overview/").content == b"Go ahead."
        assert person.browser.post("/payout/", {"amount": "5"}).content == b"sent 5"


@pytest.mark.django_db(transaction=True)
def test_enrol_your_users(run, people, settings, templates):
    """From the link in the account settings to a link, in the site's own words."""
    link, words = code_blocks(DOCS / "how-to/enrolment.md", "html")
    (templates / "faceauth").mkdir()
    (templates / "faceauth" / "enrol.html").write_text(words)
    page = run("enrolment.md")
    erin = people(None, name="erin")
    settings.FACEAUTH_ENROLMENT = page.FACEAUTH_ENROLMENT
    settings.FACEAUTH_ENROLMENT_JOURNEY_ID = page.FACEAUTH_ENROLMENT_JOURNEY_ID.replace("…", "a")
    settings.FACEAUTH_ENROLMENT_DATA = page.declared_data
    settings.FACEAUTH_SITE_URL = page.FACEAUTH_SITE_URL
    url = re.search(r'href="([^"]+)"', Template(link).render(Context()))[1]

    try:
        assert erin.browser.get(url).status_code == 403
        User.objects.update(first_name="Erin", last_name="Hill", email="erin@example.com")
        shown = erin.browser.get(url).content.decode()
        way_back = erin.shows_face(capture_url_in(erin.browser.post(url)))
        erin.clock.shift(3)
        erin.browser.get(way_back, follow=True)
    finally:
        enrolment_changed.disconnect(page.tell_by_letter, sender=IdentityVerification)

    assert "<bdi>Erin Hill</bdi>" in shown
    assert "only you can move money" in shown
    assert page.LETTERS == ["erin: linked"]


def test_link_a_verified_user(run, person):
    """If the provider knows the applicant."""
    page = run("enrolment.md")
    enrolment_changed.disconnect(page.tell_by_letter, sender=IdentityVerification)

    assert page.verified(person.user, scripted("10000"))
    with pytest.raises(NotFound):
        page.verified(person.user, "aplt_another")


def test_capture_page(run, people, settings):
    """The options are accepted, and the number is offered by its end only."""
    page = run("capture-page.md")
    settings.FACEAUTH_CAPTURE_OPTIONS = page.capture_options
    anna = people(name="anna")

    start = anna.browser.get(anna.is_asked()).content.decode()

    assert "…678" in start
    assert "612345678" not in start


@pytest.mark.parametrize("amount", ["9.50", "1000"])
def test_approve_a_payment(run, person, payment, amount):
    """From the form to the receipt, unless the amount changes on the way."""
    page = run("approve-a-payment.md")
    is_changed = amount != "9.50"
    with served(path("pay/<int:pk>/", page.pay)):
        start = person.is_asked(f"/pay/{payment.pk}/", "post", data={"note": "rent"})
        assert "9.50\N{NO-BREAK SPACE}EUR" in person.browser.get(start).content.decode()
        shown = person.proves(start)
        Payment.objects.update(amount=amount)
        first, again = person.confirms(shown), person.confirms(shown)

    payment.refresh_from_db()
    assert first.status_code == (409 if is_changed else 200)
    assert payment.paid == (0 if is_changed else 1)
    if is_changed:
        assert first.context["wording"] == NOT_DONE["changed"]
    else:
        assert first.content == b"9.50 to Bob was paid"
        assert (again.status_code, again.context["wording"]) == (409, NOT_DONE["used"])
        assert page.receipt(payment) == f"{person.user} approved Bob: consumed"


@pytest.fixture
def conditions(run):
    """The page about `when`, with its views and one for payees."""
    page = run("ask-only-when-needed.md")
    gate = {"action": "pay", "bind": page.what_is_paid}
    work = page.pay.__wrapped__.__wrapped__.__wrapped__
    with served(
        path("pay/<int:pk>/", page.pay),
        path("new/<int:pk>/", require_POST(face_required(when=page.is_new_payee, **gate)(work))),
        path("risky/<int:pk>/", require_POST(face_required(when=page.is_risky, **gate)(work))),
        path("account/", page.account),
    ):
        yield page


def test_ask_for_large_amounts(conditions, person, people, owes, caplog):
    """Small ones are free until they are large together."""
    for pk in (owes(people()).pk, 10**6):
        assert person.browser.post(f"/pay/{pk}/").status_code == 404
    assert "unforeseen" not in caplog.text
    small, next_small, large = (owes(person, amount=amount) for amount in ("20", "30", "50"))

    assert person.browser.post(f"/pay/{small.pk}/").content == b"20.00 to Anna was paid"
    for payment in (large, next_small):
        start = person.is_asked(f"/pay/{payment.pk}/", "post")
        person.proves(start)
        assert person.browser.post(f"/pay/{payment.pk}/").status_code == 200
    last = owes(person, amount="29.99")
    assert person.browser.post(f"/pay/{last.pk}/").status_code == 200
    receipts = (
        Payment.objects.filter(user=person.user).order_by("pk").values_list("paid", "approved_by")
    )
    assert [(paid, bool(receipt)) for paid, receipt in receipts] == [
        (1, False),
        (1, True),
        (1, True),
        (1, False),
    ]


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
def test_of_two_small_payments_at_once_one_is_free(conditions, person, owes):
    """Together they are large."""
    payments = [owes(person, amount="30") for _ in range(2)]
    browsers = [person.new_browser() for _ in payments]

    answers = at_once(
        *(
            lambda browser=browser, pk=payment.pk: browser.post(f"/pay/{pk}/").status_code
            for browser, payment in zip(browsers, payments, strict=True)
        )
    )

    assert sorted(answers) == [200, 302]
    assert Payment.objects.filter(paid=1).count() == 1


def test_ask_for_new_payees(conditions, person, people, owes):
    """A payee is known by an approved payment of this user, and by no free one."""
    first, second = owes(person), owes(person)
    owes(people(), paid=1, approved_by="a handle")
    free = owes(person)
    assert person.browser.post(f"/pay/{free.pk}/").status_code == 200

    person.proves(person.is_asked(f"/new/{first.pk}/", "post"))
    assert person.browser.post(f"/new/{first.pk}/").status_code == 200
    assert person.browser.post(f"/new/{second.pk}/").content == b"12.50 to Anna was paid"
    person.is_asked(f"/new/{owes(person, payee='Mallory').pk}/", "post")
    person.is_asked(f"/risky/{owes(person, amount='50').pk}/", "post")
    person.is_asked(f"/risky/{owes(person, payee='Mallory').pk}/", "post")
    assert person.browser.post(f"/risky/{owes(person, amount='1').pk}/").status_code == 200


def test_ask_in_new_browsers(conditions, people):
    """The cookie is for one user, until the next password, and cannot be made up."""
    person, other = people(), people()
    assert person.passes("/account/").content == b"Your account"
    cookie = person.browser.cookies[conditions.DEVICE]
    assert (cookie["secure"], cookie["httponly"]) == (True, True)
    person.clock.shift(86_400)

    assert person.browser.get("/account/").content == b"Your account"
    person.browser.logout()
    person.browser.force_login(person.user)
    person.browser.cookies[conditions.DEVICE] = cookie.value
    assert person.browser.get("/account/").content == b"Your account"
    other.browser.cookies[conditions.DEVICE] = cookie.value
    other.is_asked("/account/")
    for made_up in ("known", f"{cookie.value}x", ""):
        person.browser.cookies[conditions.DEVICE] = made_up
        person.is_asked("/account/")
    person.browser.cookies[conditions.DEVICE] = cookie.value
    person.user.set_password("another one")
    person.user.save()
    person.browser.force_login(person.user)
    person.browser.cookies[conditions.DEVICE] = cookie.value
    person.is_asked("/account/")


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_leaves_the_face_unused(run, person, payment):
    """`set_rollback(True)` (T-2.8)."""
    page = run("approve-a-payment.md")
    Payment.objects.update(paid=1)
    with served(path("pay/<int:pk>/", page.pay_if_possible)):
        person.proves(person.is_asked(f"/pay/{payment.pk}/", "post"))
        assert person.browser.post(f"/pay/{payment.pk}/").content == b"This was paid before."
        assert person.challenge.state == "granted"
        Payment.objects.update(paid=0)
        assert person.browser.post(f"/pay/{payment.pk}/").content == b"paid"

    assert person.challenge.state == "consumed"


def test_gate_the_admin(run, person, payment):
    """The site, a model, and an action of it."""
    make_staff(person)
    page = run("admin.md")
    page.site.name = "bank"
    changelist = "/admin/shop/payment/"

    with served(path("admin/", page.site.urls)):
        person.passes("/admin/")
        start = person.is_asked(changelist, "post", data=chosen("pay_out", payment))
        assert "9.50 to Bob" in person.browser.get(start).content.decode()
        person.proves(start)
        person.browser.post(changelist, chosen("pay_out", payment))

    payment.refresh_from_db()
    assert (payment.paid, payment.approved_by) == (1, person.challenge.handle)
    assert page.BankAdminConfig.default_site == "bank.admin.BankAdminSite"


def test_offer_a_fallback(run, person, settings, templates):
    """A code instead of a face, from the page with the challenge to the gated page."""
    (html,) = code_blocks(DOCS / "how-to/fallback.md", "html")
    (templates / "by_code.html").write_text(html)
    (templates / "by_code_over.html").write_text("over")
    page = run("fallback.md")
    page.is_right = lambda user, code: (user, code) == (person.user, "1234")
    settings.FACEAUTH_FALLBACK = page.FACEAUTH_FALLBACK

    with served(*page.urlpatterns, path("statements/", statements)):
        person.is_asked("/statements/")
        fallback = f"/by-code/?challenge={person.challenge.handle}"
        assert b"Your code" in person.browser.get(fallback).content
        assert person.browser.post(fallback, {"code": "1111"}).status_code == 200
        done = person.browser.post(fallback, {"code": "1234"})
        assert done["Location"] == "/statements/"
        assert person.browser.get("/statements/").status_code == 200
        assert person.browser.get(fallback).content == b"over"

    assert person.challenge.method == "code"


# -- APIs


@pytest.fixture
def endpoints(run):
    """The views of the page about endpoints."""
    page = run("protect-an-endpoint.md")
    router = SimpleRouter()
    router.register("payments", page.Payments, basename="payment")
    with served(
        path("statements/", page.Statements.as_view()),
        path("account/", page.Account.as_view()),
        path("letters/", page.letters),
        path("", include(router.urls)),
    ):
        yield page


@pytest.mark.usefixtures("endpoints")
@pytest.mark.parametrize(
    ("url", "method"), [("/statements/", "get"), ("/account/", "delete"), ("/letters/", "post")]
)
def test_protect_an_endpoint(person, url, method):
    """With a token and with a session; other methods stay open (G-07)."""
    phone = Phone(person)
    phone.is_refused(url, method)
    named = phone.shows()

    assert getattr(phone.http, method)(url, headers=named).status_code == 200
    assert getattr(phone.http, method)(url).status_code == 401
    assert getattr(person.browser, method)(url).status_code == 401
    assert phone.http.options(url).status_code == 200
    if method != "get":
        assert phone.http.get(url).status_code == 200


@pytest.mark.usefixtures("endpoints")
def test_a_viewset(person, payment):
    """Reading and adding need a login, removing a face, and paying one for this payment."""
    phone = Phone(person)
    url = f"/payments/{payment.pk}/"
    assert phone.http.get("/payments/").json()[0]["id"] == payment.pk
    draft = {"payee": "Ann", "amount": "1.00"}
    assert phone.http.post("/payments/", draft, "application/json").status_code == 201

    phone.is_refused(f"{url}pay/", "post")
    named = phone.shows()
    paid = phone.http.post(f"{url}pay/", headers=named)
    again = phone.http.post(f"{url}pay/", headers=named)

    payment.refresh_from_db()
    assert paid.json() == {"id": payment.pk, "payee": "Bob", "amount": "9.50", "paid": 1}
    assert payment.approved_by == person.challenge.handle
    assert (again.status_code, again.json()["code"]) == (409, "used")
    phone.is_refused(url, "delete")
    assert phone.http.delete(url, headers=phone.shows()).status_code == 204
    assert Payment.objects.get().payee == "Ann"


@pytest.mark.usefixtures("endpoints")
def test_single_page_apps(person, payment):
    """The page that carries the module, and the calls that it makes."""
    (html,) = code_blocks(DOCS / "how-to/single-page-apps.md", "html")
    shop = Template(html).render(RequestContext(RequestFactory().get("/"), {}))
    pay = f"/payments/{payment.pk}/pay/"
    refused = person.browser.post(pay).json()
    started = person.browser.post(refused["attempts_url"], content_type="application/json")
    done = person.returns(person.shows_face(started.json()["capture_url"]))
    person.clock.shift(3)
    assert person.browser.get(refused["status_url"]).json()["next"] == "repeat"
    paid = person.browser.post(pay, headers={"Face-Challenge": refused["challenge"]}).json()

    assert f'"heading": "{STEPUP["heading"]}"' in shop
    assert "csrfmiddlewaretoken" in shop
    assert done["Location"] == "/face/done/"
    assert paid["paid"] == 1


# -- tokens


@pytest.mark.usefixtures("endpoints")
def test_tokens_of_one_log_in_share_a_challenge(run, person):
    """`sid` survives a refresh, and is another at each log-in."""
    serializer = run("tokens.md").TokenSerializer
    here, elsewhere = serializer.get_token(person.user), serializer.get_token(person.user)
    phone = Phone(person, here.access_token)
    phone.is_refused("/statements/")
    named = phone.shows()

    phone.uses(RefreshToken(str(here)).access_token)
    assert phone.http.get("/statements/", headers=named).status_code == 200
    for token in (elsewhere.access_token, AccessToken.for_user(person.user)):
        phone.uses(token)
        assert phone.http.get("/statements/", headers=named).status_code == 401


@pytest.mark.parametrize(("family", "name"), [("f1", "oauth 7 f1"), (None, "oauth 7 ")])
def test_a_credential_is_what_one_authorization_shares(run, family, name):
    refresh = type("Refresh", (), {"token_family": family})
    token = type("AccessToken", (), {"application_id": 7, "refresh_token": refresh})
    request = type("Request", (), {"auth": token})

    assert run("tokens.md").credential_of(request) == name


@pytest.mark.usefixtures("endpoints")
def test_later_work_checks_the_approval_again(run, person):
    export = run("tokens.md").export_statements
    phone = Phone(person)
    handle = phone.is_refused("/statements/")
    assert export(person.user.pk, handle) == "too late, or revoked"
    phone.shows()
    assert export(person.user.pk, handle) == "exported"

    person.clock.shift(600)

    assert export(person.user.pk, handle) == "too late, or revoked"


def test_a_token_says_that_a_face_was_shown(run, person):
    """Once for each face, and only while it is true (G-09)."""
    page = run("tokens.md")
    with served(path("step-up/", page.StepUp.as_view())):
        phone = Phone(person)
        phone.is_refused("/step-up/", "post")
        named = phone.shows()
        issued = phone.http.post("/step-up/", headers=named).json()
        assert phone.http.post("/step-up/", headers=named).status_code == 409

    claims = AccessToken(issued["access"]).payload
    assert claims["auth_time"] == int(person.challenge.verified_at.timestamp())
    assert (claims["acr"], claims["amr"]) == ("face", ["pwd", "face"])
    assert page.has_shown_face(claims, 180)
    person.clock.shift(180)
    assert not page.has_shown_face(claims, 180)
    assert not page.has_shown_face(AccessToken.for_user(person.user).payload, 180)


@pytest.fixture
def ninja(run, person, monkeypatch):
    """The page about django-ninja, whose tokens our API accepts, and a phone with one."""
    pytest.importorskip("ninja")
    monkeypatch.setenv("NINJA_SKIP_REGISTRY", "1")  # the page is run for each test
    page = run("django-ninja.md")
    monkeypatch.setattr(APIView, "authentication_classes", [page.TokenAuthentication])
    with served(path("api/", page.api.urls), path("letters/", page.letters)):
        yield Phone(person, signing.dumps(person.user.pk, salt="token"))


@pytest.mark.parametrize("url", ["/api/balance", "/letters/"])
def test_custom_tokens(ninja, url):
    """Refused, shown at the URLs of our API, and in, without a session (F-81)."""
    assert Client().get(url).status_code == 401
    ninja.is_refused(url)
    assert ninja.refusal["start_url"] is None
    response = ninja.http.get(url, headers=ninja.shows())

    assert response.json()["user"] == ninja.person.user.username
    assert {"no-store", "private"} <= set(response["Cache-Control"].split(", "))
    assert not response.cookies
    ninja.is_refused("/api/close", "post")
    named = ninja.shows()
    assert ninja.http.post("/api/close", headers=named).json() == {"closed": True}
    assert ninja.http.post("/api/close", headers=named).status_code == 409


# -- staff and operators


def test_review(run, db):
    """A group for reviewers, and an admin site of the site's own."""
    page = run("review-desk.md")

    group = page.make_reviewers()

    assert group.permissions.count() == len(page.READ) + len(page.JUDGE)
    assert page.office.is_registered(FaceAuthentication)


@pytest.fixture
def registry(monkeypatch):
    """Forget what a test registers with the client of Prometheus."""
    monkeypatch.setattr(metrics, "listeners", [])
    before = set(REGISTRY._collector_to_names)
    yield
    for collector in set(REGISTRY._collector_to_names) - before:
        REGISTRY.unregister(collector)


@pytest.mark.usefixtures("db", "registry")
def test_monitor(run, monkeypatch, tmp_path):
    """A health check, and two pages for Prometheus."""
    page = run("monitor.md")
    page.ShopConfig("shop", django_faceauth).ready()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    pages = path("metrics/", page.metrics), path("metrics/of/all/", page.metrics_of_all)

    with served(*page.urlpatterns, *pages):
        health = Client().get("/health/work/?format=json")
        one, all_processes = (Client().get(url) for url in ("/metrics/", "/metrics/of/all/"))

    assert (health.status_code, list(health.json().values())) == (200, ["OK"])
    assert b"faceauth_healthy 1.0" in one.content
    assert b"faceauth_healthy 1.0" in all_processes.content
    assert b"faceauth_challenges_revoked_total 0.0" in one.content


# -- data protection


@pytest.mark.django_db(transaction=True)
def test_ask_for_consent(run, person, settings, templates):
    """In the site's own words, withdrawn on the page, of which the site is told."""
    words, link = code_blocks(DOCS / "how-to/consent.md", "html")
    (templates / "faceauth").mkdir()
    (templates / "faceauth" / "consent.html").write_text(words)
    page = run("consent.md")
    settings.FACEAUTH_CONSENT_VERSION = version = page.FACEAUTH_CONSENT_VERSION
    consent.give(person.user, version=version, language="en", now=timezone.now())
    url = re.search(r'href="([^"]+)"', Template(link).render(Context()))[1]

    try:
        assert b"Shop Ltd." in person.browser.get(url).content
        person.browser.post(url)
    finally:
        consent_withdrawn.disconnect(page.send_a_code_by_letter, sender=page.Consent)

    assert page.NOTES == [f"send {person.user.username} a code by letter"]


def test_privacy(run):
    """The periods are accepted, and less is stored."""
    page = run("privacy.md")
    facts = {"response_codes": [{"code": 61121}, {"code": 62321}], "risk_labels": ["x"]}

    with override_settings(FACEAUTH_RETENTION=page.FACEAUTH_RETENTION):
        assert conf.RETENTION["flows"].days == 30
    assert page.only_advice(facts) == {"response_codes": [{"code": 61121}]}
