"""The code of the how-to pages, run as it stands there."""

from __future__ import annotations

import json
import re
from types import ModuleType

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.core import signing
from django.template import Context, Template
from django.test import Client, override_settings
from django.urls import include, path
from django.utils import timezone
from django.views.generic import TemplateView
from prometheus_client import REGISTRY
from rest_framework.authtoken.models import Token
from rest_framework.routers import SimpleRouter
from rest_framework.test import RequestsClient
from rest_framework.views import APIView
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

import django_faceauth
from django_faceauth import metrics
from django_faceauth.conf import conf
from django_faceauth.messages import NOT_DONE, STEPUP
from django_faceauth.models import FaceAuthentication
from django_faceauth.services.enrolment import applicants
from django_faceauth.services.privacy import consent
from django_faceauth.signals import consent_withdrawn, locked_out
from tests.addresses import served
from tests.docs_parser import DOCS, code_blocks
from tests.gate.test_admin import chosen, make_staff
from tests.mobile_driver import Phone
from tests.site.models import Payment
from tests.site.views import payout, statements
from tests.user_driver import scripted


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


def test_gate_a_view(run, person):
    """A function, a class, and a view of somebody else."""
    page = run("gate-a-view.md")
    settings_view = page.Settings.as_view()
    with served(
        path("statements/", page.statements),
        path("customers/", page.customers),
        path("settings/", settings_view),
        path("admin/", admin.site.urls),
        *page.urlpatterns,
    ):
        assert person.passes("/statements/").content.startswith(b"Open until ")
        refused = person.browser.get("/customers/")
        assert "/login/" in refused["Location"]
        person.user.user_permissions.add(Permission.objects.get(codename="view_user"))
        assert b"Everybody" in person.passes("/customers/").content
        assert person.browser.post("/settings/").status_code == 302
        person.proves(person.is_asked("/password/", "post"))
        assert person.browser.post("/password/").status_code == 200

    assert page.verified(person.user, "aplt_another")


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
    assert (again.status_code, again.context["wording"]) == (409, NOT_DONE["used"])
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
    assert refused.context["wording"] == NOT_DONE["changed"]


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
    (html,) = code_blocks(DOCS / "how-to/show-expiry.md", "html")
    (tmp_path / "payout_form.html").write_text(f"form {html}")
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


@pytest.fixture
def registry(monkeypatch):
    """The registry of this process, which forgets what a test gives it."""
    monkeypatch.setattr(metrics, "listeners", [])
    before = set(REGISTRY._collector_to_names)
    yield REGISTRY
    for collector in set(REGISTRY._collector_to_names) - before:
        REGISTRY.unregister(collector)


def test_monitor(run, db, registry, monkeypatch, tmp_path):
    """A health check, and two pages for Prometheus."""
    page = run("monitor.md")
    page.ShopConfig("shop", django_faceauth).ready()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    pages = path("metrics/", page.metrics), path("metrics/of/all/", page.metrics_of_all)

    with served(*page.urlpatterns, *pages):
        health = Client().get("/health/work/?format=json")
        told = [Client().get(address) for address in ("/metrics/", "/metrics/of/all/")]

    assert (health.status_code, list(health.json().values())) == (200, ["OK"])
    assert all(b"faceauth_healthy 1.0" in answer.content for answer in told)
    assert b"faceauth_challenges_revoked_total 0.0" in told[0].content


# -- for programs

PROBLEM = "application/problem+json"


@pytest.fixture
def endpoints(run):
    """The page about endpoints, and the addresses of what it has."""
    page = run("protect-an-endpoint.md")
    router = SimpleRouter()
    router.register("payments", page.Payments, basename="payment")
    with served(
        path("statements/", page.Statements.as_view()),
        path("account/", page.Account.as_view()),
        path("letters/", page.letters),
        path("reports/", page.Reports.as_view()),
        path("async/<int:pk>/", page.PayAsync.as_view()),
        path("", include(router.urls)),
    ):
        yield page


