"""Erin, who is not enrolled, sets up face checks, as a person in front of a real browser."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_app import AGREE
from tests.browser.test_flow import CAPTURE, insists_on_a_strict_policy, says, shows
from tests.browser.test_payout import SENT, approves, sends, writes_down
from tests.server import running_bank

REPORT = re.compile(r"http://127\.0\.0\.1:\d+(/face/report/\S+)")


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[str]:
    """A bank that asks for consent, in which Erin is new."""
    with running_bank(tmp_path, FACEAUTH_SIMULATOR_CHECK_SECONDS="1") as url:
        yield url.replace("127.0.0.1", "localhost")


def goes_to_the_set_up(page: Page) -> None:
    """Be turned away by a page with a gate, and follow its link."""
    page.goto("/statements/")
    says(page, "This page needs a face check")
    page.get_by_role("link", name="Set up face checks").click()
    says(page, "Set up face checks")


def agrees_and_goes_to_the_camera(page: Page) -> None:
    page.get_by_label(AGREE).check()
    page.get_by_role("button", name="Go to the camera page").click()
    page.wait_for_url(CAPTURE)
    expect(page.get_by_role("heading", level=1)).to_have_text("Show your document and your face")


def mailed_link(log: Path) -> str:
    """Return the path in the one mail, which is printed where the server runs."""
    for _ in range(50):
        found = REPORT.findall(log.read_text())
        if found:
            [path] = found
            return str(path)
        time.sleep(0.2)
    raise AssertionError(log.read_text())


@pytest.mark.parametrize(
    "options",
    [{"viewport": {"width": 390, "height": 844}}, {"java_script_enabled": False}],
    ids=["narrow", "without JavaScript"],
)
def test_from_a_closed_page_to_a_payout_with_the_new_face(visit, bank, options):
    page = visit("erin", at=bank, **options)
    insists_on_a_strict_policy(page, bank)
    goes_to_the_set_up(page)
    expect(page.locator(".fa-snapshot")).to_contain_text("Erin Example")
    expect(page.locator("main input:not([type=hidden])")).to_have_count(1)  # the box alone
    agrees_and_goes_to_the_camera(page)
    shows(page)
    says(page, "Waiting for the result")
    says(page, "Face checks are set up")

    draft = writes_down(page, "Ms. Quay")
    approves(page)
    sends(page)

    page.wait_for_url(draft)
    says(page, SENT)
    # What is still on its way must not meet the end of the test.
    page.context.unroute_all(behavior="ignoreErrors")


def test_a_phone_without_the_session_and_the_link_of_the_mail(visit, browser, bank, tmp_path):
    """A second try, on a phone: it says go back, and the first device goes on.

    The report undoes all of it.
    """
    page = visit("erin", at=bank)
    goes_to_the_set_up(page)
    agrees_and_goes_to_the_camera(page)
    shows(page, "leave")
    says(page, "Please try again")
    page.get_by_role("button", name="Try again").click()
    page.wait_for_url(CAPTURE)
    link = page.url
    phone = browser.new_context(base_url=bank).new_page()
    phone.goto(link)
    shows(phone)
    says(phone, "Go back to the device where you started")
    page.goto(phone.url.partition("?")[0].replace("/returned/", "/waiting/"))
    says(page, "Face checks are set up")

    phone.goto(mailed_link(tmp_path / "bank.log"))
    says(phone, "Was this not you?")
    phone.get_by_role("button", name="This was not me").click()
    says(phone, "Thank you for your report")
    expect(phone.locator("main")).to_contain_text("The face that was set up has been removed")

    page.goto("/statements/")
    says(page, "Log in")  # the bank logs out who reports
    phone.context.close()
