"""A bar where somebody looks, and nothing in a pipe."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import termios
from contextlib import contextmanager, suppress

import pytest
from django.core.management import call_command

from django_faceauth.management import progress
from django_faceauth.models import WebhookEvent

pytestmark = pytest.mark.django_db


@contextmanager
def terminal(monkeypatch):
    """Have a terminal as standard error; gives what it was sent."""
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (24, 80))
    os.set_blocking(master, False)
    shown = bytearray()
    with os.fdopen(slave, "w") as screen, monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", screen)
        yield shown
        screen.flush()
        with suppress(BlockingIOError):  # nothing was written
            shown += os.read(master, 100_000)
    os.close(master)


COMMANDS = {
    "faceauth_purge": "rows",
    "faceauth_erase": "erasures",
    "faceauth_export": "kinds",
    "faceauth_link": "users",
}


@pytest.fixture(params=COMMANDS)
def command(request, person, people, tmp_path):
    """A command with something to do, and the name of what it counts."""
    person.passes()
    WebhookEvent.objects.create(
        event_id="evt_old", received_at="2020-01-01T00:00:00Z", state="ignored"
    )
    path = tmp_path / "people.csv"
    path.write_text(f"{people(None).user.pk},aplt_1\n")
    arguments = {
        "faceauth_erase": [person.user.username, "--no-input"],
        "faceauth_export": [person.user.username],
        "faceauth_link": [str(path)],
    }
    return [request.param, *arguments.get(request.param, [])], COMMANDS[request.param]


@pytest.mark.parametrize("is_terminal", [True, False])
def test_there_is_a_bar_in_a_terminal_and_none_in_a_pipe(command, monkeypatch, capfd, is_terminal):
    pytest.importorskip("tqdm")
    arguments, unit = command
    if is_terminal:
        with terminal(monkeypatch) as shown:
            call_command(*arguments)
            with progress.bar(0, "nothing to do"):
                pass
        assert b"%|" in shown
        assert unit in shown.decode()
        assert b"nothing to do" not in shown
    else:
        call_command(*arguments)
        assert "%|" not in capfd.readouterr().err


@pytest.mark.django_db(transaction=True)
def test_sync_since_shows_one(person, monkeypatch, capsys):
    pytest.importorskip("tqdm")
    person.passes()
    person.clock.shift(60)
    with terminal(monkeypatch) as shown:
        call_command("faceauth_sync", "--since", "1h")

    assert b"0/1" in shown


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
