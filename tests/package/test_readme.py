"""The README, followed in an empty folder with nothing but the wheel."""

from __future__ import annotations

import re

from tests.docs_parser import ROOT, code_blocks
from tests.package.place import place

README = ROOT / "README.md"

#: What the README takes for granted: URLs, and the page behind FACEAUTH_FALLBACK.
URLS = """
from django.http import HttpResponse
from django.urls import include, path

from shop import views

urlpatterns = [
    path("payout/", views.payout),
    path("by-phone/", lambda request: HttpResponse("Call us."), name="by-phone"),
    INCLUDED,
]
"""

#: What the README takes from the environment.
KEYS = """
import os

os.environ.update(CHECKOUT_SECRET_KEY="sk_sbox_newcomer", FACEAUTH_WEBHOOK_KEY="k" * 32)
ALLOWED_HOSTS = ["testserver"]
"""

#: There is no account here, so the provider cannot be asked for the applicant.
VISIT = """
from django.contrib.auth.models import User
from django.test import Client

alice, bob = map(User.objects.create_user, ["alice", "bob"])
LINKED
browser = Client()
browser.force_login(alice)
assert "/face/start/" in browser.get("/payout/")["Location"]
browser.force_login(bob)
denied = browser.get("/payout/")
assert (denied.status_code, b'href="/by-phone/' in denied.content) == (403, True)
"""


def test_the_readme_leads_to_a_gated_page(alone, tmp_path):
    """Its lines as they stand: install, settings, view, URLs and enrolment."""
    text = README.read_text()
    views, settings = code_blocks(README)
    included = re.search(r"`(path\(\"face/\", .*?\))` to your URLconf", text)[1]
    linked = re.search(r"`(django_faceauth\.enrolment)\.link\(user, \"aplt_…\"\)`", text)
    assert "$ pip install django-faceauth\n" in text

    site = place(tmp_path)
    site.knows(alone)
    site.runs("-m", "django", "startproject", "shop", ".")
    (tmp_path / "shop" / "views.py").write_text(views)
    (tmp_path / "shop" / "urls.py").write_text(URLS.replace("INCLUDED", included))
    with (tmp_path / "shop" / "settings.py").open("a") as file:
        file.write(KEYS + settings.replace("usj_…", "usj_" + "a" * 26))
    (tmp_path / "settings.py").write_text("from shop.settings import *\n")
    visit = VISIT.replace(
        "LINKED", f'from {linked[1]} import link\n\nlink(alice, "aplt_alice", check=False)'
    )
    (tmp_path / "visit.py").write_text(f"import django\n\ndjango.setup()\n{visit}")

    site.runs("manage.py", "migrate", "--verbosity", "0")
    site.runs("manage.py", "check")
    site.runs("visit.py")
