"""A thief at a computer, and a victim who shows their face on a phone (TH-05)."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import QUICK, serve
from tests.browser.test_flow import goes_to_the_camera, says, shows

PHONE = {"width": 320, "height": 568}


@pytest.fixture(scope="module")
def denying_bank(tmp_path_factory):
    """The bank with a policy that refuses a face from another network."""
    yield from serve(tmp_path_factory, **QUICK, FACEAUTH_NETWORK_POLICY="deny")


@pytest.fixture
def relay(visit, browser):
    """Return a function that starts as a thief and captures as the victim, and both windows."""

    def begin(bank, **options):
        thief = visit("frank", at=bank)
        thief.goto("/statements/")
        start = thief.url
        goes_to_the_camera(thief)
        link = thief.url
        thief.goto(start.replace("/start/", "/waiting/"))
        phone = browser.new_context(viewport=PHONE, base_url=bank, **options).new_page()
        phone.goto(link)
        phone.locator("input[name=elsewhere]").check()
        shows(phone)
        phone.wait_for_url("**/returned/**again=1")
        return thief, phone

    return begin


def test_the_victim_presses_the_button(relay, bank):
    """Before it, the thief is in: by default a face from another network is flagged."""
    thief, phone = relay(bank)
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


def test_a_bank_that_refuses_a_relay(relay, denying_bank):
    thief, phone = relay(denying_bank, color_scheme="dark", locale="ar")

    says(thief, "Your face was shown in another network")
    thief.goto("/statements/")
    says(thief, "Confirm it's you")
    expect(phone.locator("html")).to_have_attribute("dir", "rtl")
    expect(phone.get_by_role("button", name="لم أكن أنا")).to_be_visible()
    phone.context.close()


def test_one_network_on_one_machine(visit, denying_bank):
    page = visit("alice", at=denying_bank)
    page.goto("/statements/")
    goes_to_the_camera(page)
    shows(page)

    page.wait_for_url(f"{denying_bank}/statements/")