@pytest.mark.usefixtures("endpoints")
@pytest.mark.parametrize(
    ("address", "method"),
    [
        ("/statements/", "get"),
        ("/account/", "delete"),
        ("/letters/", "post"),
        ("/reports/", "get"),
    ],
)
def test_protect_an_endpoint(person, address, method):
    """Asked, shown, and in, with a token and with a session (G-07)."""
    program = Phone(person)
    program.is_refused(address, method)
    named = program.shows()

    assert getattr(program.http, method)(address, headers=named).status_code == 200
    assert getattr(program.http, method)(address).status_code == 401
    assert getattr(person.browser, method)(address).status_code == 401


@pytest.mark.usefixtures("endpoints")
def test_methods_that_are_not_named_are_open(person):
    program = Phone(person)

    assert program.http.get("/account/").json() == {"account": person.user.username}
    assert program.http.get("/letters/").json() == {"letters": 3}
    assert program.http.options("/statements/").status_code == 200
    assert program.http.put("/statements/").status_code == 405


@pytest.mark.usefixtures("endpoints")
def test_one_payment_is_approved_and_paid(person, payment):
    program = Phone(person)
    address = f"/payments/{payment.pk}/pay/"
    program.is_refused(address, "post")
    named = program.shows()

    paid = program.http.post(address, headers=named)
    again = program.http.post(address, headers=named)

    payment.refresh_from_db()
    assert paid.json() == {"id": payment.pk, "payee": "Bob", "amount": "9.50", "paid": 1}
    assert payment.approved_by == person.challenge.handle
    assert (again.status_code, again.json()["code"]) == (409, "used")


@pytest.mark.usefixtures("endpoints")
def test_actions_of_a_viewset_ask_each_for_itself(person, payment):
    """Reading and writing down take a login, removing takes a face."""
    program = Phone(person)
    draft = {"payee": "Ann", "amount": "1.00"}
    assert program.http.get("/payments/").json()[0]["id"] == payment.pk
    assert program.http.post("/payments/", draft, "application/json").status_code == 201
    address = f"/payments/{payment.pk}/"

    program.is_refused(address, "delete")
    assert program.http.delete(address, headers=program.shows()).status_code == 204
    assert Payment.objects.get().payee == "Ann"


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("endpoints")
def test_an_async_endpoint(person, payment):
    program = Phone(person)
    program.is_refused(f"/async/{payment.pk}/", "post")
    named = program.shows()

    paid = program.http.post(f"/async/{payment.pk}/", headers=named)
    again = program.http.post(f"/async/{payment.pk}/", headers=named)

    assert (paid.status_code, paid.json()) == (200, {"paid": 1})
    assert (again.status_code, again["Content-Type"]) == (409, PROBLEM)


@pytest.mark.usefixtures("endpoints")
def test_who_gets_what(person, people, payment):
    """The table, row by row."""
    program, other = Phone(person), Phone(people())
    stranger, unknown = Client(), Phone(people(None))
    pay = f"/payments/{payment.pk}/pay/"

    def code(answer):
        is_problem = answer["Content-Type"] == PROBLEM
        return answer.status_code, answer.json()["code"] if is_problem else ""

    assert code(program.http.get("/statements/")) == (401, "face_required")
    assert code(program.http.get("/statements/", headers={"Accept": "text/html"}))[0] == 401
    assert code(stranger.get("/statements/")) == (403, "")
    assert code(stranger.get("/reports/")) == (403, "")
    assert code(other.http.post(pay)) == (404, "")
    assert code(unknown.http.get("/statements/")) == (403, "not_enrolled")
    with override_settings(FACEAUTH_FALLBACK="/by-phone/"):
        fallback_url = unknown.http.get("/statements/").json()["fallback_url"]
    assert fallback_url.startswith("http://testserver/by-phone/?challenge=")
    person.browser.session.save()
    session = person.browser.session
    session["hijack_history"] = ["1"]
    session.save()
    assert code(person.browser.get("/statements/")) == (403, "impersonated")
    program.is_refused(pay, "post")
    named = program.shows()
    Payment.objects.update(amount=99)
    assert code(program.http.post(pay, headers=named)) == (409, "changed")


