"""What every page of ours owes to the browser, to the site and to people."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.core import signing
from django.core.files.storage import Storage
from django.db import connection
from django.template import loader
from django.test import override_settings
from django.urls import reverse
from django.utils import translation

import django_faceauth
from django_faceauth.messages import WORDINGS
from django_faceauth.response_codes import GENERAL_ADVICE, RETRY_ADVICE, advice_for
from django_faceauth.services.flow.progress import Word
from django_faceauth.services.notifications import SALT
from django_faceauth.simulator.scenarios import SUMMARIES
from tests.user_driver import form_in

TEMPLATES = Path(django_faceauth.__file__).parent / "templates" / "faceauth"
PARTS = {"base.html", "consent.html", "countdown.html", "snapshot.html", "start_form.html"}
PAGES = sorted({template.name for template in TEMPLATES.glob("*.html")} - PARTS)


@override_settings(FACEAUTH_REDIRECT_ALLOWLIST=["demobank://face/done"])
def back_to_an_app(person):
    """Let a program start, and return what the browser sees when it comes back."""
    pytest.importorskip("rest_framework")
    attempts = person.is_asked().replace("/face/start/", "/face/api/challenges/") + "attempts/"
    body = {"redirect_url": "demobank://face/done"}
    capture = person.browser.post(attempts, body, "application/json").json()["capture_url"]
    return person.returns(person.shows_face(capture))


@pytest.fixture
def _english():
    with translation.override("en"):
        yield


@pytest.fixture
def every_page(people, client, provider, _english):
    """One response of each page, by the name of its template."""
    stranger = people(None)
    person = people()
    start = person.is_asked()
    seen = {
        "denied.html": stranger.browser.get("/statements/"),
        "start.html": person.browser.get(start),
        "not_found.html": person.browser.get("/face/start/invented/"),
        "elsewhere.html": client.get("/face/returned/invented/"),
    }
    hand_over = seen["hand_over.html"] = person.presses(start)
    seen["waiting.html"] = person.browser.get(f"/face/waiting/{person.challenge.handle}/")
    seen["status"] = person.browser.get(f"/face/status/{person.challenge.handle}/")
    capture = re.search(r'url=([^"]+)"', hand_over.content.decode())[1]
    seen["result.html"] = person.waits(person.returns(person.shows_face(capture, "leave")))
    customer = people()
    kept = customer.is_asked("/change/", "post", data={"email": "a@example.com"})
    page = seen["continue.html"] = customer.proves(kept)
    _action, fields = form_in(page)
    seen["not_done.html"] = customer.browser.post("/once/", fields)
    report = reverse("faceauth:report", args=[signing.dumps(customer.challenge.pk, salt=SALT)])
    seen["report.html"] = client.get(report)
    seen["reported.html"] = client.post(report, follow=True)
    seen["your_consent.html"] = person.browser.get("/face/consent/")
    unlucky = people()
    unlucky.passes(outcome="someone_else")
    contest = f"/face/contest/{unlucky.challenge.handle}/"
    seen["contested.html"] = unlucky.browser.post(contest)
    seen["done.html"] = client.get("/face/done/")
    seen["back.html"] = back_to_an_app(people())
    provider.troubles.extend([lambda provider, request: provider.answer(request, 500)] * 3)
    seen["unavailable.html"] = person.presses(start)
    provider.troubles.clear()
    with override_settings(FACEAUTH_RATE_LIMITS={"unsuccessful": ["1/h"]}):
        seen["limited.html"] = person.presses(start)
    return seen


def test_every_page_is_sealed(every_page, people):
    """Not cached, not referred from, not framed, with a policy of its own (U-04, U-05)."""
    person = people()
    start = person.is_asked()
    person.proves(start)
    assert person.browser.get(start)["Cache-Control"] == "no-store, private"  # a redirect
    for name, response in every_page.items():
        assert response["Cache-Control"] == "no-store, private", name
        assert response["Referrer-Policy"] == "no-referrer", name
        assert "Cookie" in response["Vary"], name
        assert response["X-Frame-Options"] == "DENY", name
        assert response["X-Content-Type-Options"] == "nosniff", name
        policy = response["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy, name
        assert "form-action 'self'" in policy, name
        assert "unsafe" not in policy, name


def test_every_template_is_used_by_a_page(every_page):
    """The fixture above leaves none out, and each comes from its own template."""
    assert set(every_page) == {*PAGES, "status"}
    for name in PAGES:
        assert f"faceauth/{name}" in {template.name for template in every_page[name].templates}


class Bucket(Storage):
    """A storage whose files are on another host, whatever STATIC_URL says."""

    def url(self, name: str | None) -> str:
        return f"https://cdn.example.com/{name}"


@override_settings(
    STORAGES={
        "staticfiles": {"BACKEND": f"{__name__}.Bucket"},
    }
)
def test_static_files_may_live_elsewhere(person):
    policy = person.browser.get(person.is_asked())["Content-Security-Policy"]

    assert "style-src 'self' https://cdn.example.com;" in policy
    assert "form-action 'self';" in policy


class Reader(HTMLParser):
    """Collects what a page holds; raises on what it must not."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_no_page_holds_script_or_style_of_its_own(every_page):
    """A strict Content-Security-Policy has nothing to complain about (U-06): only our files."""
    for name in PAGES:
        page = Reader(every_page[name].content.decode())

        loaded = [tag["src"] for tag in page.all("script")]
        loaded += [tag["href"] for tag in page.all("link")]
        assert all(finders.find(url.removeprefix("/static/")) for url in loaded), name
        assert page.all("style") == [], name
        attributes = {key for _tag, attrs in page.tags for key in attrs}
        assert not {key for key in attributes if key.startswith("on") or key == "style"}, name


