"""The code of the page about tests."""

from __future__ import annotations

import re

from tests.docs_parser import DOCS, code_blocks
from tests.package.adopter import SETTINGS, Project

PAGE = DOCS / "how-to/test-your-site.md"
#: What the page adds is not there before.
BEFORE = """
INSTALLED_APPS = [app for app in INSTALLED_APPS if app != "django_faceauth.simulator"]
FACEAUTH_WEBHOOK_SECRET_KEYS = []
"""


def test_the_tests_of_the_page_pass(tmp_path):
    """All its code, in its order, in a project that is the test site."""
    settings, *tests = code_blocks(PAGE)
    project = Project(tmp_path)
    project.has("site_settings.py", SETTINGS + BEFORE + settings)
    project.has("pytest.ini", "[pytest]\nDJANGO_SETTINGS_MODULE = site_settings\npythonpath = .\n")
    project.has("test_page.py", "\n\n".join(tests))

    counts, told = project.tests()

    written = "\n".join(tests)
    expected = len(re.findall(r"^ *def test_", written, re.M))
    assert counts == {"passed": expected}, told