@pytest.mark.usefixtures("endpoints")
def test_staff_need_no_face_where_the_page_says_so(person):
    make_staff(person)

    assert Phone(person).http.get("/reports/").status_code == 200


APP = "demobank://face/done"


@pytest.fixture
def mobile(run, endpoints, person):
    """The page about mobile apps, and an app: its function, and its requests."""
    http = RequestsClient()
    http.headers["Authorization"] = f"Bearer {AccessToken.for_user(person.user)}"
    with override_settings(FACEAUTH_REDIRECT_ALLOWLIST=[APP]):
        yield run("mobile-apps.md"), http


def approve(mobile, person, refused, *outcomes):
    """Run the function of the page with a person who does one thing after the other."""
    page, http = mobile
    plan = list(outcomes)
    seen = []

    def open_browser(link):
        seen.append(Client().get(person.shows_face(link, plan.pop(0))).content.decode())

    try:
        headers = page.approve(
            http, refused, open_browser, redirect_url=APP, sleep=person.clock.shift
        )
    finally:
        assert seen
        assert all(APP in html for html in seen)
    return headers


@pytest.mark.parametrize("outcomes", [["same_person"], ["leave", "no_camera", "same_person"]])
def test_a_mobile_app(mobile, person, payment, outcomes):
    """The code of the page, from the refusal to the repeated request."""
    _page, http = mobile
    url = f"http://testserver/payments/{payment.pk}/pay/"
    refused = http.post(url)
    assert refused.status_code == 401

    paid = http.post(url, headers=approve(mobile, person, refused, *outcomes))

    assert paid.json()["paid"] == 1


@pytest.mark.parametrize("outcome", ["someone_else", "refuse"])
def test_a_mobile_app_whose_user_is_not_approved(mobile, person, payment, outcome):
    page, http = mobile
    refused = http.post(f"http://testserver/payments/{payment.pk}/pay/")

    with pytest.raises(page.NotApproved) as caught:
        approve(mobile, person, refused, outcome)

    assert str(caught.value)
    assert Payment.objects.get().paid == 0


def test_a_mobile_app_that_meets_a_limit(mobile, person, payment):
    page, http = mobile
    refused = http.post(f"http://testserver/payments/{payment.pk}/pay/")

    with (
        override_settings(FACEAUTH_RATE_LIMITS={"unsuccessful": ["1/h"]}),
        pytest.raises(page.NotApproved),
    ):
        approve(mobile, person, refused, "leave", "same_person")

    assert Payment.objects.get().paid == 0


def test_the_refusal_is_the_one_of_the_page(mobile, payment):
    """Header and fields, as they are shown there (G-07)."""
    _page, http = mobile
    text = (DOCS / "how-to/mobile-apps.md").read_text()
    shown = re.search(r'^\{\n  "type".*?^\}', text, re.M | re.S)[0]

    refused = http.post(f"http://testserver/payments/{payment.pk}/pay/")
    statements = http.get("http://testserver/statements/")

    assert list(refused.json()) == list(json.loads(shown))
    assert f"WWW-Authenticate: {statements.headers['WWW-Authenticate']}" in text
    looked = http.get(refused.json()["status_url"]).json()
    for name in ("state", "message", "snapshot", "verified_at", "expires_at", "fallback_url"):
        assert name in looked
        assert f"`{name}`" in text


def test_tokens_of_one_log_in_share_a_question(run, endpoints, person):
    """`sid` is the same in what a refresh token is traded for, and another at each log-in."""
    serializer = run("service-to-service.md").TokenSerializer
    here, elsewhere = serializer.get_token(person.user), serializer.get_token(person.user)
    program = Phone(person, here.access_token)
    program.is_refused("/statements/")
    named = program.shows()

    program.uses(RefreshToken(str(here)).access_token)
    assert program.http.get("/statements/", headers=named).status_code == 200
    program.uses(elsewhere.access_token)
    assert program.http.get("/statements/", headers=named).status_code == 401
    program.uses(AccessToken.for_user(person.user))
    assert program.http.get("/statements/", headers=named).status_code == 401


