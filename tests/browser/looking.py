"""How a page is looked at: by axe, by ruler, and by pressing the tab key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import quote, unquote, urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, Route

import django_faceauth

SITE: Final = "http://bank.example"
STATIC: Final = Path(django_faceauth.__file__).parent / "static"

#: WCAG 2.2 at levels A and AA.
WCAG: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
#: The same and what axe holds to be good practice.
RULES: Final = [*WCAG, "best-practice"]
#: Rules whose outcome depends on colours, so on the colour scheme.
COLOURS: Final = ["color-contrast", "link-in-text-block"]

#: What sticks out of the window, or does not fit into what cuts it off.
STICKS_OUT: Final = """() => {
  const found = [];
  const shown = (box) => box.width > 1 && box.height > 1;
  const scrolls = (element) => element.closest("[role=region][tabindex]");
  for (const element of document.body.querySelectorAll("*")) {
    const box = element.getBoundingClientRect();
    const style = getComputedStyle(element);
    if (!shown(box) || scrolls(element) || element.closest("svg")) continue;
    const name = element.tagName + "." + element.className;
    if (box.left < -1 || box.right > innerWidth + 1) found.push(`${name} sticks out`);
    if (style.overflow !== "visible" && element.scrollWidth > element.clientWidth + 1) {
      found.push(`${name} is cut off`);
    }
  }
  const room = document.documentElement;
  if (room.scrollWidth > innerWidth) found.push(`${room.scrollWidth} pixels wide`);
  return found;
}"""

#: What has the focus: its name, and whether and how that shows.
FOCUSED: Final = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  const box = at.getBoundingClientRect();
  const middle = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  const style = getComputedStyle(at);
  return {
    name: at.id || at.name || at.getAttribute('aria-labelledby') || at.innerText.trim() || at.value,
    ring: style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth),
    glow: style.boxShadow !== "none" || style.textDecorationLine !== "none",
    is_seen: middle !== null && (at.contains(middle) || middle.contains(at)),
    is_inside: box.top >= 0 && box.bottom <= innerHeight + 1,
  };
}"""

#: Lets the tab key begin at the top, wherever the focus was.
TO_THE_TOP: Final = "() => { document.body.tabIndex = -1; document.body.focus(); }"

#: What can be used, in the order of the page.
USABLE: Final = """() =>
  [...document.querySelectorAll("a[href], button, input, select, textarea, summary")]
  .filter((element) => element.type !== "hidden" && element.checkVisibility())
  .map((element) => element.id || element.name || element.innerText.trim() || element.value)"""

#: What is smaller than 24 by 24 pixels (WCAG 2.5.8), without the exceptions that it makes.
SMALL: Final = """() =>
  [...document.querySelectorAll("a[href], button, input, select, summary")]
  .filter((element) => element.type !== "hidden" && element.checkVisibility())
  .map((element) => [element.innerText || element.id, element.getBoundingClientRect()])
  .filter(([, box]) => box.width < 24 || box.height < 24)
  .map(([name, box]) => `${name}: ${box.width} x ${box.height}`)"""


#: The contrast of a text and of what the nearest painted box behind it is painted with.
CONTRAST: Final = """(selector) => {
  const numbers = (colour) => colour.match(/[0-9.]+/g).map(Number);
  const isPainted = ([, , , alpha = 1]) => alpha === 1;
  const light = (colour) => {
    const part = (value) => (value / 255 <= 0.04045
      ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
    const [red, green, blue] = colour.slice(0, 3).map(part);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const text = document.querySelector(selector);
  let behind = text;
  const paint = () => numbers(getComputedStyle(behind).backgroundColor);
  while (!isPainted(paint())) behind = behind.parentElement;
  const pair = [numbers(getComputedStyle(text).color), paint()].map(light).sort((a, b) => a - b);
  return (pair[1] + 0.05) / (pair[0] + 0.05);
}"""


class Showcase:
    """A window that shows states of our pages, with nothing behind them."""

    def __init__(self, context: BrowserContext, states: dict[str, str]) -> None:
        self.states = states
        self.status: list[dict[str, str]] = []
        context.route("**/*", self._answer)
        self.page: Page = context.new_page()

    def show(self, name: str) -> Page:
        """Go to the page of a state."""
        self.page.goto(f"{SITE}/{quote(name)}")
        return self.page

    def _answer(self, route: Route) -> None:
        path = unquote(urlsplit(route.request.url).path).removeprefix("/")
        if path.startswith("static/"):
            route.fulfill(path=STATIC / path.removeprefix("static/"))
        elif path.startswith(("face/status/", "face/enrol/waiting/")):
            if self.status:
                route.fulfill(json=self.status.pop(0) if len(self.status) > 1 else self.status[0])
            else:
                route.abort()  # a waiting page stays while it is looked at
        elif path in self.states:
            route.fulfill(body=self.states[path], content_type="text/html; charset=utf-8")
        else:
            route.fulfill(status=404)


def violations(page: Page, context: str | None = None, rules: list[str] = RULES) -> list[str]:
    """Return what axe finds on a page.

    Where it cannot tell a contrast, as in front of a dot or in a dialog, it is measured here.
    """
    told: dict[str, Any] = Axe().run(page, context=context, options={"runOnly": rules}).response
    unsure = [one for one in told["incomplete"] if one["id"] == "color-contrast"]
    return [
        f"{one['id']}: {json.dumps(node['target'])}"
        for one in [*told["violations"], *unsure]
        for node in one["nodes"]
        if one not in unsure or page.evaluate(CONTRAST, node["target"][-1]) < 4.5
    ]


def switch_scheme(page: Page, scheme: Literal["light", "dark"]) -> None:
    """Switch the colour scheme, and wait for the transitions that this starts."""
    page.emulate_media(color_scheme=scheme)
    page.evaluate(
        "Promise.allSettled(document.getAnimations().filter((one) => one instanceof CSSTransition)"
        ".map((one) => one.finished)).then(() => null)"
    )


def tabbed_through(page: Page) -> list[dict[str, Any]]:
    """Press the tab key from the top of the page to its end; return what had the focus."""
    page.evaluate(TO_THE_TOP)
    seen: list[dict[str, Any]] = []
    for _ in range(60):
        page.keyboard.press("Tab")
        now = page.evaluate(FOCUSED)
        if now is None or (seen and now["name"] == seen[0]["name"]):
            return seen
        seen.append(now)
    raise AssertionError("the tab key has no end")
