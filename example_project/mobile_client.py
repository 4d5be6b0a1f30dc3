"""A mobile client of the demo bank: it sends a payout over plain HTTP, with a JWT.

Start the bank with `make demo`, and then, in another terminal:

    .venv/bin/python example_project/mobile_client.py --user frank --amount 112.50

The first time it asks for consent to face checks; `--agree` gives it beforehand. Your browser
opens for the face check, as it would on a phone; `--play same_person` presses that button of the
simulator's capture page instead. The program knows the URL of the bank and what its responses say.
"""

from __future__ import annotations

import re
import sys
import time
import webbrowser
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from functools import partial
from html import unescape
from typing import Any, Final
from urllib.parse import urljoin

import requests
from requests import Response
from requests.utils import parse_dict_header

#: Where the browser goes after the capture; the bank names it in FACEAUTH_REDIRECT_ALLOWLIST.
APP: Final = "demobank://face/done"
#: Buttons of the simulator's capture page.
OUTCOMES: Final = ("same_person", "someone_else", "no_camera", "leave", "refuse")
#: Attempts before the program gives up.
TRIES: Final = 3
#: Seconds between two polls if the bank does not say.
PAUSE: Final = 2
#: Seconds to wait for a connection, and for a response: the bank may ask the provider first.
TIMEOUT: Final = (5, 30)

REFRESH: Final = re.compile(r'http-equiv="refresh" content="0; url=([^"]+)"')

Json = dict[str, Any]
Headers = dict[str, str]


class Exit(IntEnum):
    """Exit codes of the program; 2 is that of wrong arguments."""

    SENT = 0
    NOT_CONFIRMED = 1
    LIMITED = 3
    TROUBLE = 4
    STOPPED = 130


class Stop(Exception):
    """The program ends, for the reason in the message."""

    def __init__(self, sentence: str, code: Exit) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(slots=True)
class Bank:
    """HTTP client of the bank's API."""

    url: str
    http: requests.Session = field(default_factory=requests.Session)
    refresh: str = field(default="", repr=False)

    def log_in(self, username: str, password: str) -> None:
        """Exchange the password for tokens."""
        answer = self._send("POST", "/api/token/", {"username": username, "password": password})
        if answer.status_code == 401:
            raise Stop("The bank does not know this name and password.", Exit.TROUBLE)
        self._hold(_good(answer))

    def renew(self) -> None:
        """Exchange the refresh token for a new access token."""
        answer = self._send("POST", "/api/token/refresh/", {"refresh": self.refresh})
        if answer.status_code == 401:
            raise Stop("You have been logged out. Please log in again.", Exit.TROUBLE)
        self._hold(_good(answer))

    def call(
        self, method: str, url: str, body: Json | None = None, headers: Headers | None = None
    ) -> Response:
        """Call the bank, and again with a new access token if the old one has expired."""
        answer = self._send(method, url, body, headers)
        if answer.status_code == 401 and demand_in(answer) is None:
            self.renew()
            answer = self._send(method, url, body, headers)
        return answer

    def _send(
        self, method: str, url: str, body: Json | None = None, headers: Headers | None = None
    ) -> Response:
        whole = urljoin(self.url, url)
        if not whole.startswith(f"{self.url}/"):  # the token is for the bank alone
            raise Stop(f"The bank names a URL that is not its own: {whole}", Exit.TROUBLE)
        return self.http.request(
            method, whole, json=body, headers=headers, timeout=TIMEOUT, allow_redirects=False
        )

    def _hold(self, tokens: Json) -> None:
        self.refresh = tokens.get("refresh", self.refresh)
        self.http.headers["Authorization"] = f"Bearer {tokens['access']}"


@dataclass(frozen=True, slots=True)
class Challenge:
    """The challenge of a refusal; the handle is a secret."""

    handle: str = field(repr=False)
    max_age: int
    status_url: str
    attempts_url: str

    @classmethod
    def of(cls, refusal: Response) -> Challenge:
        """Return the challenge of a refusal; raises `Stop` if it does not ask for a face."""
        demand = demand_in(refusal)
        if refusal.status_code != 401 or demand is None:
            raise Stop(sentence_of(refusal), Exit.TROUBLE)
        body = refusal.json()
        return cls(
            handle=body["challenge"],
            max_age=int(demand.get("max_age", "0")),
            status_url=body["status_url"],
            attempts_url=body["attempts_url"],
        )


