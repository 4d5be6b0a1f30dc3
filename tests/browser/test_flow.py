"""The face check of a page, as a person in front of a real browser passes it."""

from __future__ import annotations

import re

from playwright.sync_api import Page, Route, expect

HEADING = "main h1"
CAPTURE = re.compile(r"^http://127\.0\.0\.1:\d+/simulator/capture/")
STRICT = "default-src 'self'; form-action 'self'"


def goes_to_the_camera(page: Page) -> None:
    """Press the button of a page of ours and arrive at the provider."""
    page.locator("main form [type=submit]").click()
    page.wait_for_url(CAPTURE)


def shows(page: Page, outcome: str = "same_person") -> None:
    page.locator(f"button[value={outcome}]").click()


def says(page: Page, text: str | re.Pattern[str]) -> None:
    expect(page.locator(HEADING)).to_contain_text(text, timeout=15_000)


def insists_on_a_strict_policy(page: Page, bank: str) -> None:
    """Let every page of the bank come with a policy of the site's own."""

    def insist(route: Route) -> None:
        response = route.fetch(max_redirects=0)
        headers = {**response.headers, "content-security-policy": STRICT}
        route.fulfill(response=response, headers=headers)

    page.context.route(f"{bank}/**", insist)


def test_under_a_strict_content_security_policy(visit, bank):
    """A site that insists on its own policy for every page, ours included (U-06)."""
    page = visit("alice")
    insists_on_a_strict_policy(page, bank)
    page.goto("/statements/")
    goes_to_the_camera(page)
    shows(page)

    page.wait_for_url(f"{bank}/statements/")
    timer = page.locator(".panel [role=timer]")
    expect(timer).to_contain_text(re.compile(r"for another [234]:\d\d"))  # it counts down
    # What is still on its way must not meet the end of the test.
    page.context.unroute_all(behavior="ignoreErrors")


def test_with_a_strict_session_cookie(visit, strict_bank):
    """The cookie stays at home on the way back, and is found again (B-08)."""
    page = visit("alice", at=strict_bank)
    page.goto("/statements/")
    before = page.context.cookies(strict_bank)
    goes_to_the_camera(page)
    shows(page)

    page.wait_for_url(f"{strict_bank}/statements/")

    assert {cookie["sameSite"] for cookie in before if cookie["name"] == "sessionid"} == {"Strict"}


def test_reloading_and_going_back_on_every_page(visit, slow_bank):
    page = visit("frank", at=slow_bank)
    page.goto("/statements/")
    start = page.url
    page.reload()
    says(page, "Confirm it's you")
    goes_to_the_camera(page)
    page.go_back()
    assert page.url == start
    says(page, "Confirm it's you")
    page.wait_for_timeout(2_000)  # the provider is asked at most once in two seconds
    goes_to_the_camera(page)
    page.reload()
    shows(page, "leave")
    says(page, "try again")
    page.reload()
    says(page, "try again")
    page.wait_for_timeout(2_000)
    goes_to_the_camera(page)
    shows(page)
    says(page, re.compile("Checking the result|One moment"))  # by what the provider is doing
    page.reload()

    page.wait_for_url(f"{slow_bank}/statements/")
