"""The box that people tick before their first face check, on the page and in the dialog."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import serve
from tests.browser.test_app import approves, dialog, is_sent, opens_the_app, writes_down
from tests.browser.test_flow import goes_to_the_camera, shows

AGREE = "I have read this, and I agree"


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A bank that asks for consent, as `make demo` serves it."""
    yield from serve(tmp_path_factory, FACEAUTH_SIMULATOR_CHECK_SECONDS="1")


def test_the_start_page_goes_on_with_the_box_alone(visit, asking):
    """V-02."""
    page = visit("alice", at=asking)
    page.goto("/statements/")
    box = page.get_by_label(AGREE)
    expect(box).not_to_be_checked()

    page.locator("main form [type=submit]").click()
    expect(page).to_have_url(page.url)
    expect(box).to_be_focused()
    box.check()
    goes_to_the_camera(page)
    shows(page)
    page.wait_for_url(f"{asking}/statements/")


def test_the_dialog_asks_too(visit, asking):
    """The words come from the server; without the box nothing is opened (V-02)."""
    page = opens_the_app(visit("frank", at=asking))
    writes_down(page, "Ms. Consent").click()
    button = dialog(page).get_by_role("button", name="Open the camera page")
    button.click()
    box = dialog(page).get_by_label(AGREE)
    expect(box).not_to_be_checked()
    expect(dialog(page)).to_contain_text("compares it with your earlier one")
    expect(dialog(page).get_by_text("By going on you agree")).not_to_be_visible()

    button.click()
    expect(box).to_be_focused()
    expect(dialog(page).get_by_role("status")).to_contain_text("please tick the box")
    box.press("Space")
    approves(page)

    is_sent(page, "Ms. Consent")