@dataclass(frozen=True, slots=True)
class Owner:
    """The user of the phone: agrees to a text, opens a link, waits for some seconds."""

    agrees: Callable[[str], bool]
    show: Callable[[str], None]
    patience: float


# -- responses of the bank


def demand_in(answer: Response) -> dict[str, str] | None:
    """Return the parameters of the challenge that wants more than a login (RFC 9470)."""
    _scheme, _, parameters = answer.headers.get("WWW-Authenticate", "").partition(" ")
    demand: dict[str, str] = parse_dict_header(parameters)
    return demand if demand.get("error") == "insufficient_user_authentication" else None


def sentence_of(answer: Response) -> str:
    """Return the message of a response for the user."""
    try:
        body = answer.json()
    except ValueError:
        return f"The bank answered with {answer.status_code}."
    message = body.get("title") or body.get("detail")
    if "enrol_url" in body:
        message = f"{message} Set up face checks first, in your browser: {body['enrol_url']}"
    return (
        str(message) if message else "; ".join(f"{name}: {' '.join(e)}" for name, e in body.items())
    )


def pause_of(answer: Response, default: float = PAUSE) -> float:
    """Return the seconds that the bank asks us to wait."""
    seconds = answer.headers.get("Retry-After", "")
    return float(seconds) if seconds.isdecimal() else default


def _good(answer: Response) -> Json:
    if answer.status_code == 429:
        raise Stop(_limited(answer), Exit.LIMITED)
    if not answer.ok:
        raise Stop(sentence_of(answer), Exit.TROUBLE)
    body: Json = answer.json()
    return body


def _limited(answer: Response) -> str:
    until = answer.json().get("until")
    if until is None:
        return f"{sentence_of(answer)} Please try again in {pause_of(answer):.0f} seconds."
    opens = datetime.fromisoformat(until).astimezone()
    return f"{sentence_of(answer)} You can go on at {opens:%H:%M}."


# -- the flow


def pay(bank: Bank, payee: str, amount: str, owner: Owner) -> Json:
    """Create a payout, have it approved, send it, and return the receipt."""
    draft = _good(bank.call("POST", "/api/payouts/", {"payee": payee, "amount": amount}))
    tell(f"Draft saved: {draft['amount']} to {draft['payee']}, payout {draft['id']}.")
    send = partial(bank.call, "POST", f"/api/payouts/{draft['id']}/send/")
    answer = send()
    if answer.ok:  # the payout is small, or staff have exempted this customer
        return _good(answer)
    challenge = Challenge.of(answer)
    tell(f"The bank asks for a face that was shown in the last {challenge.max_age} seconds.")
    for line in _good(bank.call("GET", challenge.status_url))["lines"]:
        tell(f"  {line['label']}: {', '.join(line['values'])}")
    confirm(bank, challenge, owner)
    answer = send(headers={"Face-Challenge": challenge.handle})
    if answer.status_code == 401:
        raise Stop("That took too long: your face check has expired.", Exit.NOT_CONFIRMED)
    return _good(answer)


def confirm(bank: Bank, challenge: Challenge, owner: Owner) -> None:
    """Have the user show their face until the bank accepts it."""
    for _ in range(TRIES):
        link = start(bank, challenge, owner.agrees)
        if link:
            owner.show(link)
        bank.renew()
        tell("The access token is a new one now; the challenge is the same. Waiting.")
        told = wait(bank, challenge, owner.patience)
        if told["next"] == "repeat":
            return
        if told["next"] == "ask_again":
            raise Stop(told["message"], Exit.NOT_CONFIRMED)
        tell(told["message"])
    raise Stop("That did not work. Please try again later.", Exit.NOT_CONFIRMED)


def start(bank: Bank, challenge: Challenge, agrees: Callable[[str], bool]) -> str:
    """Start an attempt and return its link; empty if one is under way already."""
    wanted = {"redirect_url": APP}
    answer = bank.call("POST", challenge.attempts_url, wanted)
    if answer.status_code == 400 and answer.json().get("code") == "consent_required":
        asked = answer.json()
        if not agrees(asked["consent_text"]):
            raise Stop("That is fine. Nothing was sent.", Exit.NOT_CONFIRMED)
        wanted["consent"] = asked["consent_version"]
        answer = bank.call("POST", challenge.attempts_url, wanted)
    if answer.status_code == 409:
        time.sleep(pause_of(answer, 0))
        return ""
    return str(_good(answer)["capture_url"])