def test_every_page_is_a_whole_one(every_page):
    """A language, a direction, a title, one main part, one heading (U-08)."""
    viewport = {"name": "viewport", "content": "width=device-width, initial-scale=1"}
    for name in PAGES:
        page = Reader(every_page[name].content.decode())

        assert page.all("html") == [{"lang": "en", "dir": "ltr"}], name
        assert len(page.all("title")) == len(page.all("main")) == len(page.all("h1")) == 1, name
        assert viewport in page.all("meta"), name


def test_right_to_left_languages_turn_the_page_round(person):
    with translation.override("ar"):
        html = loader.render_to_string("faceauth/not_found.html")

    assert '<html lang="ar" dir="rtl">' in html


def test_waiting_works_without_javascript(every_page):
    html = every_page["waiting.html"].content.decode()

    assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in html
    assert 'role="status"' in html


@pytest.mark.parametrize("block", ["brand", "heading", "reason", "steps", "footer", "styles"])
def test_a_site_overrides_block_by_block(person, settings, tmp_path, block):
    """A template of the site's own extends ours and changes one block."""
    folder = tmp_path / "faceauth"
    folder.mkdir()
    (folder / "start.html").write_text(
        f"{{% extends 'faceauth/start.html' %}}{{% block {block} %}}OUR BANK{{% endblock %}}"
    )
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]

    page = person.browser.get(person.is_asked()).content.decode()

    assert "OUR BANK" in page
    assert 'type="submit"' in page


def test_a_site_says_why_for_each_action(person, settings, tmp_path):
    """`faceauth/reasons/<action>.html` takes the place of the general reason."""
    folder = tmp_path / "faceauth" / "reasons"
    folder.mkdir(parents=True)
    (folder / "payout.html").write_text("<p>You are about to send money.</p>")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]

    payout = person.browser.get(person.is_asked("/payout/")).content.decode()
    other = person.browser.get(person.is_asked("/statements/")).content.decode()

    assert "about to send money" in payout
    assert "about to send money" not in other


def test_under_login_required_middleware(person, client, settings):
    """The phone without a session is not sent to a login page."""
    middleware = "django.contrib.auth.middleware.LoginRequiredMiddleware"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, middleware]

    assert client.get("/face/returned/invented/").status_code == 200
    assert client.get("/face/status/invented/").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_under_atomic_requests(person, provider, monkeypatch):
    """What is remembered before a call is committed before it, whatever the site says (D-06)."""
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    in_transactions = []

    def look(provider, request):
        in_transactions.append(connection.in_atomic_block)
        return provider.faithfully(request)

    provider.troubles.extend([look] * 4)
    page = person.passes("/statements/")

    assert page.content.startswith(b"secret")
    assert in_transactions == [False] * 4


def test_every_word_has_its_text():
    assert set(WORDINGS) == {word.value for word in Word}


@pytest.mark.parametrize("code", sorted(code for code in SUMMARIES if 61000 <= code < 62000))
def test_every_code_that_asks_for_a_retry_has_advice(code):
    """Held against the simulator's list of what the provider says."""
    assert advice_for([code]) is not GENERAL_ADVICE


def test_only_codes_that_ask_for_a_retry_have_advice():
    """V-12."""
    assert all(61000 <= code < 62000 for code in RETRY_ADVICE)


@pytest.mark.parametrize("codes", [[], [61999], [62321], [10000], [0, -1]])
def test_other_codes_get_the_general_advice(codes):
    """Fraud codes above all (V-12)."""
    assert advice_for(codes) is GENERAL_ADVICE
