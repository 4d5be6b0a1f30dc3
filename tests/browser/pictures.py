"""The pictures of the documentation, taken from the demo bank: `make pictures`.

`python -m tests.browser.pictures [FOLDER]`. Users, amounts and history are those of the demo;
dates are those of the day.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.chromium import FLAGS, chromium
from tests.server import manage, running_bank

IMAGES: Final = Path(__file__).parent.parent.parent / "docs" / "images"
DESK: Final = "/admin/faceauth"

CARD: Final = {"width": 680, "height": 560}
SHEET: Final = {"width": 1000, "height": 760}
PHONE: Final = {"width": 320, "height": 640}


@dataclass(frozen=True)
class Studio:
    """A browser in front of a bank, and the folder that pictures go to."""

    browser: Browser
    bank: str
    folder: Path

    @contextmanager
    def visited(self, name: str, **options: Any) -> Iterator[Page]:
        """Log a user in, in a window of their own."""
        settings = {"base_url": self.bank, "reduced_motion": "reduce", **options}
        context = self.browser.new_context(**settings)
        page = context.new_page()
        page.goto("/login/")
        page.fill("input[name=username]", name)
        page.fill("input[name=password]", "demo")
        page.press("input[name=password]", "Enter")
        page.wait_for_url(f"{self.bank}/")
        yield page
        context.close()

    def take(self, page: Page, name: str) -> None:
        """Take a picture of a whole page; few colours make small files."""
        page.mouse.move(0, 0)
        file = self.folder / f"{name}.png"
        page.screenshot(path=file, full_page=True)
        with Image.open(file) as picture:
            picture.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(file, optimize=True)


def take_all(folder: Path, browser: Browser, office: str, meadow: str) -> None:
    """Take every picture, into `folder`: of a bank with a history, and of the other brand."""
    of_office, of_meadow = (Studio(browser, url, folder) for url in (office, meadow))
    _of_the_desk(of_office)
    _of_the_way(of_office)
    _of_the_other_brand(of_meadow)


def _of_the_way(studio: Studio) -> None:
    with studio.visited("alice", viewport=CARD) as page:
        _asks_for_a_payout(page)
        studio.take(page, "start")
        page.emulate_media(color_scheme="dark")
        studio.take(page, "start-dark")
        page.goto(page.url)
        page.locator("main form [type=submit]").click()
        page.wait_for_url("**/simulator/capture/**")
        page.go_back()
        page.emulate_media(color_scheme="light")
        page.goto(page.url.replace("/start/", "/waiting/"))
        studio.take(page, "waiting")
    with studio.visited("erin", viewport=CARD) as page:
        page.goto("/face/enrol/")
        studio.take(page, "enrol")
    with studio.visited("bob", viewport=CARD) as page:
        page.goto("/statements/")
        page.locator("main form [type=submit]").click()
        page.locator("button[value=same_person]").click()
        page.get_by_role("link", name="Try again").wait_for()
        studio.take(page, "declined")
    with studio.visited("frank", viewport=PHONE) as page:
        _asks_for_a_payout(page)
        studio.take(page, "start-narrow")
        page.context.set_extra_http_headers({"Accept-Language": "ar"})
        page.reload()
        studio.take(page, "start-rtl")


def _of_the_other_brand(studio: Studio) -> None:
    with studio.visited("alice", viewport=CARD) as page:
        _asks_for_a_payout(page)
        studio.take(page, "start-meadow")
        page.emulate_media(color_scheme="dark")
        studio.take(page, "start-meadow-dark")


def _of_the_desk(studio: Studio) -> None:
    with studio.visited("admin", viewport=SHEET) as page:
        page.evaluate("localStorage.setItem('django.admin.navSidebarIsOpen', 'false')")
        page.goto(f"{DESK}/reviewcase/")
        page.locator("#result_list tbody tr", has_text="grace").locator("th a").first.click()
        page.locator(".faceauth-review").wait_for()
        studio.take(page, "review")
        page.goto(f"{DESK}/dashboard/?days=30")
        studio.take(page, "dashboard")


def _asks_for_a_payout(page: Page) -> None:
    page.goto("/payout/")
    page.fill("[name=payee]", "Ms. Quay")
    page.fill("[name=amount]", "120.00")
    page.locator("main form button").first.click()
    page.wait_for_url("**/payout/*/")
    page.locator("main form button").first.click()
    page.wait_for_url("**/face/start/**")


@contextmanager
def _opened(brand: str) -> Iterator[str]:
    settings = {"BANK_BRAND": brand, "FACEAUTH_CONSENT_VERSION": ""}
    with TemporaryDirectory() as vault, running_bank(Path(vault), **settings) as url:
        if brand == "harbour":
            manage(Path(vault), "demo_history", PORT=url.rpartition(":")[2], **settings)
        yield url.replace("127.0.0.1", "localhost")


def main(folder: Path = IMAGES) -> None:
    """Take every picture with a browser and banks of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        sync_playwright() as playwright,
        _opened("harbour") as office,
        _opened("meadow") as meadow,
    ):
        browser = playwright.chromium.launch(
            executable_path=chromium(), args=[*FLAGS, "--hide-scrollbars"]
        )
        take_all(folder, browser, office, meadow)
        browser.close()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
