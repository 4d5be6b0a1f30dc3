"""Our pages, in every state, for users who see, read, point and move in other ways.

What WCAG 2.2 asks at levels A and AA, as far as a machine can tell. The pages come from
the test site; what stands in `tests/pages/situations.py` is shown without a server.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.browser.looking import (
    COLOURS,
    RULES,
    SMALL,
    STICKS_OUT,
    USABLE,
    Showcase,
    switch_scheme,
    tabbed_through,
    violations,
)
from tests.browser.states import written
from tests.browser.test_app import approves, dialog, opens_the_app, opens_the_camera, writes_down
from tests.browser.test_desk import tabs_to
from tests.browser.test_flow import CAPTURE, says, shows
from tests.pages.situations import LONG

#: What people may set for themselves (WCAG 1.4.12).
SPACED = """* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
  word-spacing: 0.16em !important } p { margin-block-end: 2em !important }"""
LARGE = "html { font-size: 200% }"
USED = "a[href], button, input"
WRITES_DOWN_CHANGES = """() => {
  window.changes = [];
  const watcher = new MutationObserver((changes) => window.changes.push(...changes.map(String)));
  watcher.observe(document, { subtree: true, childList: true, characterData: true });
}"""
WIDE = {"width": 1280, "height": 900}
NARROW = {"width": 320, "height": 640}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """Every state, by language and name."""
    return written(tmp_path_factory.mktemp("states"))


@pytest.fixture(scope="module")
def states(pages: dict[str, dict[str, str]]) -> dict[str, str]:
    return pages["en"]


@pytest.fixture(scope="module")
def arabic(pages: dict[str, dict[str, str]]) -> dict[str, str]:
    return pages["ar"]


@pytest.fixture
def showcase(browser: Browser, states: dict[str, str]) -> Iterator[Callable[..., Showcase]]:
    """A maker of windows."""
    contexts: list[BrowserContext] = []

    def open_window(states: dict[str, str] = states, **options: object) -> Showcase:
        contexts.append(browser.new_context(**{"viewport": WIDE, **options}))
        return Showcase(contexts[-1], states)

    yield open_window
    for context in contexts:
        context.close()


def test_axe_finds_nothing(showcase):
    """On any page, in any state, in both colour schemes (U-08); titles begin as pages do."""
    window = showcase()
    found = {}
    for name in window.states:
        page = window.show(name)
        assert page.title().startswith(page.locator("h1").inner_text()), name  # WCAG 2.4.2
        for scheme, rules in (("light", RULES), ("dark", COLOURS)):
            switch_scheme(page, scheme)
            found[name, scheme] = violations(page, rules=rules)

    assert {state: told for state, told in found.items() if told} == {}


#: Reflow, zoom, text size and text spacing (WCAG 1.4.4, 1.4.10, 1.4.12).
LAYOUTS = {
    "at 320 pixels": (NARROW, ""),
    "at 200 %": ({"width": 640, "height": 450}, ""),
    "with large text": ({"width": 640, "height": 450}, LARGE),
    "narrow and spaced": (NARROW, SPACED),
    "spaced": (WIDE, SPACED),
}


def test_nothing_sticks_out_or_is_too_small(showcase):
    """Targets are 24 by 24 pixels, without an exception (WCAG 2.5.8)."""
    window = showcase()
    found = {}
    for name in window.states:
        page = window.show(name)
        found[name, "wide"] = page.evaluate(SMALL)
        page.evaluate("document.head.append(document.createElement('style'))")
        for layout, (viewport, style) in LAYOUTS.items():
            page.set_viewport_size(viewport)
            page.evaluate("(css) => { document.head.lastElementChild.textContent = css; }", style)
            found[name, layout] = page.evaluate(STICKS_OUT)
            if (viewport, style) == (NARROW, ""):
                found[name, layout] += page.evaluate(SMALL)
        page.set_viewport_size(WIDE)

    assert {state: told for state, told in found.items() if told} == {}


def test_right_to_left(showcase, arabic):
    """The page is turned round as a whole, and fits there too."""
    window = showcase(arabic, viewport=NARROW)
    found = {}
    for name in window.states:
        page = window.show(name)
        expect(page.locator("html")).to_have_attribute("dir", "rtl")
        expect(page.locator("html")).to_have_attribute("lang", "ar")
        found[name] = page.evaluate(STICKS_OUT) + violations(page)
    assert {state: told for state, told in found.items() if told} == {}

    box, label = (
        window.show("start with the box").locator(f".fa-tick {part}").bounding_box()
        for part in ("input", "label")
    )
    assert box["x"] > label["x"]
    icon = window.page.locator(".fa-icon").bounding_box()
    assert icon["x"] > NARROW["width"] / 2


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
def test_the_keyboard_reaches_everything_in_order(showcase, viewport):
    """With a ring around what has the focus, in sight (WCAG 2.1.1, 2.4.3, 2.4.7, 2.4.11)."""
    window = showcase(viewport=viewport)
    for name in window.states:
        page = window.show(name)

        seen = tabbed_through(page)

        assert [one["name"] for one in seen] == page.evaluate(USABLE), name
        for one in seen:
            assert one["ring"] >= 2, (name, one)
            assert one["is_seen"], (name, one)
            assert one["is_inside"], (name, one)


@pytest.mark.parametrize(("motion", "moving"), [("reduce", 0), ("no-preference", 1)])
def test_nothing_moves_for_those_who_ask_for_it(showcase, motion, moving):
    window = showcase(reduced_motion=motion)
    window.status = [{"state": "open", "message": ""}]

    page = window.show("waiting")

    assert page.evaluate("document.getAnimations().length") == moving


def test_in_forced_colours_buttons_and_icons_stay_visible(showcase):
    """Backgrounds go there: what is a button needs an edge, and a drawing the colour of text."""
    window = showcase(forced_colors="active", color_scheme="dark")
    for name in window.states:
        page = window.show(name)
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        for button in page.locator(".fa-button").all():
            edge, width = button.evaluate(
                "at => [getComputedStyle(at).borderTopColor, getComputedStyle(at).borderTopWidth]"
            )
            assert (edge != ground, width) == (True, "1px"), name
        for icon in page.locator(".fa-icon").all():
            assert icon.evaluate("at => getComputedStyle(at).stroke") != ground, name


def test_a_waiting_page_speaks_when_there_is_news(showcase):
    """Asking every two seconds says nothing; news is a page with another title (WCAG 4.1.3)."""
    window = showcase()
    same = window.states["waiting"].partition('role="status"')[2]
    message = re.search(">([^<]+)<", same)[1]
    said = {"state": "open", "message": message}
    window.status = [said, said, said, {"state": "open", "message": "Your face is compared."}]
    window.page.clock.install()
    page = window.show("waiting")
    page.evaluate(WRITES_DOWN_CHANGES)

    page.clock.run_for(6_500)
    expect(page.get_by_role("status")).to_have_text(message)
    assert page.evaluate("window.changes") == []
    window.states = window.states | {"waiting": window.states["comparing"]}
    page.clock.run_for(2_000)

    expect(page).to_have_title(re.compile("One moment"))


def test_the_dialog_is_accessible_in_every_state(visit):
    """In each of its states, at 320 pixels, spaced, with less motion."""
    page = opens_the_app(visit("frank", viewport=NARROW, reduced_motion="reduce", bypass_csp=True))
    page.add_style_tag(content=SPACED)
    writes_down(page, LONG).click()
    found = {}

    def looks(name: str) -> None:
        expect(dialog(page)).to_be_visible()
        for scheme, rules in (("light", RULES), ("dark", COLOURS)):
            switch_scheme(page, scheme)
            found[name, scheme] = violations(page, ".fa-stepup", rules) + page.evaluate(STICKS_OUT)
        small = [one.bounding_box() for one in dialog(page).locator(USED).all() if one.is_visible()]
        assert all(min(box["width"], box["height"]) >= 24 for box in small), (name, small)

    looks("asking")
    tab = opens_the_camera(page)
    looks("waiting")
    assert page.evaluate("document.getAnimations().length") == 0
    shows(tab, "leave")
    expect(dialog(page)).to_contain_text("go through to the last step", timeout=15_000)
    tab.close()
    looks("retry")
    approves(page, "someone_else")
    expect(dialog(page)).to_have_attribute("data-state", "over", timeout=15_000)
    looks("over")

    assert {state: told for state, told in found.items() if told} == {}


def test_a_payout_by_keyboard_alone(visit, bank):
    page = visit("frank")

    def presses(text: str) -> None:
        tabs_to(page, text)
        page.keyboard.press("Enter")

    presses("Log out")
    page.wait_for_url("**/login/**")
    expect(page.get_by_label("Username")).to_be_focused()
    page.keyboard.type("frank")
    page.keyboard.press("Tab")
    page.keyboard.type("demo")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{bank}/")
    presses("Payout")
    page.wait_for_url("**/payout/")
    tabs_to(page, "Payee")
    page.keyboard.type("Ms. Quay")
    page.keyboard.press("Tab")
    page.keyboard.type("112.50")
    presses("Review payment")
    says(page, "Review payment")
    presses("Approve and send")
    says(page, "Confirm it's you")
    presses("Go to the camera page")
    page.wait_for_url(CAPTURE)
    tabs_to(page, "It’s me: take the picture")
    page.keyboard.press("Enter")
    says(page, "Please confirm")
    presses("Confirm")

    says(page, "Your money is on its way")
