"""Nothing that sites rely on changes by accident."""

from __future__ import annotations

import re
from difflib import unified_diff
from importlib import import_module

import pytest

from tests.public_api import GOLDEN, surface
from tests.test_architecture import module_of, sources

HOW = """What sites can rely on has changed:

{difference}

If that is meant, accept it with `make surface`, and give it its line in CHANGELOG.md.
What is removed, renamed or takes less than before is deprecated first, for two minor releases:
docs/reference/policies.md.
"""


def test_the_public_surface_is_as_it_was_reviewed():
    before, now = GOLDEN.read_text(), surface()
    lines = unified_diff(before.splitlines(), now.splitlines(), "reviewed", "now", lineterm="")
    difference = "\n".join(lines)

    assert not difference, HOW.format(difference=difference)


def test_it_says_the_same_everywhere():
    """No address in memory, no path."""
    assert not re.findall(r" at 0x|/home/|/tmp/", surface())


@pytest.mark.parametrize("name", sorted(set(map(module_of, sources()))))
def test_what_a_module_makes_public_is_there_and_explained(name):
    module = import_module(name)

    for public in getattr(module, "__all__", ()):
        value = getattr(module, public)
        is_ours = getattr(value, "__module__", "").startswith("django_faceauth")
        assert value.__doc__ or not is_ours, public
        assert not public.startswith("_") or public == "__version__"