def test_tokens_without_a_name_share_the_handle(endpoints, person):
    program = Phone(person)
    program.is_refused("/statements/")
    named = program.shows()

    program.uses(AccessToken.for_user(person.user))

    assert program.http.get("/statements/", headers=named).status_code == 200
    assert program.http.get("/statements/").status_code == 401


def test_a_token_that_is_a_row_is_that_row(endpoints, person):
    """A new one is another credential, and what was revoked is none."""
    program = Phone(person)
    row = Token.objects.create(user=person.user)
    program.headers = {"authorization": f"Token {row.key}"}
    program.is_refused("/statements/")
    named = program.shows()
    assert program.http.get("/statements/", headers=named).status_code == 200

    row.delete()
    assert program.http.get("/statements/", headers=named).status_code == 403
    new = Token.objects.create(user=person.user)
    program.headers = {"authorization": f"Token {new.key}"}
    assert program.http.get("/statements/", headers=named).status_code == 401


@pytest.mark.parametrize(
    "change", [lambda person: new_password(person), lambda person: relink(person)]
)
def test_a_new_password_or_applicant_ends_what_tokens_were_granted(endpoints, person, change):
    program = Phone(person)
    program.is_refused("/statements/")
    named = program.shows()

    change(person)

    assert program.http.get("/statements/", headers=named).status_code == 401


def new_password(person):
    person.user.set_password("another")
    person.user.save()


def relink(person):
    applicants.link(person.user, "aplt_another")


class Row:
    """What an access token of django-oauth-toolkit has that the page looks at."""

    application_id = 7
    scope = "read settlement"

    def __init__(self, family=None):
        if family:
            self.refresh_token = type("Refresh", (), {"token_family": family})


@pytest.mark.parametrize(
    ("token", "name"),
    [(Row("f1"), "oauth 7 f1"), (Row("f2"), "oauth 7 f2"), (Row(), "oauth 7 ")],
)
def test_a_credential_is_what_one_authorization_has_in_common(run, token, name):
    request = type("Request", (), {"auth": token})

    assert run("service-to-service.md").credential_of(request) == name


def test_a_service_without_a_user_has_a_permission_of_its_own(run, rf):
    page = run("service-to-service.md")
    request = rf.post("/")

    for auth, allowed in ((Row(), True), (None, False)):
        request.auth = auth
        assert page.IsSettlement().has_permission(request, None) is allowed


def test_later_work_looks_again(run, endpoints, person):
    """And sees that an approval was taken back, or that its time is over."""
    export = run("service-to-service.md").export_statements
    program = Phone(person)
    handle = program.is_refused("/statements/")
    assert export(person.user.pk, handle) == "too late, or taken back"
    program.shows()
    assert export(person.user.pk, handle) == "exported"

    person.clock.shift(600)

    assert export(person.user.pk, handle) == "too late, or taken back"


def test_a_token_says_that_a_face_was_shown(run, person):
    """Once for each face, and not longer than it is true (G-09)."""
    page = run("tokens.md")
    with served(path("step-up/", page.StepUp.as_view())):
        program = Phone(person)
        program.is_refused("/step-up/", "post")
        named = program.shows()
        told = program.http.post("/step-up/", headers=named).json()
        assert program.http.post("/step-up/", headers=named).status_code == 409

    claims = AccessToken(told["access"]).payload
    assert claims["auth_time"] == int(person.challenge.verified_at.timestamp())
    assert (claims["acr"], claims["amr"]) == ("face", ["pwd", "face"])
    assert page.has_shown_face(claims, 180)
    person.clock.shift(180)
    assert not page.has_shown_face(claims, 180)
    assert not page.has_shown_face(AccessToken.for_user(person.user).payload, 180)


