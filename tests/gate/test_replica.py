"""A site whose router reads from a replica that lags behind (F-08)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core import signing
from django.db import connections
from django.test import Client
from django.utils import timezone

from django_faceauth.gate import recorded_face
from django_faceauth.models import FaceAuthentication, FaceChallenge, Lockout
from django_faceauth.services import limits, notifications
from django_faceauth.services.enrolment import applicants
from django_faceauth.services.grants import exemptions, revocation
from django_faceauth.testing import exempted, face_shown

pytestmark = pytest.mark.database

GATE = "/statements/"


class Replica:
    """Reads our tables from a database without tables, which fails."""

    def db_for_read(self, model, **hints):
        return "replica" if model._meta.app_label == "faceauth" else None

    def db_for_write(self, model, **hints):
        return "default"

    def allow_relation(self, first, second, **hints):
        return True


@pytest.fixture(autouse=True)
def _replica(settings, db):
    empty = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:", "OPTIONS": {}}
    connections.settings["replica"] = {**connections.settings["default"], **empty}
    settings.DATABASE_ROUTERS = [f"{__name__}.Replica"]
    yield
    connections["replica"].close()
    del connections["replica"], connections.settings["replica"]


def test_a_whole_check(person, payment):
    """From the challenge to the use, and a report after it (F-08)."""
    assert person.passes(GATE).content.startswith(b"secret")
    person.proves(person.is_asked(f"/pay/{payment.pk}/", "post"))
    assert recorded_face(person.user, FaceChallenge.objects.earliest("pk").handle)

    token = signing.dumps(person.challenge.pk, salt=notifications.SALT)
    assert Client().post(f"/face/report/{token}/", follow=True).status_code == 200
    assert person.presses(person.is_asked()).status_code == 429


def test_an_exemption_that_has_ended(person):
    """F-08."""
    exemption = exempted(person.user)
    assert person.browser.get(GATE).status_code == 200

    exemptions.revoke(exemption, now=timezone.now())

    person.is_asked()


def test_a_lockout_that_begins_and_ends(person):
    """F-08."""
    now = timezone.now()
    until = now + timedelta(hours=1)
    limits.lock(person.user.pk, reason=Lockout.Reason.REPORTED, until=until, now=now)
    start = person.is_asked()
    assert person.presses(start).status_code == 429

    Lockout.objects.update(lifted_at=now)

    assert person.presses(start).status_code == 200


def test_another_applicant_and_an_end_of_everything(person):
    """F-08."""
    face_shown(person.browser)
    applicants.link(person.user, "aplt_another_user")
    person.is_asked()
    face_shown(person.browser)
    revocation.end_all(person.user.pk, reason="staff", now=timezone.now())
    person.is_asked()


def test_limits_of_a_session(person, settings):
    """F-08."""
    settings.FACEAUTH_RATE_LIMITS = {"unsuccessful_session": ["1/h"]}
    person.passes(GATE, "someone_else")
    assert person.presses(person.is_asked("/payout/")).status_code == 429


def test_related_rows(person):
    """F-08."""
    person.passes(GATE)
    challenge = person.challenge

    assert challenge.authentication == FaceAuthentication.objects.get()
    assert challenge.authentication.attempts.count() == 1
    assert challenge.authentication.challenge == challenge
    assert User.objects.get(pk=person.user.pk).face_applicant.applicant_id
    challenge.refresh_from_db()
