"""Customers without a camera pay by passkey.

Passkeys refuse IP addresses: the bank is visited as `localhost`.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import QUICK
from tests.browser.test_flow import says
from tests.browser.test_payout import CONTINUE, sends, writes_down
from tests.server import manage, running_bank

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
#: Registers a passkey of dave that no browser has.
SETS_UP = """
from django.contrib.auth.models import User
from django.test import RequestFactory
from tests.soft_passkey import SoftPasskey

request = RequestFactory(SERVER_NAME="localhost").get("/")
request.session = {}
SoftPasskey("localhost").add_to(User.objects.get(username="dave"), request)
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A bank where dave has a passkey, and how he gets a code, which counts for a minute."""
    folder = tmp_path_factory.mktemp("bank")
    with running_bank(folder, **QUICK) as url:
        manage(folder, "shell", "--verbosity=0", "--command", SETS_UP)
        yield url.replace("127.0.0.1", "localhost"), lambda: manage(folder, "demo_code").strip()


def asks_to_pay(page: Page) -> str:
    """Write a payment down, ask for it to be sent, and go to the choice of ways."""
    draft = writes_down(page, "Ms. Quay")
    page.get_by_role("button", name="Approve and send").click()
    says(page, "Confirm it's you")
    page.get_by_role("link", name="Use another way").click()
    says(page, "Confirm in another way")
    return draft


def has_authenticator(page: Page) -> None:
    """Give the browser an authenticator without a key."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})


def test_a_customer_adds_a_passkey_by_a_code_and_pays_with_it(visit, shop):
    url, code = shop
    page = visit("dave", at=url)
    has_authenticator(page)
    page.goto("/settings/passkey/")
    says(page, "Confirm it's you")
    page.get_by_role("link", name="Use another way").click()
    page.get_by_role("link", name="Code from your authenticator app").click()
    page.get_by_label("Code from your authenticator app").fill(code())
    page.get_by_role("button", name="Confirm").click()
    says(page, "Add a passkey")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_role("status")).to_contain_text("Your passkey is added")
    draft = asks_to_pay(page)
    page.get_by_role("link", name="Passkey").click()

    page.get_by_role("button", name="Use my passkey").click()

    page.wait_for_url(CONTINUE)
    sends(page)
    page.wait_for_url(draft)
    expect(page.locator("main")).to_contain_text("a passkey")


def test_a_passkey_that_is_not_on_this_device(visit, shop):
    """The user is told, and can try again or take another way."""
    url, _code = shop
    page = visit("dave", at=url)
    has_authenticator(page)
    asks_to_pay(page)
    page.get_by_role("link", name="Passkey").click()
    button = page.get_by_role("button", name="Use my passkey")

    button.click()

    expect(page.get_by_role("alert")).to_have_text("The passkey was not used. You can try again.")
    expect(button).not_to_have_attribute("aria-disabled", "true")
    page.get_by_role("link", name="Use another way").click()
    says(page, "Confirm in another way")


def test_a_browser_without_passkeys(visit, shop):
    url, _code = shop
    page = visit("dave", at=url)
    page.add_init_script("delete window.PublicKeyCredential")
    asks_to_pay(page)

    page.get_by_role("link", name="Passkey").click()

    expect(page.get_by_role("alert")).to_contain_text("This browser has no passkeys.")
    expect(page.get_by_role("button", name="Use my passkey")).to_be_hidden()