def test_single_page_apps(run, person, payment, settings, tmp_path):
    """The page that carries the module, and the four calls."""
    (html, *_) = code_blocks(DOCS / "how-to/single-page-apps.md", "html")
    (tmp_path / "shop.html").write_text(html)
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    page = run("single-page-apps.md")
    pay = f"/api/payments/{payment.pk}/pay/"

    with served(*page.urlpatterns, path("", TemplateView.as_view(template_name="shop.html"))):
        shop = person.browser.get("/")
        refused = person.browser.post(pay).json()
        started = person.browser.post(refused["attempts_url"], content_type="application/json")
        assert person.browser.get(refused["status_url"]).json()["next"] == "wait"
        done = person.returns(person.shows_face(started.json()["capture_url"]))
        person.clock.shift(3)
        assert person.browser.get(refused["status_url"]).json()["next"] == "repeat"
        named = {"Face-Challenge": refused["challenge"]}
        paid = person.browser.post(pay, headers=named).json()

    assert f'"heading": "{STEPUP["heading"]}"' in shop.content.decode()
    assert "csrfmiddlewaretoken" in shop.content.decode()
    assert done["Location"] == "/face/done/"
    assert paid == {"payee": "Bob", "approval": refused["challenge"]}


def test_dashboard(run, people):
    """The numbers of the page, for an endpoint of the site's own."""
    page = run("dashboard.md")
    with served(path("statements/", statements)):
        people(scripted("62321")).passes("/statements/")

    assert page.declined_today() == 1


def test_everything_of_a_user_ends(run, person):
    """What the page about notices has for the site's own reasons."""
    person.passes()

    assert run("notices.md").end_everything(person.user) == 1
    assert (person.challenge.state, person.challenge.reason) == ("revoked", "staff")


def test_offer_another_way(run, person, settings, tmp_path):
    """A code in place of a face, from the page with the question to the page that was asked for."""
    (html, *_) = code_blocks(DOCS / "how-to/fallback.md", "html")
    (tmp_path / "by_code.html").write_text(html)
    (tmp_path / "by_code_over.html").write_text("over")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    page = run("fallback.md")
    page.is_right = lambda user, code: (user, code) == (person.user, "1234")
    settings.FACEAUTH_FALLBACK = page.FACEAUTH_FALLBACK

    with served(*page.urlpatterns, path("statements/", statements)):
        person.is_asked("/statements/")
        other_way = f"/by-code/?challenge={person.challenge.handle}"
        assert b"Your code" in person.browser.get(other_way).content
        assert person.browser.post(other_way, {"code": "1111"}).status_code == 200
        done = person.browser.post(other_way, {"code": "1234"})
        assert done["Location"] == "/statements/"
        assert person.browser.get("/statements/").status_code == 200
        assert person.browser.get(other_way).content == b"over"

    assert person.challenge.method == "code"


def test_exempt_people(run, person, people):
    """For a month, until somebody ends it."""
    page = run("exempt-people.md")
    with served(path("payout/", payout)):
        exemption = page.exempt_for_a_month(person.user, people().user)
        assert person.browser.get("/payout/").status_code == 200
        page.end(exemption)
        assert person.browser.get("/payout/").status_code == 302


@pytest.fixture
def told(run):
    """The page about limits; its receiver listens for one test alone."""
    page = run("limits.md")
    yield
    locked_out.disconnect(page.tell)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("told")
def test_users_are_told_of_a_lock_out(people, mailoutbox):
    person = people(scripted("62321"))
    person.user.email = "person@shop.example"
    person.user.save()

    with override_settings(FACEAUTH_RATE_LIMITS={"lockout": (1, "30m")}):
        person.passes()

    (mail,) = mailoutbox
    assert mail.to == ["person@shop.example"]
    assert "You can go on at 12:3" in mail.body


# -- review-desk.md


def test_a_group_for_reviewers(run, db):
    page = run("review-desk.md")

    group = page.make_reviewers()

    assert group.permissions.count() == len(page.READ) + len(page.JUDGE)


def test_an_admin_site_of_the_sites_own(run):
    assert run("review-desk.md").office.is_registered(FaceAuthentication)


