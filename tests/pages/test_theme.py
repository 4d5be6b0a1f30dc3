"""Our pages in the design of a site, as the how-to page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.template.loader import render_to_string
from django.urls import reverse

import django_faceauth
from django_faceauth.models import FaceChallenge
from tests.docs_parser import DOCS
from tests.pages.test_pages import Reader
from tests.server import MANAGE

OURS = Path(django_faceauth.__file__).parent / "static" / "faceauth"
BANK = MANAGE.parent / "bank"
DECLARED = re.compile(r"(--[\w-]+):\s*([^;]+);")
DARK = "@media (prefers-color-scheme: dark)"
SCHEMES = ["light", "dark"]
Properties = dict[str, str]


def properties(*files: Path) -> dict[str, Properties]:
    """Return the custom properties of stylesheets that follow each other, by scheme."""
    light: Properties = {}
    dark: Properties = {}
    for file in files:
        before, _, after = file.read_text().partition(DARK)
        later = after.partition("\n}\n")[0]
        light |= DECLARED.findall(before)
        dark |= dict(DECLARED.findall(before)) | dict(DECLARED.findall(later))
    return {"light": light, "dark": dark}


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours in hexadecimal (WCAG 2.2, "contrast ratio")."""
    darker, lighter = sorted(map(luminance, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """Return the relative luminance (WCAG 2.2, "relative luminance")."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def colour(values: Properties, name: str) -> str:
    """Return what a property comes to."""
    value = values[name]
    inner = re.fullmatch(r"var\((.+)\)", value)
    return colour(values, inner[1]) if inner else value


def test_the_dialog_has_the_same_defaults():
    pages, dialog = properties(OURS / "faceauth.css"), properties(OURS / "stepup.css")

    for scheme in SCHEMES:
        assert dialog[scheme].items() <= pages[scheme].items()


#: Foreground, background and least contrast ratio, as the how-to page lists them.
CONTRASTS = [
    ("--fa-text", "--fa-card", 4.5),
    ("--fa-text", "--fa-page", 4.5),
    ("--fa-soft", "--fa-card", 4.5),
    ("--fa-accent", "--fa-card", 4.5),
    ("--fa-on-accent", "--fa-accent", 4.5),
    ("--fa-on-accent", "--fa-accent-strong", 4.5),
    ("--fa-warm", "--fa-card", 3),
    ("--fa-focus", "--fa-card", 3),
    ("--fa-focus", "--fa-page", 3),
]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("brand", ["", "harbour", "meadow"])
def test_contrasts_are_sufficient(brand, scheme):
    static = BANK / "static" / "bank"
    dress = [static / f"{brand}.css", static / "face.css"] if brand else []
    values = properties(OURS / "faceauth.css", *dress)[scheme]

    for this, on_this, least in CONTRASTS:
        ratio = contrast(colour(values, this), colour(values, on_this))
        assert ratio >= least, (this, on_this, ratio)


@pytest.fixture
def done(settings, tmp_path, client):
    """A page of ours on a site with the template of the how-to."""
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
    assert links == ["/static/faceauth/faceauth.css", "/static/bank/meadow.css"]
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


def test_without_a_template_there_is_no_brand(client):
    page = Reader(client.get(reverse("faceauth:done")).content.decode())

    assert page.all("header") == page.all("img") == []
    assert len(page.all("link")) == 1
