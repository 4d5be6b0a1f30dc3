"""Progress bars of commands."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import termios
from contextlib import contextmanager

import pytest
from django.core.management import call_command

from django_faceauth.management import progress
from django_faceauth.models import WebhookEvent
from tests.user_driver import scripted

pytestmark = pytest.mark.django_db

END = "written to the end"


@contextmanager
def terminal(monkeypatch):
    """Have a terminal as standard error; gives what it was sent."""
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (24, 80))
    shown = bytearray()
    with os.fdopen(slave, "w") as screen, monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", screen)
        yield shown
        print(END, file=screen, flush=True)
        while END.encode() not in shown:  # the terminal hands on what was written in pieces
            shown += os.read(master, 100_000)
    os.close(master)


@pytest.mark.django_db(transaction=True)
def test_there_is_a_bar_in_a_terminal_and_none_in_a_pipe(
    person, people, tmp_path, monkeypatch, capfd
):
    pytest.importorskip("tqdm")
    person.passes()
    person.clock.shift(60)
    WebhookEvent.objects.create(
        event_id="evt_old", received_at="2020-01-01T00:00:00Z", state="ignored"
    )
    path, name = tmp_path / "users.csv", person.user.username
    path.write_text(f"{people(None).user.pk},{scripted('10000')}\n")

    for unit, *command in (
        ("0/1", "faceauth_sync", "--since", "1h"),
        ("kinds", "faceauth_export", name),
        ("users", "faceauth_link", str(path)),
        ("rows", "faceauth_purge"),
        ("erasures", "faceauth_erase", name, "--no-input"),
    ):
        with terminal(monkeypatch) as shown:
            call_command(*command)
            with progress.bar(0, "nothing to do"):
                pass
        assert b"%|" in shown
        assert unit in shown.decode()
        assert b"nothing to do" not in shown
    call_command("faceauth_export", name)
    assert "%|" not in capfd.readouterr().err


def test_it_works_without_the_extra():
    """In a process of its own, in which the library is not there."""
    program = (
        "import sys; sys.modules['tqdm'] = None\n"
        "from django_faceauth.management import progress\n"
        "with progress.bar(3, 'rows') as step:\n"
        "    step(3)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert ran.stderr == b""
