"""The client in a Python process that has no Django settings."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from textwrap import dedent

from django_faceauth.provider import client

CHECKS = """
from django.conf import settings

assert "***" in repr(client.__dict__)
try:
    client.get_authentication("x")
except ValueError as error:
    assert str(error) == "not an identifier that starts with fav_"
    print("done" if not settings.configured else "settings")
"""


def test_the_example_of_the_documentation_runs():
    found = re.search(r"::\n\n(.*?)\n(?=\S)", client.__doc__ or "", re.DOTALL)
    assert found
    example, call = dedent(found[1]).rstrip().rsplit("\n", 1)
    assert call == 'client.get_authentication("fav_…").status'  # which needs the network

    plain = {name: value for name, value in os.environ.items() if "DJANGO" not in name}
    paths = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", example + CHECKS],
        env=plain | paths,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout, done.stderr) == ("done\n", "")
