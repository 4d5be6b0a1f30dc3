"""The tutorial, followed to the letter in an empty folder."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path

import pytest
import requests

from tests.package.conftest import ROOT
from tests.package.place import CONSTRAINTS
from tests.server import free_port, wait_for

pytestmark = pytest.mark.enable_socket

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
FILE = re.compile(r"# (at the end of )?(\S+)\n")


@pytest.fixture
def tutorial() -> str:
    """The text, on a port that is free here."""
    text = (ROOT / "docs" / "tutorial.md").read_text()
    return text.replace("8000", str(free_port()))


def test_the_tutorial_leads_to_an_enrolled_user_and_a_gated_page(tutorial, distributions, tmp_path):
    """Every command and file of it, then the pages as Alice sees them."""
    *steps, server = _steps(tutorial)
    assert "runserver" in server

    for step in steps:
        _follow(step, tmp_path, distributions)

    with _served(server, tmp_path, distributions) as site:
        _enrol_and_see_the_page(site)
    console = (tmp_path / "console.txt").read_text()
    assert "To: alice@example.com" in console
    assert "/face/report/" in console


def _steps(text: str) -> list[str]:
    """Return console lines and files in their order."""
    steps: list[str] = []
    for language, block in BLOCK.findall(text):
        if language == "console":
            steps += [line.removeprefix("$ ") for line in block.splitlines()]
        else:
            steps.append(block)
    return steps


def _follow(step: str, folder: Path, distributions: Path) -> None:
    file = FILE.match(step)
    if file is None:
        _run(step, folder, distributions)
        return
    with (folder / file[2]).open("a" if file[1] else "w") as target:
        target.write(step[file.end() :] if not file[1] else "\n" + step)


def _run(command: str, folder: Path, distributions: Path) -> None:
    subprocess.run(
        ["bash", "-c", f"[ -f .venv/bin/activate ] && . .venv/bin/activate; {command}"],
        cwd=folder,
        env=_environment(distributions),
        check=True,
    )


def _environment(distributions: Path) -> dict[str, str]:
    """Return a newcomer's: nothing of this suite, and the wheel where pip finds it."""
    mine = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DJANGO_", "FACEAUTH_", "PYTHON", "VIRTUAL_ENV", "DATABASE_"))
    }
    links = f"{distributions} {os.environ.get('PIP_FIND_LINKS', '')}".strip()
    return mine | {"PIP_CONSTRAINT": str(CONSTRAINTS), "PIP_FIND_LINKS": links}


@contextmanager
def _served(command: str, folder: Path, distributions: Path) -> Iterator[str]:
    """Run the development server of the site, and yield its URL."""
    url = "http://" + command.split()[-1]
    with (folder / "console.txt").open("w") as console:
        server = subprocess.Popen(
            [folder / ".venv/bin/python", *command.split()[1:], "--noreload"],
            cwd=folder,
            env=_environment(distributions),
            stdout=console,
        )
    try:
        wait_for(url, server)
        yield url
    finally:
        server.terminate()
        server.wait(timeout=10)


def _enrol_and_see_the_page(site: str) -> None:
    with requests.Session() as browser:
        browser.headers["Accept"] = "text/html"
        login = browser.get(f"{site}/statements/", timeout=10)
        form = {**_hidden(login), "username": "alice", "password": "demo"}
        denied = browser.post(login.url, form, headers={"Referer": login.url}, timeout=10)
        assert denied.status_code == 403
        link = re.search(r'href="([^"]+)">Set up face checks<', denied.text)
        assert link is not None, denied.text
        enrolment = browser.get(f"{site}{link[1]}", timeout=10)
        assert "<bdi>alice</bdi>" in enrolment.text
        _go_through(browser, enrolment, until="Face checks are set up")

        start = browser.get(f"{site}/statements/", timeout=10)
        assert "/face/start/" in start.url
        _go_through(browser, start, until="<h1>Statements</h1>")


def _go_through(browser: requests.Session, start: requests.Response, *, until: str) -> None:
    """Press the button of a start page, choose the result that Alice wants, and wait."""
    handed = browser.post(start.url, _hidden(start), headers={"Referer": start.url}, timeout=10)
    capture = unescape(re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', handed.text)[1])
    assert "<form" in browser.get(capture, timeout=10).text
    page = browser.post(capture, {"outcome": "same_person"}, timeout=10)
    for _ in range(20):
        if until in page.text:
            return
        time.sleep(1)
        page = browser.get(page.url, timeout=10)
    raise AssertionError(page.text)


def _hidden(page: requests.Response) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
