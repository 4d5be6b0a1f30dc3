"""Consent: what is kept of it, and what its withdrawal ends."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone, translation

from django_faceauth.exceptions import ConsentRequired
from django_faceauth.models import Consent, Erasure, ErasureTask, FaceChallenge
from django_faceauth.services.flow.capture import CaptureOptions
from django_faceauth.services.flow.start import begin
from django_faceauth.services.privacy import consent
from django_faceauth.signals import challenge_revoked, consent_withdrawn
from tests.conftest import NOON
from tests.threads import at_once

pytestmark = pytest.mark.database

VERSION = "2026-11"
START = {"redirect_url": "https://testserver/back/", "options": CaptureOptions(), "origin": {}}


@pytest.fixture(autouse=True)
def asked_for(settings):
    settings.FACEAUTH_CONSENT_VERSION = VERSION


def gives(person, version=VERSION, language="en", now=NOON):
    consent.give(person.user, version=version, language=language, now=now)


@pytest.fixture
def template(settings, tmp_path):
    """The template of a site that overrides the text."""
    (tmp_path / "faceauth").mkdir()
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    return tmp_path / "faceauth" / "consent.html"


def test_what_is_kept_of_a_consent(person, people):
    """Version, language, time, and the digest of the text, also without the account (V-02)."""
    assert consent.is_needed(person.user)

    gives(person)

    kept = Consent.objects.get()
    assert (kept.user, kept.who) == (person.user, str(person.user.pk))
    assert (kept.version, kept.language) == (VERSION, "en")
    assert (kept.given_at, kept.withdrawn_at) == (NOON, None)
    assert kept.text_digest == consent.ConsentText(VERSION, "en").digest
    assert not consent.is_needed(person.user)
    assert consent.is_needed(people().user)
    who = str(person.user.pk)
    person.user.delete()
    assert (Consent.objects.get().user, Consent.objects.get().who) == (None, who)


def test_the_digest_is_of_the_text_that_was_shown(person, template):
    template.write_text(
        "{% load i18n %}{% get_current_language as L %}<p class='x'>Face\n in</p> <p>{{ L }} &amp;"
    )

    with translation.override("en"):
        gives(person, language="de")

    kept = Consent.objects.get()
    assert kept.language == "de"
    assert kept.text_digest == hashlib.sha256(b"Face in de &").hexdigest()


@pytest.mark.parametrize("version", ["", "2026-10", "2026-11 ", "true"])
def test_consent_to_another_version_is_refused(person, settings, version):
    with pytest.raises(ConsentRequired) as missing:
        gives(person, version=version)

    assert missing.value.version == VERSION
    settings.FACEAUTH_CONSENT_VERSION = ""
    with pytest.raises(ConsentRequired):
        gives(person, version="")
    assert consent.required_text(person.user) is None
    assert not Consent.objects.exists()


@pytest.mark.parametrize("version", ["2027-01", "2026-11a", "2026-11A"])
def test_another_text_asks_again(person, settings, version):
    """Also where two versions are one to the database (V-02)."""
    settings.FACEAUTH_CONSENT_VERSION = "2026-11A" if version == "2026-11a" else VERSION
    gives(person, version=settings.FACEAUTH_CONSENT_VERSION)

    settings.FACEAUTH_CONSENT_VERSION = version

    assert consent.is_needed(person.user)


def test_withdrawing_while_it_starts_hands_out_no_link(person, provider):
    """Nor does a start without consent; the camera page is not opened (V-02, V-03)."""
    person.is_asked()
    with pytest.raises(ConsentRequired):
        begin(person.challenge, **START, now=NOON, agreed_to="2026-10")
    assert provider.calls == []
    assert person.challenge.start_locked_at is None
    gives(person)

    def meanwhile(provider, request):
        consent.withdraw(person.user, now=NOON)
        return provider.faithfully(request)

    provider.troubles.append(meanwhile)

    with pytest.raises(ConsentRequired):
        begin(person.challenge, **START, now=NOON)


def test_withdrawing_ends_everything(person, hears, django_capture_on_commit_callbacks):
    """Questions, grants and consents, in all sessions (V-03)."""
    gives(person)
    person.passes()
    person.is_asked("/payout/")
    revoked, withdrawn = hears(challenge_revoked, "reason"), hears(consent_withdrawn, "user")
    with django_capture_on_commit_callbacks(execute=True):
        assert consent.withdraw(person.user, now=timezone.now())

    ends = FaceChallenge.objects.order_by("pk").values_list("state", "reason")
    assert [*ends] == [("revoked", "consent_withdrawn"), ("expired", "consent_withdrawn")]
    assert (revoked, withdrawn) == ([("consent_withdrawn",)], [(person.user,)])
    assert Consent.objects.get().withdrawn_at == timezone.now()
    assert consent.is_needed(person.user)


def test_withdrawing_queues_what_the_provider_holds(people):
    """Each authentication that it has and that was not erased, of this user alone (V-03)."""
    person, other = people(), people()
    for one in (person, other):
        gives(one)
        one.passes()
    person.passes("/payout/", "someone_else")
    erased, held = person.user.face_authentications.order_by("pk")
    erased.erased_at = NOON
    erased.save()

    consent.withdraw(person.user, now=NOON)

    erasure = Erasure.objects.get()
    assert (erasure.who, erasure.reason, erasure.requested_at, erasure.finished_at) == (
        str(person.user.pk),
        "consent",
        NOON,
        None,
    )
    task = ErasureTask.objects.get()
    assert (task.erasure, task.state, task.due_at) == (erasure, "due", NOON)
    assert (task.provider_id, task.environment) == (held.provider_id, "sandbox")
    assert task.digest == hashlib.sha256(held.provider_id.encode()).hexdigest()


@pytest.mark.django_db(transaction=True)
def test_every_version_is_given_and_withdrawn_once(person, settings):
    """A second consent is a new row, beside the proof of the first (V-02)."""
    at_once(*[lambda: gives(person)] * 6)
    first = Consent.objects.get()
    settings.FACEAUTH_CONSENT_VERSION = "2027-01"
    gives(person, version="2027-01")
    Consent.objects.filter(version="2027-01").update(withdrawn_at=NOON)
    assert consent.latest(person.user) == first  # the newest one that stands
    assert consent.latest(User(pk=0)) is None
    Consent.objects.update(withdrawn_at=None)

    done = at_once(*[lambda: consent.withdraw(person.user, now=NOON)] * 6)

    assert done.count(True) == 1
    assert Erasure.objects.count() == 1
    assert not consent.withdraw(person.user, now=NOON + timedelta(hours=1))
    assert set(Consent.objects.values_list("withdrawn_at", flat=True)) == {NOON}
    gives(person, version="2027-01", now=NOON + timedelta(hours=1))
    assert not consent.is_needed(person.user)
    assert Consent.objects.count() == 3
