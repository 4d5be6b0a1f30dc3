"""A site of the first release gets the wheel: its rows are kept, and it goes on.

What becomes of the rows of each release in each database is told by tests/test_upgrade.py; here
nothing but the wheel is there, and all rows were written with the tables of then.
"""

from __future__ import annotations

import pytest

from tests.newcomer.place import place

pytestmark = pytest.mark.newcomer

FIRST = "0001_initial"

#: Runs with the tables of the first release.
THEN = """
from django.contrib.auth.models import User
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

now = timezone.now()
user = User.objects.create_superuser("alice")
state = MigrationExecutor(connection).loader.project_state([("faceauth", FIRST)])
models = {model.__name__: model for model in state.apps.get_app_config("faceauth").get_models()}
models["Applicant"].objects.create(user_id=user.pk, applicant_id="aplt_alice", created_at=now)
declined = models["FaceAuthentication"].objects.create(
    user_id=user.pk,
    provider_id="fav_" + "a" * 26,
    applicant_id="aplt_alice",
    user_journey_id="usj_" + "a" * 26,
    environment="sandbox",
    status="declined",
    response_codes=[{"code": 62321, "summary": "rejected_risk"}],
)
models["FaceAttempt"].objects.create(
    authentication=declined,
    provider_id="fatp_" + "a" * 26,
    status="completed",
    created_at=now,
    capture_not_before=now,
)
models["StatusChange"].objects.create(
    authentication=declined, status="declined", source="poll", at=now
)
models["FaceChallenge"].objects.create(
    handle="h" * 22,
    user_id=user.pk,
    session_digest="d" * 64,
    max_age=300,
    authentication=declined,
    state="refused",
    reason="62321",
    created_at=now,
)
assert all(model.objects.exists() for model in models.values())
"""

#: Runs with the tables of today.
NOW = """
from django.contrib.auth.models import User
from django.test import Client

from django_faceauth.models import FaceAuthentication

row = FaceAuthentication.objects.get(code=62321)
assert row.attempts.count() == row.status_changes.count() == 1
assert row.challenge.state == "refused"
assert row.user.face_applicant.applicant_id == "aplt_alice"
browser = Client()
browser.force_login(User.objects.get())
assert row.provider_id in browser.get("/admin/faceauth/faceauthentication/").content.decode()
assert "/face/start/" in browser.get("/statements/").url
"""


def test_from_the_first_release(alone, tmp_path):
    site = place(tmp_path)
    site.knows(alone)
    site.has_site()
    site.runs("-m", "django", "migrate", "--verbosity", "0", "faceauth", FIRST)
    for app in ("admin", "auth", "sessions"):
        site.runs("-m", "django", "migrate", "--verbosity", "0", app)
    site.visits(THEN.replace("FIRST", repr(FIRST)))

    site.runs("-m", "django", "migrate", "--verbosity", "0")

    site.runs("-m", "django", "check", "--fail-level", "WARNING")
    site.runs("-m", "django", "makemigrations", "--check", "--dry-run", "faceauth")
    site.visits(NOW)
