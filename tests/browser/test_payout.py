"""A payout, as a person in front of a real browser sends it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_flow import goes_to_the_camera, says, shows
from tests.server import manage

DRAFT = re.compile(r"/payout/\d+/$")
CONTINUE = re.compile(r"/face/continue/")
SENT = "Your money is on its way"

#: Four minutes go by for everything that a face was shown for; a payout has three.
TIME_PASSES = """
from datetime import timedelta
from django.db.models import F
from django_faceauth.models import FaceChallenge

FaceChallenge.objects.filter(action="payout").update(
    verified_at=F("verified_at") - timedelta(minutes=4)
)
"""


def writes_down(page: Page, payee: str, amount: str = "12.50") -> str:
    """Fill in the form and return the address of the draft."""
    page.goto("/payout/")
    page.fill("[name=payee]", payee)
    page.fill("[name=amount]", amount)
    page.get_by_role("button", name="Review payment").click()
    page.wait_for_url(DRAFT)
    return page.url


def approves(page: Page) -> None:
    """Show a face for the draft on the page, as far as the last look."""
    page.get_by_role("button", name="Approve with my face and send").click()
    says(page, "Please show your face")
    goes_to_the_camera(page)
    shows(page)
    page.wait_for_url(CONTINUE, timeout=20_000)
    says(page, "One last look")


def sends(page: Page) -> None:
    page.get_by_role("button", name="Yes, do this now").click()


def is_still_a_draft(page: Page, draft: str) -> None:
    page.goto(draft)
    says(page, "Review payment")


@pytest.mark.parametrize("scripts", [True, False], ids=["javascript", "no javascript"])
def test_a_payout_from_the_form_to_the_receipt(visit, scripts):
    """Every page shows what is approved, and the receipt names the approval."""
    page = visit("frank", java_script_enabled=scripts)
    draft = writes_down(page, "Ms. Quay")
    approves(page)
    expect(page.locator(".fa-snapshot")).to_contain_text("Ms. Quay")
    expect(page.locator(".fa-snapshot")).to_contain_text("12.50\u00a0EUR")
    handle = page.locator("[name=face_challenge]").get_attribute("value")

    sends(page)

    page.wait_for_url(draft)
    says(page, SENT)
    expect(page.locator("main")).to_contain_text("Ms. Quay")
    expect(page.locator("main code")).to_have_text(handle[:8])


def test_two_tabs_with_two_payouts(visit):
    """Each approval sends its own, also when the answers cross."""
    first = visit("frank")
    second = first.context.new_page()
    one = writes_down(first, "Mr. Ebb", "11.00")
    other = writes_down(second, "Ms. Flow", "22.00")
    approves(first)
    approves(second)
    expect(first.locator(".fa-snapshot")).to_contain_text("Mr. Ebb")
    expect(second.locator(".fa-snapshot")).to_contain_text("Ms. Flow")

    sends(second)
    second.wait_for_url(other)
    says(second, SENT)
    expect(second.locator("main")).to_contain_text("22.00")
    is_still_a_draft(second, one)
    sends(first)

    first.wait_for_url(one)
    says(first, SENT)
    expect(first.locator("main")).to_contain_text("11.00")


def test_a_payout_that_was_changed_in_another_tab(visit):
    """What was approved is not what would be sent, so nothing is."""
    page = visit("frank")
    draft = writes_down(page, "Ms. Quay")
    approves(page)
    other = page.context.new_page()
    other.goto(f"{draft}edit/")
    other.fill("[name=payee]", "Mr. Shark")
    other.get_by_role("button", name="Review payment").click()
    other.wait_for_url(draft)

    sends(page)

    says(page, "This is not what you approved")
    page.get_by_role("link", name="Look at it again").click()
    page.wait_for_url(draft)
    says(page, "Review payment")
    expect(page.locator("main")).to_contain_text("Mr. Shark")


def test_the_password_is_changed_in_another_tab(visit):
    """The approval is gone with the old password; the person stays logged in."""
    page = visit("admin")
    draft = writes_down(page, "Ms. Quay")
    approves(page)
    other = page.context.new_page()
    other.goto("/admin/password_change/")
    for field in ("old_password", "new_password1", "new_password2"):
        other.fill(f"[name={field}]", "demo")  # as it was: everybody else logs in with it
    other.locator("[type=submit]").last.click()
    other.wait_for_url("**/password_change/done/")

    sends(page)

    says(page, "Please show your face")
    is_still_a_draft(other, draft)


def test_the_time_runs_out_before_the_last_button(visit, vault):
    """The page looks as before, but pressing asks for the face again."""
    page = visit("frank")
    draft = writes_down(page, "Ms. Quay")
    approves(page)
    manage(vault, "shell", "-c", TIME_PASSES)

    sends(page)

    says(page, "Please show your face")
    is_still_a_draft(page, draft)


def test_a_double_click_on_the_last_button(visit):
    """Sends once, and ends at the receipt."""
    page = visit("frank")
    draft = writes_down(page, "Ms. Quay")
    approves(page)

    page.get_by_role("button", name="Yes, do this now").dblclick()

    page.wait_for_url(draft)
    says(page, SENT)


def test_the_panel_counts_down(visit, bank):
    """The server says until when; the page counts, in a timer that interrupts nobody."""
    page = visit("alice")
    page.goto("/statements/")
    goes_to_the_camera(page)
    shows(page)
    page.wait_for_url(f"{bank}/statements/")

    timer = page.locator(".panel [role=timer]")

    expect(timer).to_have_count(1)
    expect(timer).to_contain_text(re.compile(r"for another [234]:\d\d"))
