"""Our pages in the dress of a site: by settings and a stylesheet, as the how-to page says."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest
from django.template import engines
from django.test import override_settings
from django.urls import reverse

import django_faceauth
from django_faceauth.conf import KNOWN, PREFIX
from tests.docs_parser import DOCS
from tests.pages.test_pages import Reader
from tests.server import MANAGE

PAGE = DOCS / "how-to" / "theme.md"
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


def table(heading: str) -> list[list[str]]:
    """Return the rows of the table whose first heading is this, without backquotes."""
    rows = PAGE.read_text().partition(f"| {heading} |")[2].partition("\n\n")[0].split("\n")[2:]
    return [[cell.strip(" `") for cell in row.strip("|").split(" | ")] for row in rows]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.M | re.S)


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


def test_the_reference_names_what_the_stylesheet_has():
    """Every property with both defaults, and no other."""
    ours = properties(OURS / "faceauth.css")

    named = {row[0]: (row[2], row[3] or row[2]) for row in table("property")}

    assert named == {name: (ours["light"][name], ours["dark"][name]) for name in ours["light"]}


def test_the_dialog_has_the_same_defaults():
    """Pages and dialog look alike before anybody has dressed them."""
    pages, dialog = properties(OURS / "faceauth.css"), properties(OURS / "stepup.css")

    for scheme in SCHEMES:
        assert dialog[scheme].items() <= pages[scheme].items()


def test_every_property_is_used():
    css = (OURS / "faceauth.css").read_text()

    assert [name for name, *_ in table("property") if f"var({name})" not in css] == []


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("brand", ["", "harbour", "meadow"])
def test_duties_are_kept(brand, scheme):
    """By our own looks and by both of the example."""
    static = BANK / "static" / "bank"
    dress = [static / f"{brand}.css", static / "face.css"] if brand else []
    values = properties(OURS / "faceauth.css", *dress)[scheme]

    for this, on_this, least in table("this"):
        ratio = contrast(colour(values, this), colour(values, on_this))
        assert ratio >= float(least), (this, on_this, ratio)


def test_the_settings_of_the_page_are_ours():
    module = ModuleType("settings")
    for block in blocks("python"):
        exec(block, vars(module))

    given = {name.removeprefix(PREFIX) for name in vars(module) if name.startswith(PREFIX)}

    assert given == {"BRAND_NAME", "BRAND_LOGO", "STYLESHEETS"} <= KNOWN


def test_the_stylesheet_of_the_page_sets_our_properties():
    names = {name for block in blocks("css") for name, _ in DECLARED.findall(block)}

    assert names <= {row[0] for row in table("property")}
    assert names


def test_the_template_of_the_page_changes_all_pages(settings, tmp_path, client):
    """A base template that extends the one it is named after."""
    folder = tmp_path / "faceauth"
    folder.mkdir()
    (folder / "base.html").write_text(*blocks("html"))
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]

    page = client.get("/face/done/").content.decode()

    assert '<footer><p><a href="/help/">Help</a></p></footer>' in page
    assert "<h1" in page


@override_settings(
    FACEAUTH_BRAND_NAME="Meadow & Sons",
    FACEAUTH_BRAND_LOGO="bank/meadow.svg",
    FACEAUTH_STYLESHEETS=["bank/meadow.css", "bank/face.css"],
)
def test_name_logo_and_stylesheets_are_on_the_page(client):
    """The stylesheets after ours, in their order; the name is text, whatever is in it."""
    response = client.get(reverse("faceauth:done"))
    page = Reader(response.content.decode())

    links = [link["href"] for link in page.all("link") if link["rel"] == "stylesheet"]
    assert links == [f"/static/{name}" for name in ("faceauth/faceauth.css", *MEADOW)]
    assert [image["src"] for image in page.all("img")] == ["/static/bank/meadow.svg"]
    assert [image["alt"] for image in page.all("img")] == [""]  # the name stands beside it
    assert "<bdi>Meadow &amp; Sons</bdi>" in response.content.decode()
    assert " · Meadow &amp; Sons</title>" in response.content.decode()
    assert {"href": "/home/"} in page.all("a")


MEADOW = ["bank/meadow.css", "bank/face.css"]


def test_without_settings_there_is_no_brand(client):
    page = Reader(client.get(reverse("faceauth:done")).content.decode())

    assert page.all("header") == page.all("img") == []
    assert len(page.all("link")) == 1


def test_a_site_asks_for_its_brand_in_templates_of_its_own(settings):
    settings.FACEAUTH_BRAND_NAME = "Meadow Mutual"
    template = "{% load faceauth %}{% face_brand as brand %}{{ brand.name }} {{ brand.home }}"

    assert engines["django"].from_string(template).render() == "Meadow Mutual /home/"


def test_the_example_overrides_no_template():
    """It says for each action why it asks, and no more."""
    own = sorted((BANK / "templates" / "faceauth").rglob("*.html"))

    assert own
    assert {template.parent.name for template in own} == {"reasons"}
