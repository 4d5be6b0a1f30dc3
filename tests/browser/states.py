"""Every page of ours in every state, written down for a browser to show.

Run as a program (`python -m tests.browser.states FILE`): the browser's event loop
and the database do not share a thread.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent.parent

#: One of each direction of writing.
LANGUAGES: Final = ("en", "ar")

#: Where a page that leads on by itself leads to: the browser is to stay and look.
LEADS_ON: Final = re.compile(r'<meta http-equiv="refresh" content="0;[^>]*>')


def written(folder: Path) -> dict[str, dict[str, str]]:
    """Return the HTML of each state by its name, in each language, made by another process."""
    file = folder / "states.json"
    env = {name: value for name, value in os.environ.items() if not name.startswith("FACEAUTH_")}
    done = subprocess.run(
        [sys.executable, "-m", __name__, str(file)],
        env=env | {"DATABASE_URL": f"sqlite:///{folder}/states.sqlite3"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, str]] = json.loads(file.read_text())
    return found


def main(file: Path) -> None:
    """Write all states into `file`."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.test.utils import setup_test_environment

    setup_test_environment()
    settings.MIDDLEWARE.insert(1, "django.middleware.locale.LocaleMiddleware")
    call_command("migrate", verbosity=0)
    found = {}
    for settings.LANGUAGE_CODE in LANGUAGES:
        found[settings.LANGUAGE_CODE] = dict(_all_states())
    file.write_text(json.dumps(found))


def _all_states() -> Iterator[tuple[str, str]]:
    import time_machine

    from django_faceauth.provider import factory
    from tests.conftest import NOON
    from tests.pages import situations
    from tests.provider_double import Provider

    provider = Provider()
    with time_machine.travel(NOON, tick=False) as clock, factory.answered_by(provider):
        for name, response in situations.all_of_them(clock, provider):
            yield name, LEADS_ON.sub("", response.content.decode())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