def wait(bank: Bank, challenge: Challenge, patience: float) -> Json:
    """Poll the challenge, as often as the bank allows, until there is a result."""
    give_up = time.monotonic() + patience
    told: Json = {"next": "wait"}
    etag, pause = "", float(PAUSE)
    while True:
        known = {"If-None-Match": etag} if etag else None
        answer = bank.call("GET", challenge.status_url, headers=known)
        pause = pause_of(answer, pause)
        if answer.status_code != 304:
            told, etag = _good(answer), answer.headers.get("ETag", "")
        if told["next"] != "wait":
            return told
        if time.monotonic() + pause > give_up:
            raise Stop("No face was shown in time.", Exit.NOT_CONFIRMED)
        time.sleep(pause)


def ask_to_agree(text: str) -> bool:
    """Show the consent text and ask; an empty answer is a no."""
    tell(f"{text}\nDo you agree that your face is compared in this way? (yes/no)")
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def agree_beforehand(text: str) -> bool:
    """Show the consent text that `--agree` accepts."""
    tell(f"{text}\nYou have agreed to this.")
    return True


def open_browser(link: str) -> None:
    """Open the capture page: on a phone, in a browser tab of the system."""
    tell(f"Please show your face here: {link}")
    webbrowser.open(link)


def play(outcome: str, link: str) -> None:
    """Press a button of the simulator's capture page, and follow its redirect."""
    with requests.Session() as browser:
        browser.get(link, timeout=TIMEOUT).raise_for_status()
        form = {"outcome": outcome}
        sent = browser.post(link, form, timeout=TIMEOUT, allow_redirects=False)
        sent.raise_for_status()
        page = browser.get(sent.headers["Location"], timeout=TIMEOUT)
    found = REFRESH.search(page.text)
    tell(f"The browser goes on to {unescape(found[1]) if found else page.url}")


def tell(sentence: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


def _arguments(arguments: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="where the bank is")
    parser.add_argument("--user", default="frank")
    parser.add_argument("--password", default="demo")
    parser.add_argument("--payee", default="Ms. Quay")
    parser.add_argument("--amount", default="112.50", help="in euros")
    parser.add_argument("--play", choices=OUTCOMES, help="press this button of the capture page")
    parser.add_argument("--agree", action="store_true", help="give consent to face checks")
    parser.add_argument("--patience", type=float, default=900, help="seconds to wait for a face")
    return parser.parse_args(arguments)


def _run(given: Namespace) -> None:
    bank = Bank(given.url.rstrip("/"))
    bank.log_in(given.user, given.password)
    show = partial(play, given.play) if given.play else open_browser
    agrees = agree_beforehand if given.agree else ask_to_agree
    receipt = pay(bank, given.payee, given.amount, Owner(agrees, show, given.patience))
    tell(f"Sent: {receipt['amount']} to {receipt['payee']} at {receipt['executed_at']}.")
    if receipt["reference"]:
        tell(f"Approved with your face, reference {receipt['reference']}.")
    else:
        tell("The payout was small, and needed no approval.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program, and return its exit code."""
    unsure = "If there was no receipt, look at your payouts before you try again."
    try:
        _run(_arguments(arguments))
    except Stop as stop:
        sentence, code = str(stop), stop.code
        if code in {Exit.NOT_CONFIRMED, Exit.LIMITED}:
            sentence += " Your draft is kept."
    except requests.Timeout:
        sentence, code = f"The bank did not answer in time. {unsure}", Exit.TROUBLE
    except requests.ConnectionError:
        sentence, code = f"The bank cannot be reached. {unsure}", Exit.TROUBLE
    except (requests.RequestException, ValueError, KeyError):
        sentence, code = f"The bank cannot be understood. {unsure}", Exit.TROUBLE
    except KeyboardInterrupt:
        sentence, code = f"\nStopped. {unsure}", Exit.STOPPED
    else:
        return Exit.SENT
    sys.stderr.write(f"{sentence}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
