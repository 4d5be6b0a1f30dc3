"""The bank on a phone: a program with a token, and a browser for the face alone."""

from __future__ import annotations

import json
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from django_faceauth.messages import WORDINGS, Wording
from django_faceauth.response_codes import RETRY_ADVICE
from django_faceauth.services.privacy.consent import ConsentText
from example_project import mobile_client
from example_project.mobile_client import Bank, Challenge, Exit, challenges_in
from tests.server import MANAGE, manage

pytestmark = pytest.mark.enable_socket

SCRIPT = MANAGE.parent / "mobile_client.py"
APP = "demobank://face/done"
NO_BROWSER = shlex.join([sys.executable, "-c", "pass", "%s"])
LOCK_DAVE_OUT = """
from datetime import timedelta
from django.contrib.auth.models import User
from django.utils import timezone
from django_faceauth.models import Lockout
from django_faceauth.services import limits

now, dave = timezone.now(), User.objects.get(username="dave")
limits.lock(dave.pk, reason=Lockout.Reason.DECLINED, until=now + timedelta(hours=1), now=now)
"""
UNLOCK = "from django_faceauth.models import Lockout; Lockout.objects.all().delete()"


def runs(
    bank: str, *arguments: str, said: str | None = None, **env: str
) -> subprocess.CompletedProcess[str]:
    """Run the program to its end; nothing of Django is on its way.

    `said` is what its user types; without it they have agreed to face checks beforehand.
    """
    agreed = ["--agree"] if said is None else []
    return subprocess.run(
        [sys.executable, SCRIPT, "--url", bank, *agreed, *arguments],
        input=said,
        env={"PATH": "", "PYTHONIOENCODING": "utf-8", **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def payouts(bank: str, username: str) -> list[dict[str, Any]]:
    """Return the payouts of a customer, the newest first."""
    return phone(bank, username).call("GET", "/api/payouts/").json()


def phone(bank: str, username: str) -> Bank:
    """Return a phone on which a customer has logged in."""
    client = Bank(bank)
    client.log_in(username, "demo")
    return client


def plays(capture_url: str, outcome: str = "same_person") -> None:
    mobile_client.play(outcome, capture_url)


# -- the program, from the password to the receipt


def test_a_payout_is_sent_with_a_face(bank: str) -> None:
    """What was written down is shown, approved and sent, and the browser ends in the app."""
    done = runs(bank, "--payee", "Mr. Ebb", "--amount", "70.25", "--play", "same_person")

    assert (done.returncode, done.stderr) == (Exit.SENT, "")
    for told in (
        "Payee: Mr. Ebb",
        "Amount: 70.25\N{NO-BREAK SPACE}EUR",
        "shown in the last 180 seconds",
        f"goes on to {APP}",
        "access token is a new one",
        "Sent: 70.25 to Mr. Ebb",
    ):
        assert told in done.stdout
    newest = payouts(bank, "frank")[0]
    assert (newest["payee"], newest["state"]) == ("Mr. Ebb", "executed")
    assert f"reference {newest['reference']}" in done.stdout


@pytest.mark.parametrize(
    ("username", "outcome", "answer"),
    [
        ("bob", "same_person", WORDINGS["failed"]),
        ("frank", "someone_else", WORDINGS["failed"]),
        ("dave", "same_person", WORDINGS["refused"]),
    ],
)
def test_a_face_that_is_not_confirmed_sends_nothing(
    bank: str, username: str, outcome: str, answer: Wording
) -> None:
    """The program says so kindly, and not why."""
    done = runs(bank, "--user", username, "--play", outcome)

    assert done.returncode == Exit.NOT_CONFIRMED
    assert str(answer.message) in done.stderr
    assert "Your draft is kept." in done.stderr
    assert "Sent:" not in done.stdout
    assert "62321" not in done.stdout + done.stderr
    assert payouts(bank, username)[0]["state"] == "draft"


@pytest.mark.parametrize("said", ["no\n", "", "2026-11\n"])
def test_who_does_not_agree_is_left_in_peace(bank: str, said: str) -> None:
    """The text is shown, no camera is opened, and nothing is sent (V-02)."""
    phone(bank, "alice").call("DELETE", "/face/api/consent/")

    done = runs(bank, "--user", "alice", "--play", "same_person", said=said)

    assert done.returncode == Exit.NOT_CONFIRMED
    assert ConsentText("", "en").text.splitlines()[0] in done.stdout
    assert "That is fine." in done.stderr
    assert "goes on to" not in done.stdout


def test_who_agrees_is_asked_once(bank: str) -> None:
    phone(bank, "alice").call("DELETE", "/face/api/consent/")

    first = runs(bank, "--user", "alice", "--play", "same_person", said="yes\n")
    second = runs(bank, "--user", "alice", "--play", "same_person", said="")

    assert (first.returncode, second.returncode) == (Exit.SENT, Exit.SENT)
    assert "Do you agree" in first.stdout
    assert "Do you agree" not in second.stdout


def test_carol_leaves_too_early_and_tries_again(bank: str) -> None:
    """On the same challenge, with a link of its own for each attempt."""
    done = runs(bank, "--user", "carol", "--play", "leave")

    assert (done.returncode, done.stderr) == (Exit.SENT, "")
    assert done.stdout.count(f"goes on to {APP}") == 2
    assert str(RETRY_ADVICE[61121]) in done.stdout
    assert payouts(bank, "carol")[0]["state"] == "executed"


def test_who_is_locked_out_is_told_until_when(bank: str, vault: Path) -> None:
    """429 is an answer, not an error to try again at once."""
    manage(vault, "shell", "-c", LOCK_DAVE_OUT)
    done = runs(bank, "--user", "dave", "--play", "same_person")
    manage(vault, "shell", "-c", UNLOCK)

    assert done.returncode == Exit.LIMITED
    assert re.search(r"You can go on at \d\d:\d\d\.", done.stderr)
    assert "goes on to" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--password", "wrong"], Exit.TROUBLE, "does not know this name and password"),
        (["--amount", "900"], Exit.TROUBLE, "amount: "),
        (["--payee", ""], Exit.TROUBLE, "payee: "),
        (["--user", "erin"], Exit.TROUBLE, "in your browser: {bank}/face/enrol/"),
        (["--url", "http://127.0.0.1:1"], Exit.TROUBLE, "cannot be reached"),
        (["--patience", "3"], Exit.NOT_CONFIRMED, "No face was shown in time"),
    ],
)
def test_trouble_is_told_in_a_sentence(
    bank: str, arguments: list[str], code: Exit, sentence: str
) -> None:
    done = runs(bank, *arguments, BROWSER=NO_BROWSER)

    assert done.returncode == code
    assert sentence.format(bank=bank) in done.stderr
    assert "Traceback" not in done.stderr
    assert "Sent:" not in done.stdout


