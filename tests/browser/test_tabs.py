"""Several tabs of one browser that ask at the same moment."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.test_flow import goes_to_the_camera, shows

#: `FACEAUTH_TEST_TABS` checks, each in a window of its own.
CHECKS = int(os.environ.get("FACEAUTH_TEST_TABS", "5"))

#: Asks for a page of the site and for the status, without a pause, until it is told to stop.
POLLS = """
async ([status, page]) => {
  window.seen = [];
  while (!window.stopped) {
    const answers = await Promise.all([
      fetch(status, { headers: { Accept: "application/json" } }),
      fetch(page, { redirect: "manual" }),
    ]);
    window.seen.push(...answers.map((answer) => answer.status));
    await new Promise((resume) => setTimeout(resume, 20));
  }
}
"""

GETS_THROUGH = "window.seen.slice(-4).every((status) => status === 200)"


@pytest.mark.parametrize("_number", range(CHECKS))
def test_three_tabs_that_poll_stay_logged_in(
    visit: Callable[..., Page], bank: str, _number: int
) -> None:
    """While the check completes, and after; all of them get through (F-20)."""
    page = visit("frank", at=bank)
    page.goto("/statements/")
    handle = page.url.rstrip("/").rpartition("/")[2]
    tabs = [page.context.new_page() for _ in range(3)]
    for tab in tabs:
        tab.goto("/")
        tab.evaluate(
            f"(addresses) => {{ ({POLLS})(addresses); }}",
            [f"/face/status/{handle}/", "/statements/"],
        )
    goes_to_the_camera(page)
    shows(page)
    page.wait_for_url(f"{bank}/statements/")

    for tab in tabs:
        # Not wait_for_function(), which the policy of the page forbids to evaluate.
        for _ in range(150):
            if tab.evaluate(GETS_THROUGH):
                break
            tab.wait_for_timeout(100)
        assert tab.evaluate(GETS_THROUGH)
        tab.evaluate("window.stopped = true")
        tab.goto("/statements/")
        assert tab.url == f"{bank}/statements/"
        tab.goto("/settings/")
        assert "/login/" not in tab.url
