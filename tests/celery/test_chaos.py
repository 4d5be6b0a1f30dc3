"""Workers and broker die at random while events come in; `chaos` says how it went."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

LONGEST = 400


def test_nothing_is_lost_and_nothing_is_done_twice(broker_url):
    """D-01, with some hundred events; `python -m tests.celery.chaos` does more."""
    own = broker_url.startswith("redis:") and shutil.which("redis-server")
    options = ["--events=600", "--hurry", *([] if own else [f"--broker={broker_url}"])]
    running = subprocess.Popen(
        [sys.executable, "-m", "tests.celery.chaos", *options],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        said, _ = running.communicate(timeout=LONGEST)
    finally:
        running.terminate()  # it ends what it has started
        running.wait(timeout=60)

    assert running.returncode == 0, said
    assert "nothing was lost" in said
