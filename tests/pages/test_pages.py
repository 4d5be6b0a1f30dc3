"""What every page of ours owes to browsers, sites and users."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.staticfiles import finders
from django.core.files.storage import Storage
from django.db import connection, transaction
from django.template.loader import render_to_string
from django.test import override_settings
from django.urls import reverse
from django.utils import translation

import django_faceauth
from django_faceauth.messages import RETRY, WORDINGS
from django_faceauth.models import FaceChallenge
from django_faceauth.response_codes import GENERAL_ADVICE, RETRY_ADVICE, advice_for
from django_faceauth.simulator.scenarios import SUMMARIES
from tests.docs_parser import DOCS
from tests.pages import situations

TEMPLATES = Path(django_faceauth.__file__).parent / "templates" / "faceauth"
PARTS = {"base.html", "consent.html", "countdown.html", "snapshot.html", "start_form.html"}
OPTIONAL = set() if apps.is_installed("allauth.mfa") else {"second_way.html", "second_ways.html"}
PAGES = sorted({template.name for template in TEMPLATES.glob("*.html")} - PARTS - OPTIONAL)


@pytest.fixture
def every_page(clock, provider, db):
    """Every page in every situation, by the name of the situation."""
    with translation.override("en"):
        return dict(situations.all_of_them(clock, provider))


def test_every_page_is_sealed(every_page, person):
    """Not cached, not referred from, not framed, with a policy of its own (U-04, U-05)."""
    start = person.is_asked()
    every_page["status"] = person.browser.get(start.replace("/start/", "/status/"))
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


def test_every_page_is_a_whole_one_without_script_or_style_of_its_own(every_page):
    """A language, a direction, a title, one main part, one heading (U-08).

    A strict Content-Security-Policy has nothing to complain about (U-06): only our files.
    """
    viewport = {"name": "viewport", "content": "width=device-width, initial-scale=1"}
    used = {template.name for page in every_page.values() for template in page.templates}
    assert {f"faceauth/{name}" for name in PAGES} <= used
    for name, response in every_page.items():
        page = Reader(response.content.decode())
        assert page.all("html") == [{"lang": "en", "dir": "ltr"}], name
        assert len(page.all("title")) == len(page.all("main")) == len(page.all("h1")) == 1, name
        assert viewport in page.all("meta"), name
        loaded = [tag["src"] for tag in page.all("script")]
        loaded += [tag["href"] for tag in page.all("link")]
        assert all(finders.find(url.removeprefix("/static/")) for url in loaded), name
        assert page.all("style") == [], name
        attributes = {key for _tag, attrs in page.tags for key in attrs}
        assert not {key for key in attributes if key.startswith("on") or key == "style"}, name
    # Nothing speaks up by itself where nothing has happened yet.
    assert not re.search("role=.(alert|status)|aria-live", every_page["start"].content.decode())
    waiting = every_page["waiting"].content.decode()
    assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in waiting
    assert 'role="status"' in waiting


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


@pytest.mark.parametrize("block", ["brand", "heading", "reason", "steps", "footer", "styles"])
def test_a_site_overrides_block_by_block(person, settings, tmp_path, block):
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
    folder = tmp_path / "faceauth" / "reasons"
    folder.mkdir(parents=True)
    (folder / "payout.html").write_text("<p>You are about to send money.</p>")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]

    payout = person.browser.get(person.is_asked("/payout/")).content.decode()
    other = person.browser.get(person.is_asked("/statements/")).content.decode()

    assert "about to send money" in payout
    assert "about to send money" not in other


@pytest.fixture
def done(settings, tmp_path, client):
    """A page of ours on a site with the template of the how-to about themes."""
    folder = tmp_path / "faceauth"
    folder.mkdir()
    page = (DOCS / "how-to" / "theme.md").read_text()
    (template,) = re.findall(r"^```html\n(.*?)^```$", page, re.M | re.S)
    (folder / "base.html").write_text(template)
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    return client.get(reverse("faceauth:done")).content.decode()


def test_the_template_of_the_page_changes_all_pages(done):
    page = Reader(done)

    links = [link["href"] for link in page.all("link") if link["rel"] == "stylesheet"]
    names = ["faceauth/stepup.css", "faceauth/faceauth.css", "bank/meadow.css"]
    assert links == [f"/static/{name}" for name in names]
    assert [image["src"] for image in page.all("img")] == ["/static/bank/meadow.svg"]
    assert " · Meadow Mutual</title>" in done
    assert '<footer><p><a href="/help/">Help</a></p></footer>' in done
    assert "<h1" in done


@pytest.mark.usefixtures("done")
@pytest.mark.parametrize("name", ["back", "elsewhere", "hand_over", "waiting"])
def test_pages_that_lead_on_keep_the_style_of_the_site(name):
    context = {"again": "?again=1", "challenge": FaceChallenge(handle="handle")}
    page = Reader(render_to_string(f"faceauth/{name}.html", context))

    assert "/static/bank/meadow.css" in [link["href"] for link in page.all("link")]
    assert "refresh" in [tag.get("http-equiv") for tag in page.all("meta")]


def test_under_login_required_middleware(person, client, settings):
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


def surround(get_response):
    """Open a transaction around each request, as middleware of some sites does."""

    def middleware(request):
        with transaction.atomic():
            return get_response(request)

    return middleware


@pytest.mark.parametrize("levels", [["ERROR"], []])
def test_the_log_says_that_a_transaction_is_held_while_the_provider_is_called(
    person, settings, caplog, levels
):
    """(F-87)."""
    if levels:
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.surround"]
    person.browser = person.new_browser()

    person.is_handed_over(person.is_asked())

    said = "inside of a transaction of the site"
    assert [record.levelname for record in caplog.records if said in record.message] == levels


def test_every_word_has_its_text():
    assert set(WORDINGS) == {*FaceChallenge.State.values, RETRY}


def test_codes_that_ask_for_a_retry_have_advice_and_no_others():
    """Held against the simulator's list of what the provider says; not fraud codes (V-12)."""
    for code in SUMMARIES:
        has_advice = 61000 <= code < 62000
        assert (advice_for([code]) is not GENERAL_ADVICE) == has_advice, code
    assert all(61000 <= code < 62000 for code in RETRY_ADVICE)
    for codes in ([], [61999], [0, -1]):
        assert advice_for(codes) is GENERAL_ADVICE
