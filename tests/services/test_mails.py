"""Mails are sent without making requests wait (F-30)."""

from __future__ import annotations

import socket
import threading

import pytest
from django import VERSION
from django.core import mail
from django.test import override_settings

pytestmark = [pytest.mark.django_db(transaction=True)]

SMTP = "django.core.mail.backends.smtp.EmailBackend"


@pytest.fixture
def alice(people):
    """A user with an address, who has shown their face: the next poll finds the result."""
    with override_settings(FACEAUTH_NOTICES=True, FACEAUTH_SITE_URL="https://bank.example"):
        alice = people(email="alice@example.com")
        alice.shows_face(alice.is_handed_over(alice.is_asked()))
        alice.clock.shift(3)
        yield alice


@pytest.fixture
def silent():
    """A mail server that accepts connections and says nothing; hangs up at the end."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        accepted = []
        greeted = threading.Event()

        def accept():
            accepted.append(server.accept()[0])
            greeted.set()

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1], greeted
        for connection in accepted:
            connection.close()
    for thread in threading.enumerate():
        if thread.name.startswith("faceauth-mail"):
            thread.join()


def smtp(port):
    options = {"host": "127.0.0.1", "port": port}
    if VERSION >= (6, 1):
        return {"MAILERS": {"default": {"BACKEND": SMTP, "OPTIONS": options}}}
    return {"EMAIL_BACKEND": SMTP, "EMAIL_HOST": options["host"], "EMAIL_PORT": port}


@pytest.mark.enable_socket
def test_a_mail_server_that_accepts_and_is_silent(alice, silent):
    """(F-30): the page is there while the server still has not said a word."""
    port, greeted = silent
    with override_settings(**smtp(port)):
        told = alice.browser.get(f"/face/status/{alice.challenge.handle}/").json()

    assert told["state"] == "granted"
    assert greeted.wait(10)


def test_workers_send_them(alice, runner):
    """(F-30): a request only hands the mail over, if there is a worker."""
    alice.browser.get(f"/face/status/{alice.challenge.handle}/")

    if runner.name != "request":
        assert runner.waiting() == [("send_mail", ["notice", alice.challenge.pk])]
        assert mail.outbox == []
    runner.work()
    assert [sent.to for sent in mail.outbox] == [["alice@example.com"]]
    assert runner.waiting() == []


@pytest.mark.enable_socket
def test_a_request_sends_what_the_runner_does_not_take(alice, runner):
    """F-30."""
    with runner.refusing():
        alice.browser.get(f"/face/status/{alice.challenge.handle}/")

    assert len(mail.outbox) == 1
