"""Customers without a camera pay by passkey and by code.

Passkeys refuse IP addresses: the bank is visited as `localhost`.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import QUICK
from tests.browser.test_flow import says
from tests.browser.test_payout import CONTINUE, SENT, sends, writes_down
from tests.server import manage, running_bank

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
#: Registers a passkey and recovery codes of dave, and prints them for his browser.
SETS_UP = """
import json
from base64 import b64encode
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.contrib.auth.models import User
from django.test import RequestFactory
from tests.soft_passkey import SoftPasskey

dave, key = User.objects.get(username="dave"), SoftPasskey("localhost")
request = RequestFactory(SERVER_NAME="localhost").get("/")
request.session = {}
key.add_to(dave, request)
der = key.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
credential = {"credentialId": b64encode(key.id).decode(), "privateKey": b64encode(der).decode()}
codes = RecoveryCodes.activate(dave).get_unused_codes()
print(json.dumps({"credential": credential, "codes": codes}))
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A bank, and what dave has set up there."""
    folder = tmp_path_factory.mktemp("bank")
    with running_bank(folder, **QUICK) as url:
        printed = manage(folder, "shell", "--verbosity=0", "--command", SETS_UP)
        own = json.loads(printed.splitlines()[-1])
        own["totp"] = lambda: manage(folder, "demo_code").strip()  # it counts for a minute
        yield url.replace("127.0.0.1", "localhost"), own


def asks_to_pay(page: Page) -> str:
    """Write a payment down, ask for it to be sent, and go to the choice of ways."""
    draft = writes_down(page, "Ms. Quay")
    page.get_by_role("button", name="Approve and send").click()
    says(page, "Confirm it's you")
    page.get_by_role("link", name="Use another way").click()
    says(page, "Confirm in another way")
    return draft


def has_authenticator(page: Page, credential: dict[str, Any] | None = None) -> None:
    """Give the browser an authenticator, with a key in it."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    made = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    if credential is not None:
        credential |= {"rpId": "localhost", "isResidentCredential": False, "signCount": 0}
        devtools.send("WebAuthn.addCredential", {**made, "credential": credential})


def test_a_customer_without_a_camera_pays_with_a_passkey(visit, shop):
    url, own = shop
    page = visit("dave", at=url)
    has_authenticator(page, own["credential"])
    draft = asks_to_pay(page)
    page.get_by_role("link", name="Passkey").click()
    expect(page.locator(".fa-snapshot")).to_contain_text("Ms. Quay")
    expect(page.locator(".fa-snapshot")).to_contain_text("112.50\u00a0EUR")

    page.get_by_role("button", name="Use my passkey").click()

    page.wait_for_url(CONTINUE)
    sends(page)
    page.wait_for_url(draft)
    says(page, SENT)


def test_a_customer_adds_a_passkey_by_a_code_and_pays_with_it(visit, shop):
    url, own = shop
    page = visit("dave", at=url)
    has_authenticator(page)
    page.goto("/settings/passkey/")
    says(page, "Confirm it's you")
    page.get_by_role("link", name="Use another way").click()
    page.get_by_role("link", name="Code from your authenticator app").click()
    page.get_by_label("Code from your authenticator app").fill(own["totp"]())
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
    url, _own = shop
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
    url, _own = shop
    page = visit("dave", at=url)
    page.add_init_script("delete window.PublicKeyCredential")
    asks_to_pay(page)

    page.get_by_role("link", name="Passkey").click()

    expect(page.get_by_role("alert")).to_contain_text("This browser has no passkeys.")
    expect(page.get_by_role("button", name="Use my passkey")).to_be_hidden()


def test_a_code_without_javascript(visit, shop):
    url, own = shop
    page = visit("dave", at=url, java_script_enabled=False)
    draft = asks_to_pay(page)
    page.get_by_role("link", name="Recovery code").click()
    page.get_by_label("Recovery code").fill("wrong")
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("alert")).to_contain_text("This code is not right")

    page.get_by_label("Recovery code").fill(own["codes"][0])
    page.get_by_role("button", name="Confirm").click()

    page.wait_for_url(CONTINUE)
    expect(page.locator("main")).to_contain_text("You have confirmed that it is you.")
    sends(page)
    page.wait_for_url(draft)
    says(page, SENT)
