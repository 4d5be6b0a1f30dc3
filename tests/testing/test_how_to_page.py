"""The page about tests, and the reference of the kit: what they say is what there is."""

from __future__ import annotations

import inspect
import re

import pytest

from django_faceauth import pytest_plugin, testing
from django_faceauth.testing.simulation import Simulation
from tests.test_docs import DOCS, headings
from tests.test_how_to import blocks
from tests.testing.adopter import SETTINGS, Project

PAGE = "test-your-site.md"
#: What the page adds is not there before.
BEFORE = """
INSTALLED_APPS = [app for app in INSTALLED_APPS if app != "django_faceauth.simulator"]
FACEAUTH_WEBHOOK_SECRET_KEYS = []
"""


def test_the_tests_of_the_page_pass(tmp_path):
    """All its code, in its order, in a project that is the test site."""
    settings, *tests = blocks(PAGE)
    project = Project(tmp_path)
    project.has("site_settings.py", SETTINGS + BEFORE + settings)
    project.has("pytest.ini", "[pytest]\nDJANGO_SETTINGS_MODULE = site_settings\npythonpath = .\n")
    project.has("test_page.py", "\n\n".join(tests))

    counts, told = project.tests()

    written = "\n".join(tests)
    expected = len(re.findall(r"^ *def test_", written, re.M)) + 1  # one has two parameters
    assert counts == {"passed": expected}, told


@pytest.fixture
def public():
    """Every name that tests of a site may use."""
    fixtures = [name for name in vars(pytest_plugin) if name.startswith("faceauth")]
    methods = [
        f"simulator.{name}"
        for name, _method in inspect.getmembers(Simulation, inspect.isfunction)
        if not name.startswith("_")
    ]
    return sorted([*testing.__all__, *fixtures, *methods])


def test_every_public_name_has_its_heading(public):
    assert sorted(headings("reference/testing.md")) == public


def test_every_public_name_says_what_it_does():
    for name in testing.__all__:
        named = getattr(testing, name)
        assert not callable(named) or name == "Outcome" or inspect.getdoc(named), name


@pytest.mark.parametrize("name", testing.__all__)
def test_arguments_are_those_of_the_page(name):
    """What the reference says of a function begins with its signature."""
    function = getattr(testing, name)
    if not inspect.isfunction(function) or name == "simulated":
        return
    text = (DOCS / "reference/testing.md").read_text()
    shown = re.search(rf"^### `{name}`\n\n`{name}\((.*?)\)`:", text, re.M)

    named = set(re.findall(r"(\w+)(?==|,|$)", re.sub(r"=[^,]+", "", shown[1])))
    assert named <= set(inspect.signature(function).parameters), named
    if "…" not in shown[1]:
        assert named == set(inspect.signature(function).parameters)
