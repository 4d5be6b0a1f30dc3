"""A payout, as a person in front of a real browser sends it."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.test_flow import CAPTURE, goes_to_the_camera, says, shows

DRAFT = re.compile(r"/payout/\d+/$")
CONTINUE = re.compile(r"/face/continue/")
SENT = "Your money is on its way"


def writes_down(page: Page, payee: str, amount: str = "112.50") -> str:
    """Fill in the form and return the address of the draft."""
    page.goto("/payout/")
    page.fill("[name=payee]", payee)
    page.fill("[name=amount]", amount)
    page.get_by_role("button", name="Review payment").click()
    page.wait_for_url(DRAFT)
    return page.url


def starts(page: Page) -> None:
    """Ask for the draft on the page to be sent, as far as the camera."""
    page.get_by_role("button", name="Approve and send").click()
    says(page, "Confirm it's you")
    goes_to_the_camera(page)


def approves(page: Page) -> None:
    """Show a face for the draft on the page, as far as the last look."""
    starts(page)
    shows(page)
    page.wait_for_url(CONTINUE, timeout=20_000)
    says(page, "Please confirm")


def sends(page: Page) -> None:
    page.get_by_role("button", name="Confirm").click()


def test_a_small_payout_is_free(visit, bank):
    page = visit("grace", at=bank)
    draft = writes_down(page, "Ms. Quay", "49.99")

    page.get_by_role("button", name="Send").click()

    page.wait_for_url(draft)
    says(page, SENT)
    expect(page.locator("main")).to_contain_text("needed no approval")


def test_double_clicks(visit):
    page = visit("frank")
    draft = writes_down(page, "Ms. Quay")
    page.get_by_role("button", name="Approve and send").click()
    says(page, "Confirm it's you")
    page.locator("main form [type=submit]").dblclick()
    page.wait_for_url(CAPTURE)
    shows(page)
    page.wait_for_url(CONTINUE, timeout=20_000)

    page.get_by_role("button", name="Confirm").dblclick()

    page.wait_for_url(draft)
    says(page, SENT)