def test_who_leaves_every_time_is_left_in_peace(bank: str) -> None:
    done = runs(bank, "--play", "leave")

    assert done.returncode == Exit.NOT_CONFIRMED
    assert done.stdout.count(f"goes on to {APP}") == mobile_client.TRIES
    assert "try again later" in done.stderr


def test_the_browser_of_a_person_is_opened(bank: str, tmp_path: Path) -> None:
    """Without --play the link goes to the browser, and the program waits for what comes of it."""
    visitor = tmp_path / "visitor.py"
    visitor.write_text(
        "import sys\n"
        f"sys.path.insert(0, {str(SCRIPT.parent)!r})\n"
        "import mobile_client\n"
        "mobile_client.play('same_person', sys.argv[1])\n"
    )
    browser = shlex.join([sys.executable, str(visitor)])

    done = runs(bank, BROWSER=f"{browser} %s")

    assert (done.returncode, done.stderr) == (Exit.SENT, "")
    assert f"Please show your face here: {bank}/simulator/capture/" in done.stdout


def test_ctrl_c_ends_it_without_a_fuss(bank: str) -> None:
    with subprocess.Popen(
        [sys.executable, SCRIPT, "--url", bank, "--agree"],
        env={"PATH": "", "BROWSER": NO_BROWSER, "PYTHONIOENCODING": "utf-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        while "Waiting" not in program.stdout.readline():
            assert program.poll() is None
        error = None
        while error is None:  # Python drops one that comes while it frees an object
            program.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                _told, error = program.communicate(timeout=5)

    assert program.returncode == Exit.STOPPED
    assert "Stopped." in error
    assert "Traceback" not in error


def test_a_bank_that_does_not_answer_is_waited_for_a_while(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The call may have arrived: the program does not claim to know."""
    monkeypatch.setattr(mobile_client, "TIMEOUT", (5, 0.1))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        code = mobile_client.main(["--url", f"http://127.0.0.1:{silent.getsockname()[1]}"])

    assert code == Exit.TROUBLE
    told = capsys.readouterr().err
    assert "did not answer in time" in told
    assert "look at your payouts" in told


class Stranger(BaseHTTPRequestHandler):
    """A server that is no bank, and would like to have a token."""

    answers: list[tuple[int, dict[str, str], Any]] = []
    tokens: list[str | None] = []

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.tokens.append(self.headers["Authorization"])
        status, headers, body = self.answers.pop(0)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

    def log_message(self, *_args: object) -> None:
        """Be quiet."""


@pytest.fixture
def stranger() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Stranger) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        Stranger.tokens.clear()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


TOKENS = (200, {}, {"access": "a", "refresh": "r"})
DRAFT = (201, {}, {"id": 1, "payee": "x", "amount": "1.00"})


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ([(200, {}, b"<html>")], "cannot be understood"),
        ([(200, {}, {})], "cannot be understood"),
        ([(502, {}, b"<html>")], "answered with 502"),
        ([(302, {"Location": "http://127.0.0.1:1/"}, b"")], "cannot be understood"),
        ([TOKENS, (429, {"Retry-After": "7"}, {"detail": "Slow down."})], "again in 7 seconds"),
        ([TOKENS, DRAFT, (401, {"WWW-Authenticate": "=="}, {})], "cannot be understood"),
    ],
)
def test_who_is_no_bank_is_not_understood(
    stranger: str, capsys: pytest.CaptureFixture[str], answers: list[Any], sentence: str
) -> None:
    """No traceback, and no receipt."""
    Stranger.answers[:] = answers

    code = mobile_client.main(["--url", stranger])

    assert code in {Exit.TROUBLE, Exit.LIMITED}
    said = capsys.readouterr()
    assert sentence in said.err
    assert "Sent" not in said.out


def test_a_token_goes_to_nobody_but_the_bank(stranger: str, bank: str) -> None:
    """Not even where the bank points to, should somebody have talked it into that."""
    client = phone(bank, "frank")
    answers = [
        (stranger, f"{stranger}/face/api/"),
        (bank, f"{bank}.evil.example/"),
        (bank, f"{bank.replace('127.0.0.1', '127.0.0.1@127.0.0.2')}/"),
    ]

    for _from, url in answers:
        with pytest.raises(mobile_client.Stop, match="not its own"):
            client.call("POST", url)
    assert Stranger.tokens == []


# -- what thieves can do


@pytest.fixture
def asked(bank: str) -> tuple[Bank, str, Challenge]:
    """Frank's phone, the address of a draft's sending, and what it was asked."""
    return ask(phone(bank, "frank"))


def ask(client: Bank) -> tuple[Bank, str, Challenge]:
    draft = client.call("POST", "/api/payouts/", {"payee": "Ms. Quay", "amount": "101.00"}).json()
    send = f"/api/payouts/{draft['id']}/send/"
    return client, send, Challenge.of(client.call("POST", send))


def approves(client: Bank, challenge: Challenge) -> None:
    """Show a face, and wait until the bank says that the request can be repeated."""
    plays(mobile_client.start(client, challenge, mobile_client.agree_beforehand))
    assert mobile_client.wait(client, challenge, 30)["next"] == "repeat"


def named(challenge: Challenge) -> dict[str, str]:
    return {"Face-Challenge": challenge.handle}


def test_a_stolen_token_without_the_handle_gets_nothing(
    bank: str, asked: tuple[Bank, str, Challenge]
) -> None:
    """The thief of an access token is asked for a face like anybody else (B-04, B-07)."""
    client, send, challenge = asked
    thief = Bank(bank)
    thief.http.headers["Authorization"] = client.http.headers["Authorization"]
    approves(client, challenge)

    tries = [
        thief.call("POST", send),
        thief.call("POST", send, headers={"Face-Challenge": "guessed"}),
        thief.call("POST", send, headers={"Face-Challenge": challenge.handle[:8]}),
    ]

    assert {answer.status_code for answer in tries} == {401}
    assert challenge.handle not in {Challenge.of(answer).handle for answer in tries}
    assert client.call("POST", send, headers=named(challenge)).status_code == 200


def test_an_access_token_that_ran_out_is_renewed_by_itself(
    asked: tuple[Bank, str, Challenge],
) -> None:
    """And the challenge is the same to the new one."""
    client, send, challenge = asked
    approves(client, challenge)
    client.http.headers["Authorization"] = "Bearer ran.out.long.ago"

    assert client.call("POST", send, headers=named(challenge)).status_code == 200


# -- WWW-Authenticate


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("", []),
        (" , ,", []),
        ("Basic", [("Basic", {})]),
        ('Bearer realm="api"', [("Bearer", {"realm": "api"})]),
        (
            'Bearer error="insufficient_user_authentication", max_age="180", acr_values="face"',
            [
                (
                    "Bearer",
                    {
                        "error": "insufficient_user_authentication",
                        "max_age": "180",
                        "acr_values": "face",
                    },
                )
            ],
        ),
        ("Bearer max_age=180,ERROR=x", [("Bearer", {"max_age": "180", "error": "x"})]),
        (
            'Basic realm="a, Bearer error=\\"b\\"", Bearer error = "c" ,realm=""',
            [
                ("Basic", {"realm": 'a, Bearer error="b"'}),
                ("Bearer", {"error": "c", "realm": ""}),
            ],
        ),
        (
            "Negotiate, Bearer a=b, Token abc==, Session",
            [("Negotiate", {}), ("Bearer", {"a": "b"}), ("Token", {}), ("Session", {})],
        ),
    ],
)
def test_a_header_is_read_as_it_is_meant(header: str, found: list[Any]) -> None:
    """RFC 9110, section 11.6.1: several challenges, quoted commas and all."""
    assert challenges_in(header) == found
