"""A real browser in front of the demo bank.

The bank is visited as `localhost`, the simulator answers as `127.0.0.1`: two sites to
the browser, as the bank and the provider are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.browser.chromium import FLAGS, VARIABLE, chromium
from tests.server import manage, running_bank

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the tests of this folder open sockets."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.enable_socket)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, once for all tests."""
    path = chromium()
    if not path:
        pytest.exit(f"No Chromium was found: set {VARIABLE} to its path.", returncode=1)
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=path, args=FLAGS)


#: Users have agreed elsewhere; test_consent.py has a bank that asks.
AGREED = {"FACEAUTH_CONSENT_VERSION": ""}
QUICK = {**AGREED, "FACEAUTH_SIMULATOR_CHECK_SECONDS": "1"}


def serve(folders: pytest.TempPathFactory, **settings: str) -> Iterator[str]:
    """Run a bank with a database of its own, and yield its URL as browsers name it."""
    with running_bank(folders.mktemp("bank"), **settings) as url:
        yield url.replace("127.0.0.1", "localhost")


@pytest.fixture(scope="session")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The demo bank, with a provider that takes a second."""
    yield from serve(tmp_path_factory, **QUICK)


@pytest.fixture(scope="session")
def slow_bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The bank with a provider that is seen comparing, also on a slow machine."""
    yield from serve(tmp_path_factory, **AGREED, FACEAUTH_SIMULATOR_CHECK_SECONDS="4")


@pytest.fixture(scope="session")
def strict_bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The bank with a session cookie that does not come along from other sites."""
    yield from serve(tmp_path_factory, **QUICK, SESSION_COOKIE_SAMESITE="Strict")


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The bank with two weeks of history."""
    folder = tmp_path_factory.mktemp("office")
    with running_bank(folder, **AGREED) as url:
        manage(folder, "demo_history", PORT=url.rpartition(":")[2], **AGREED)
        yield url.replace("127.0.0.1", "localhost")


@pytest.fixture(scope="session")
def meadow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The bank in its other brand."""
    yield from serve(tmp_path_factory, **QUICK, BANK_BRAND="meadow")


@pytest.fixture
def visit(browser: Browser, bank: str) -> Iterator[Callable[..., Page]]:
    """Log a user in, in a window of their own; no page may complain on the console."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def visit(name: str, *, at: str = bank, **options: object) -> Page:
        context = browser.new_context(base_url=at, **options)
        context.set_default_timeout(15_000)
        contexts.append(context)
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        context.on("console", lambda said: complaints.append(said.text) if _is_bad(said) else None)
        page = context.new_page()
        page.goto("/login/")
        page.fill("input[name=username]", name)
        page.fill("input[name=password]", "demo")
        page.press("input[name=password]", "Enter")
        page.wait_for_url(f"{at}/")
        return page

    yield visit
    for context in contexts:
        context.close()
    assert complaints == []


def _is_bad(said: ConsoleMessage) -> bool:
    # A page that says no is a 403, which Chromium notes down.
    return said.type == "error" and not said.text.startswith("Failed to load resource")
