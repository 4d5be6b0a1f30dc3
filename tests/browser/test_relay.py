"""A thief at a computer, and a victim who shows their face on a phone (TH-05)."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import QUICK, serve
from tests.browser.test_flow import goes_to_the_camera, says, shows

PHONE = {"width": 320, "height": 568}


@pytest.fixture
def bank(tmp_path_factory):
    """A bank of its own: Frank's account is paused there at the end."""
    yield from serve(tmp_path_factory, **QUICK)


def test_the_victim_presses_the_button(visit, browser, bank):
    """Before it, the thief is in: by default a face from another network is flagged."""
    thief = visit("frank", at=bank)
    thief.goto("/statements/")
    start = thief.url
    goes_to_the_camera(thief)
    link = thief.url
    thief.goto(start.replace("/start/", "/waiting/"))
    phone = browser.new_context(viewport=PHONE, base_url=bank).new_page()
    phone.goto(link)
    phone.locator("input[name=elsewhere]").check()
    shows(phone)
    phone.wait_for_url("**/returned/**again=1")
    thief.wait_for_url(f"{bank}/statements/")
    says(phone, "Go back to the device where you started")
    main = phone.locator("main")
    expect(main).to_contain_text("Chrome")
    expect(main).to_contain_text("Purpose")
    assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]

    phone.get_by_role("button", name="This was not me").click()

    says(phone, "Thank you for your report")
    thief.goto("/statements/")
    says(thief, "Your account is protected")
    phone.context.close()