@pytest.fixture
def consents(run, settings):
    """The page about consent; its receiver listens for one test alone."""
    page = run("consent.md")
    settings.FACEAUTH_CONSENT_VERSION = page.FACEAUTH_CONSENT_VERSION
    yield page
    consent_withdrawn.disconnect(page.send_a_code_by_letter, sender=page.Consent)


def test_ask_for_consent(consents, person, settings, tmp_path):
    """Words of the site's own, agreed to by a program, and withdrawn on the page."""
    words, link = code_blocks(DOCS / "how-to/consent.md", "html")
    (tmp_path / "faceauth").mkdir()
    (tmp_path / "faceauth" / "consent.html").write_text(words)
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    http = RequestsClient()
    http.headers["Authorization"] = f"Bearer {AccessToken.for_user(person.user)}"
    refused = http.get("http://testserver/shop/secret/").json()
    shown = []

    declined = consents.start(http, refused["attempts_url"], lambda text: shown.append(text))
    started = consents.start(http, refused["attempts_url"], lambda text: True)

    assert "Shop Ltd. has Checkout.com compare" in shown[0]
    assert (declined.status_code, started.status_code) == (400, 201)
    page = re.search(r'href="([^"]+)"', Template(link).render(Context()))[1]
    assert b"Shop Ltd." in person.browser.get(page).content
    person.browser.post(page)
    assert declined.json()["consent_version"] == consents.FACEAUTH_CONSENT_VERSION


@pytest.mark.django_db(transaction=True)
def test_the_site_hears_of_a_withdrawal(consents, person):
    consent.give(person.user, version="2026-11", language="en", now=timezone.now())

    person.browser.post("/face/consent/")

    assert consents.NOTES == [f"send {person.user.username} a code by letter"]


# -- privacy-duties.md


def test_the_duties_of_privacy(run, person):
    """The periods are accepted, and the code forgets."""
    page = run("privacy-duties.md")
    person.passes()

    with override_settings(FACEAUTH_RETENTION=page.FACEAUTH_RETENTION):
        assert conf.RETENTION["flows"].days == 30
    wish = page.forget(person.user, person.user)

    assert (wish.tasks.get().state, applicants.is_enrolled(person.user)) == ("due", False)


def test_less_is_kept(run):
    only_advice = run("privacy-duties.md").only_advice

    facts = {"response_codes": [{"code": 61121}, {"code": 62321}], "risk_labels": ["x"]}

    assert only_advice(facts) == {"response_codes": [{"code": 61121}]}


# -- django-ninja


@pytest.fixture
def tokens(run, person, monkeypatch):
    """The page about django-ninja, whose tokens our API knows too, and a phone with one."""
    pytest.importorskip("ninja")
    monkeypatch.setenv("NINJA_SKIP_REGISTRY", "1")  # the page is run for each test
    page = run("django-ninja.md")
    monkeypatch.setattr(APIView, "authentication_classes", [page.TokenAuthentication])
    with served(path("api/", page.api.urls), path("letters/", page.letters)):
        yield Phone(person, signing.dumps(person.user.pk, salt="token"))


@pytest.mark.parametrize("address", ["/api/balance", "/letters/"])
def test_a_client_with_a_token_of_the_site(tokens, address):
    """Asked, shown at the addresses of our API, and in, without a session (F-81)."""
    assert Client().get(address).status_code == 401
    tokens.is_refused(address)
    assert tokens.refusal["start_url"] is None
    opened = tokens.http.get(address, headers=tokens.shows())

    assert opened.json()["user"] == tokens.person.user.username
    assert {"no-store", "private"} <= set(opened["Cache-Control"].split(", "))
    assert not opened.cookies
    assert tokens.http.get(address).status_code == 401


def test_an_operation_that_is_approved_once(tokens):
    """(F-81)."""
    tokens.is_refused("/api/close", "post")
    named = tokens.shows()

    assert tokens.http.post("/api/close", headers=named).json() == {"closed": True}
    assert tokens.http.post("/api/close", headers=named).status_code == 409
