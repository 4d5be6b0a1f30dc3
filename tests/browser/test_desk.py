"""The review desk in a real browser: by keyboard alone, and looked at by axe."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looking import COLOURS, FOCUSED, STICKS_OUT, WCAG, switch_scheme, violations
from tests.browser.test_flow import goes_to_the_camera, shows

DESK = "/admin/faceauth"
LIST = f"{DESK}/faceauthentication/"
QUEUE = f"{DESK}/reviewcase/"
MODELS = (
    *("faceauthentication", "reviewcase", "verdict", "facechallenge", "webhookevent"),
    *("lockout", "attemptrequest", "consent", "erasure", "auditentry", "providerratelimit"),
    *("applicant", "identityverification", "faceexemption"),
)
#: What the tab key stops at, in the order of the page; of radio buttons, at one.
STOPS = """(place) => {
  const wanted = "a[href], button, input, select, textarea, summary, [tabindex='0']";
  const names = new Set();
  return [...place.querySelectorAll(wanted)]
    .filter((at) => at.type !== "hidden" && at.checkVisibility())
    .filter((at) => at.type !== "radio" || !(names.has(at.name) || !names.add(at.name)))
    .map((at) => at.id || at.name || at.getAttribute("aria-labelledby") || at.innerText.trim()
      || at.value);
}"""


@pytest.fixture
def works(visit: Callable[..., Page], office: str) -> Callable[..., Page]:
    """A window of a member of staff."""

    def works(**options: object) -> Page:
        return visit("admin", at=office, **options)

    return works


def tabs_to(page: Page, text: str) -> None:
    """Press the tab key until what has the focus says `text`."""
    for _ in range(120):
        page.keyboard.press("Tab")
        said = page.evaluate(
            "() => { const at = document.activeElement;"
            " if (at === document.body) return '';"
            " const label = at.labels && at.labels[0];"
            " return (label || at).innerText || at.value || ''; }"
        )
        if text in said:
            return
    raise AssertionError(f"no way to {text!r} by the tab key")


def test_from_the_queue_to_a_verdict_by_keyboard_alone(works):
    page = works()
    page.goto(QUEUE)
    waiting = page.locator("#result_list tbody tr").count()
    others = page.locator("#result_list tbody tr").filter(has_not_text="grace")  # is in a picture
    first = others.locator("th a").first.inner_text()

    tabs_to(page, first)
    page.keyboard.press("Enter")
    expect(page.locator("#content h1")).to_have_text("Review")
    tabs_to(page, "genuine")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    tabs_to(page, "Note")
    page.keyboard.type("It looks like a mask.")
    tabs_to(page, "Record")
    page.keyboard.press("Enter")

    said = page.locator(".messagelist")
    expect(said).to_have_text(re.compile(r"Recorded for \w+ \(any page\): suspicious\. Back to"))
    expect(page.get_by_role("button", name="Record")).to_be_visible()  # the next case
    page.goto(QUEUE)
    expect(page.locator("#result_list tbody tr")).to_have_count(waiting - 1)
    assert first not in page.locator("#result_list").inner_text()


def test_a_reviewer_looks_at_a_face(works, office):
    page = works()
    page.goto(f"{QUEUE}?queue=all")
    page.locator("#result_list tbody tr th a").first.click()
    case = page.url
    expect(page.locator("#content img")).to_have_count(0)
    page.get_by_role("link", name="Show the face").click()
    goes_to_the_camera(page)
    shows(page)

    page.wait_for_url(re.compile(f"{re.escape(office)}{LIST}[0-9]+/face/"))

    face = page.get_by_role("img", name=re.compile(r"Face of \w+, captured by .+ UTC"))
    assert face.evaluate("image => image.naturalWidth") > 0
    assert page.evaluate(STICKS_OUT) == []
    page.get_by_role("link", name="Back to the case").click()
    page.wait_for_url(case)
    page.goto(f"{DESK}/auditentry/")
    expect(page.locator("#result_list tbody tr").first).to_contain_text("Captured face viewed")


def test_axe_finds_nothing(works):
    """On any page of ours, in both colour schemes (WCAG 2.2 AA)."""
    page = works(bypass_csp=True)  # axe brings a style of its own
    found = {}

    def looks(name: str, place: str | None = "#content") -> None:
        for scheme, rules in (("light", WCAG), ("dark", COLOURS)):
            switch_scheme(page, scheme)
            found[name, scheme] = violations(page, place, rules)

    def goes_to(address: str) -> None:
        page.goto(address)
        is_desk = page.locator("#content").count()  # or a page that asks for a face first
        looks(address, "#content" if is_desk else None)

    for model in MODELS:  # each list, and one of its rows
        goes_to(f"{DESK}/{model}/")
        links = page.locator("#result_list tbody tr th a")
        if links.count():
            goes_to(str(links.first.get_attribute("href")))
    for days in (1, 30):
        goes_to(f"{DESK}/dashboard/?days={days}")
    for action, button in (
        ("export_csv", "Export as CSV"),
        ("revoke_grants", "Revoke the grants of 1 face authentication"),  # red
        ("sync_now", "Sync 1 face authentication"),
    ):
        page.goto(LIST)
        rows = page.locator("#result_list tbody tr input[type=checkbox]")
        (page.locator("#action-toggle") if action == "export_csv" else rows.first).check()
        page.select_option("select[name=action]", action)
        page.get_by_role("button", name=re.compile("Go|Run")).click()
        expect(page.get_by_role("button", name=button)).to_be_visible()
        looks(action)
    page.get_by_role("button", name=button).click()
    expect(page.get_by_role("link", name="Back to the list")).to_be_visible()
    looks("outcome")
    page.goto(QUEUE)
    page.locator("#result_list tbody tr th a").first.click()
    page.get_by_label("suspicious").check()
    page.get_by_role("button", name="Record").click()
    expect(page.locator(".errorlist").first).to_be_visible()
    looks("mistake")

    assert {state: told for state, told in found.items() if told} == {}


def test_the_keyboard_reaches_everything_in_order(works):
    """With a ring that is seen (WCAG 2.1.1, 2.4.3, 2.4.7, 2.4.11)."""
    for page in review_and_dashboard(works()):
        page.locator("#content").evaluate("at => { at.tabIndex = -1; at.focus(); }")
        for text in page.locator("#content").evaluate(STOPS):
            page.keyboard.press("Tab")
            now = page.evaluate(FOCUSED)
            assert text in now["name"], (text, now)
            assert now["is_seen"], now
            assert now["ring"] >= 1 or now["glow"], now


def test_narrow_pages_need_no_sideways_scrolling_but_for_tables(works):
    """WCAG 1.4.10: at 320 pixels."""
    for page in review_and_dashboard(works(viewport={"width": 320, "height": 800})):
        assert page.evaluate(STICKS_OUT) == [], page.url


@pytest.mark.parametrize("language", ["en", "de", "ar"])
def test_lists_fit_beside_their_filters(works, language):
    """In a window of 1280 pixels, with the sidebar."""
    page = works(viewport={"width": 1280, "height": 800}, locale=language)
    sticks_out = {}
    for model in MODELS:
        page.goto(f"{DESK}/{model}/")
        table = page.locator(".results")
        if table.count():
            sticks_out[model] = table.evaluate("at => at.scrollWidth - at.clientWidth")

    assert set(sticks_out.values()) == {0}, sticks_out


@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_phone_shows_the_newest_days(works, language):
    page = works(viewport={"width": 390, "height": 800}, locale=language)
    page.goto(f"{DESK}/dashboard/?days=30")

    newest = page.locator(".faceauth-date").first.bounding_box()
    assert newest["x"] > 0
    assert newest["x"] + newest["width"] <= 390
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def review_and_dashboard(page: Page) -> Iterator[Page]:
    """Open the page of a case, then the dashboard."""
    page.goto(QUEUE)
    page.locator("#result_list tbody tr th a").first.click()
    yield page
    page.goto(f"{DESK}/dashboard/?days=30")
    yield page
