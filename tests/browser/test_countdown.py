"""The countdown, in a real browser whose clock we turn."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.template.loader import render_to_string
from playwright.sync_api import Browser, Page, expect

import django_faceauth
from django_faceauth.gate import Face

SCRIPT = Path(django_faceauth.__file__).parent / "static" / "faceauth" / "countdown.js"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page whose time stands still unless it is moved."""
    context = browser.new_context()
    page = context.new_page()
    page.clock.install(time=NOW)
    page.clock.pause_at(NOW + timedelta(seconds=1))
    yield page
    context.close()


def counting(page: Page, seconds: int) -> None:
    """Show a face check that counts for so many seconds from now."""
    expires_at = NOW + timedelta(seconds=1 + seconds)
    face = Face(verified_at=NOW, expires_at=expires_at, action="", challenge="handle")
    page.set_content(render_to_string("faceauth/countdown.html", {"face": face}))
    page.add_script_tag(path=SCRIPT)


def test_it_counts_each_second_and_speaks_three_times(page: Page) -> None:
    """At one minute, at half a minute and at the end; a second script changes nothing."""
    counting(page, 62)
    page.add_script_tag(path=SCRIPT)
    timer, told = page.get_by_role("timer"), page.locator("[data-faceauth-told]")

    expect(timer).to_have_text("Your face check is valid for another 1:02.")
    expect(told).to_have_text("")
    page.clock.run_for(2000)
    expect(timer).to_have_text("Your face check is valid for another 1:00.")
    expect(told).to_have_text("Your face check is valid for one more minute.")
    page.clock.run_for(29_000)
    expect(timer).to_have_text("Your face check is valid for another 0:31.")
    expect(told).to_have_text("Your face check is valid for one more minute.")
    page.clock.run_for(1000)
    expect(told).to_have_text("Your face check is valid for 30 more seconds.")
    page.clock.run_for(30_000)
    expect(timer).to_have_text("Your face check is valid for another 0:00.")
    expect(told).to_contain_text("Your face check has expired.")


def test_a_page_that_slept_says_what_is_true_when_it_wakes(page: Page) -> None:
    counting(page, 3725)
    expect(page.get_by_role("timer")).to_contain_text("1:02:05")

    page.clock.fast_forward("02:00:00")

    expect(page.get_by_role("timer")).to_contain_text("0:00")
    expect(page.locator("[data-faceauth-told]")).to_contain_text("expired")
