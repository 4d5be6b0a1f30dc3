"""A customer of the bank, with a browser that knows no JavaScript."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urljoin

import requests

LOOKS: Final = 20
#: Where the choice of a language at the foot of every page leads.
LANGUAGE: Final = "/language/"


@dataclass(frozen=True, slots=True)
class Form:
    """Where a form leads, what its fields hold, and the boxes that can be ticked."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    boxes: dict[str, str] = field(default_factory=dict)


class Page(HTMLParser):
    """What a browser understands of an answer."""

    def __init__(self, response: requests.Response) -> None:
        super().__init__()
        self.url = response.url
        self.status = response.status_code
        self.headers = response.headers
        self.html = response.text
        self.forms: list[Form] = []
        self.refresh = ""
        self.links: list[str] = []
        self._words: list[str] = []
        self.feed(response.text)

    @property
    def text(self) -> str:
        """The words on the page."""
        return " ".join("".join(self._words).split())

    @property
    def doors(self) -> dict[str, str]:
        """Whether the panel calls each page "open" or "shut", by its path."""
        doors = re.findall(r'<li class="(open|shut)">\s*<a href="([^"]+)"', self.html)
        return {path: state for state, path in doors}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of forms, their fields, and where the page sends the browser."""
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(urljoin(self.url, values.get("action", "")))
            if not self._form.action.endswith(LANGUAGE):
                self.forms.append(self._form)
        elif tag == "a" and "href" in values:
            self.links.append(urljoin(self.url, values["href"]))
        elif tag == "input" and "name" in values:
            is_open = values.get("type") == "checkbox" and "checked" not in values
            kind = self._form.boxes if is_open else self._form.fields
            kind[values["name"]] = values.get("value", "")
        elif tag == "meta" and values.get("http-equiv") == "refresh":
            self.refresh = values["content"]

    def handle_data(self, data: str) -> None:
        self._words.append(data)


class Customer:
    """A visitor of the bank; with a `username`, one who has logged in."""

    def __init__(self, bank: str, username: str = "") -> None:
        self.bank = bank
        self.browser = requests.Session()
        self.browser.headers["Accept"] = "text/html"  # or the gate takes it for a program
        if username:
            self.submits(self.opens("/login/"), username=username, password="demo")

    def opens(self, path: str) -> Page:
        """Open a page of the bank."""
        return self._settled(self.browser.get(urljoin(self.bank, path)))

    def waits_for(self, words: str, path: str) -> Page:
        """Open a page again and again until it says `words`."""
        for _ in range(LOOKS):
            page = self.opens(path)
            if words in page.text:
                return page
            time.sleep(0.5)
        raise AssertionError(page.text)

    def submits(self, page: Page, *, to: str = "", **fields: str) -> Page:
        """Fill in the last form of a page, press its button, and see where that leads.

        `to` is part of the address that the form leads to, where there are several.
        """
        form = [form for form in page.forms if to in form.action][-1]
        return self._settled(self.browser.post(form.action, form.fields | fields))

    def shows_face(self, path: str, outcome: str = "same_person") -> Page:
        """Open a gated page and go through the whole check that it asks for."""
        return self.answers(self.opens(path), outcome)

    def answers(self, start: Page, outcome: str = "same_person") -> Page:
        """Agree if need be, and go through the whole check that a start page asks for."""
        assert "/face/start/" in start.url, start.text
        return self.submits(self.submits(start, **start.forms[-1].boxes), outcome=outcome)

    def _settled(self, response: requests.Response) -> Page:
        for _ in range(LOOKS):
            page = Page(response)
            if not page.refresh:
                return page
            seconds, _, url = page.refresh.partition("; url=")
            time.sleep(min(float(seconds), 0.5))
            response = self.browser.get(urljoin(page.url, url))
        raise AssertionError("the page never stopped sending the browser on")
