"""The same flow in two dresses, by settings and stylesheets alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looking import COLOURS, RULES, STICKS_OUT, switch_scheme, violations
from tests.browser.test_app import dialog, opens_the_app, writes_down
from tests.browser.test_flow import goes_to_the_camera, says, shows

LOOKS = """() => {
  const of = (selector, name) => getComputedStyle(document.querySelector(selector))[name];
  return {
    page: of("body", "backgroundColor"), card: of(".fa-card", "backgroundColor"),
    button: of(".fa-button", "backgroundColor"), corner: of(".fa-button", "borderRadius"),
    heading: of("h1", "fontFamily"), text: of("p", "fontFamily"),
    logo: document.querySelector(".fa-logo").src.split("/").pop(),
  };
}"""


@pytest.fixture
def comes(visit: Callable[..., Page], bank: str, meadow: str) -> Callable[..., Page]:
    """Log a user in at one of the banks."""

    def comes(brand: str, name: str = "alice", **options: object) -> Page:
        return visit(name, at={"harbour": bank, "meadow": meadow}[brand], **options)

    return comes


def asked(page: Page) -> Page:
    page.goto("/statements/")
    says(page, "Confirm it's you")
    return page


def test_colours_fonts_corners_and_logo_differ(comes):
    """In both schemes; each scheme differs from the other too."""
    looks = {}
    for brand in ("harbour", "meadow"):
        page = asked(comes(brand))
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            looks[brand, scheme] = page.evaluate(LOOKS)

    for scheme in ("light", "dark"):
        one, other = looks["harbour", scheme], looks["meadow", scheme]
        assert [part for part in one if one[part] == other[part]] == []
    for brand in ("harbour", "meadow"):
        assert looks[brand, "light"]["button"] != looks[brand, "dark"]["button"]
    assert looks["meadow", "light"]["button"] == "rgb(123, 45, 102)"


def look(page: Page, found: dict[tuple[str, str], list[str]], name: str) -> None:
    """Write down what is wrong with a page, in both schemes, and at 320 pixels."""
    for scheme, rules in (("light", RULES), ("dark", COLOURS)):
        switch_scheme(page, scheme)
        found[name, scheme] = violations(page, rules=rules) + page.evaluate(STICKS_OUT)
    wide = page.viewport_size
    page.set_viewport_size({"width": 320, "height": 640})
    found[name, "narrow"] = page.evaluate(STICKS_OUT)
    page.set_viewport_size(wide)


@pytest.mark.parametrize("brand", ["harbour", "meadow"])
def test_axe_finds_nothing_on_the_way(comes, brand):
    page = comes(brand, "bob")
    found = {}

    looks = partial(look, page, found)
    for address in ("/", "/payout/", "/app/", "/face/consent/"):
        page.goto(address)
        looks(address)
    page.goto("/payout/")
    page.fill("[name=payee]", "")
    page.fill("[name=amount]", "-1")
    page.eval_on_selector("main form", "form => { form.noValidate = true; form.requestSubmit(); }")
    page.locator(".errorlist").first.wait_for()
    looks("errors")
    asked(page)
    looks("start")
    goes_to_the_camera(page)
    looks("camera")
    shows(page)
    says(page, "could not confirm")
    looks("declined")
    page.goto("/simulator/")  # which has webhooks to show by now
    looks("simulator")
    opens_the_app(page)
    writes_down(page, "Ms. Quay").click()
    expect(dialog(page)).to_be_visible()
    looks("dialog")

    assert {state: told for state, told in found.items() if told} == {}


def test_axe_finds_nothing_behind_the_gate(comes):
    """Statements with the countdown, a payout from the draft to the receipt, and the login.

    A payee without a space sticks out of none of them.
    """
    page = comes("meadow", "frank")
    found = {}

    looks = partial(look, page, found)
    for address in ("/statements/", "/settings/"):
        page.goto(address)
        goes_to_the_camera(page)
        shows(page)
        page.wait_for_url(f"**{address}")
        looks(address)
    page.goto("/payout/")
    page.fill("[name=payee]", "W" * 70)
    page.fill("[name=amount]", "112.50")
    page.get_by_role("button", name="Review payment").click()
    says(page, "Review payment")
    looks("draft")
    page.get_by_role("button", name="Approve and send").click()
    goes_to_the_camera(page)
    shows(page)
    says(page, "Please confirm")
    looks("continue")
    page.get_by_role("button", name="Confirm").click()
    says(page, "Your money is on its way")
    looks("receipt")
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login/**")
    looks("login")

    assert {state: told for state, told in found.items() if told} == {}
