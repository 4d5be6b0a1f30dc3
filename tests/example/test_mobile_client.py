"""The bank on a phone: a program with a token, and a browser for the face alone."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import time

import pytest
import requests

from django_faceauth.messages import WORDINGS
from django_faceauth.response_codes import RETRY_ADVICE
from django_faceauth.services.privacy.consent import ConsentText
from example_project import mobile_client
from example_project.mobile_client import Bank, Challenge, Exit
from tests.server import MANAGE, manage, running_bank

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


@pytest.fixture(scope="module")
def vault(tmp_path_factory):
    """The folder of the bank's database, for `manage()`."""
    return tmp_path_factory.mktemp("bank")


@pytest.fixture(scope="module")
def bank(vault):
    """The URL of a bank whose simulator compares faces in no time."""
    with running_bank(vault, FACEAUTH_SIMULATOR_CHECK_SECONDS="0") as url:
        yield url


def runs(bank, *arguments, said=None, **env):
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


def payouts(bank, username):
    """Return the payouts of a customer, the newest first."""
    return phone(bank, username).call("GET", "/api/payouts/").json()


def phone(bank, username):
    """Return a phone on which a customer has logged in."""
    client = Bank(bank)
    client.log_in(username, "demo")
    return client


def test_a_payout_is_sent_with_a_face(bank):
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


def test_webhooks_arrive(bank):
    runs(bank, "--play", "same_person")

    for _ in range(40):
        controls = f"{bank}/simulator/control/deliveries"
        listed = requests.get(controls, headers={"Authorization": "Bearer sk_sbox_demo"}, timeout=9)
        newest = listed.json()["data"][0]
        if newest["state"] == "delivered":
            break
        time.sleep(0.5)
    assert newest["event"]["type"] == "face_authentication_checks_completed"
    assert (newest["state"], newest["tries"], newest["answer"]) == ("delivered", 1, "200")


@pytest.mark.parametrize(
    ("username", "outcome", "answer"),
    [
        ("bob", "same_person", WORDINGS["failed"]),
        ("frank", "someone_else", WORDINGS["failed"]),
        ("dave", "same_person", WORDINGS["refused"]),
    ],
)
def test_a_face_that_is_not_confirmed_sends_nothing(bank, username, outcome, answer):
    done = runs(bank, "--user", username, "--play", outcome)

    assert done.returncode == Exit.NOT_CONFIRMED
    assert str(answer.message) in done.stderr
    assert "Your draft is kept." in done.stderr
    assert "Sent:" not in done.stdout
    assert "62321" not in done.stdout + done.stderr
    assert payouts(bank, username)[0]["state"] == "draft"


@pytest.mark.parametrize("said", ["no\n", ""])
def test_who_does_not_agree_is_left_in_peace(bank, said):
    """The text is shown, no camera is opened, and nothing is sent (V-02)."""
    phone(bank, "alice").call("DELETE", "/face/api/consent/")

    done = runs(bank, "--user", "alice", "--play", "same_person", said=said)

    assert done.returncode == Exit.NOT_CONFIRMED
    assert ConsentText("", "en").text.splitlines()[0] in done.stdout
    assert "That is fine." in done.stderr
    assert "goes on to" not in done.stdout


def test_who_agrees_is_asked_once(bank):
    phone(bank, "alice").call("DELETE", "/face/api/consent/")

    first = runs(bank, "--user", "alice", "--play", "same_person", said="yes\n")
    second = runs(bank, "--user", "alice", "--play", "same_person", said="")

    assert (first.returncode, second.returncode) == (Exit.SENT, Exit.SENT)
    assert "Do you agree" in first.stdout
    assert "Do you agree" not in second.stdout


def test_carol_leaves_too_early_and_tries_again(bank):
    done = runs(bank, "--user", "carol", "--play", "leave")

    assert (done.returncode, done.stderr) == (Exit.SENT, "")
    assert done.stdout.count(f"goes on to {APP}") == 2
    assert str(RETRY_ADVICE[61121]) in done.stdout
    assert payouts(bank, "carol")[0]["state"] == "executed"


def test_who_is_locked_out_is_told_until_when(bank, vault):
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
def test_trouble_is_told_in_a_sentence(bank, arguments, code, sentence):
    done = runs(bank, *arguments, BROWSER=NO_BROWSER)

    assert done.returncode == code
    assert sentence.format(bank=bank) in done.stderr
    assert "Traceback" not in done.stderr
    assert "Sent:" not in done.stdout


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/face/api/", "{bank}.evil.example/", "http://127.0.0.1@127.0.0.2/"]
)
def test_a_token_goes_to_the_bank_alone(bank, url):
    with pytest.raises(mobile_client.Stop, match="not its own"):
        phone(bank, "frank").call("POST", url.format(bank=bank))


def test_an_access_token_that_ran_out_is_renewed_by_itself(bank):
    client = phone(bank, "frank")
    draft = client.call("POST", "/api/payouts/", {"payee": "Ms. Quay", "amount": "101.00"}).json()
    send = f"/api/payouts/{draft['id']}/send/"
    challenge = Challenge.of(client.call("POST", send))
    capture_url = mobile_client.start(client, challenge, mobile_client.agree_beforehand)
    mobile_client.play("same_person", capture_url)
    assert mobile_client.wait(client, challenge, 30)["next"] == "repeat"
    client.http.headers["Authorization"] = "Bearer ran.out.long.ago"

    answer = client.call("POST", send, headers={"Face-Challenge": challenge.handle})

    assert answer.status_code == 200
