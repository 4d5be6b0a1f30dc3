"""The client in a Python process that has no Django settings."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from textwrap import dedent

from django_faceauth.provider import client

CHECKS = """
from datetime import UTC
from django.conf import settings
from django_faceauth.exceptions import AccessDenied, ConfigurationError
from django_faceauth.provider.credentials import ClientCredentials
from django_faceauth.provider.resources import AuthenticationSnapshot
from django_faceauth.provider.transport import Transport

moment = {"created_on": "2026-03-01T12:00:00+05:30", "modified_on": "2026-03-01T12:00:00"}
told = AuthenticationSnapshot.parse({"id": "fav_a", **moment}, operation="x")
assert told.created_on.tzinfo is told.modified_on.tzinfo is UTC
assert str(AccessDenied("x", status_code=401)) == "x failed status=401"
ClientCredentials(Transport(), "https://access.checkout.com/connect/token", "ack", Secret("s"))
assert "***" in repr(client.__dict__)
assert not settings.configured
try:
    client.get_authentication("x")
except ValueError as error:
    assert str(error) == "not an identifier that starts with fav_"
    print("done")
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
