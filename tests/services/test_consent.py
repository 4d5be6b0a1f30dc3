"""Who agreed to which words, and what taking it back ends."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from django.utils import timezone, translation

from django_faceauth.exceptions import ConsentRequired
from django_faceauth.models import Consent, Erasure, ErasureTask, FaceChallenge
from django_faceauth.services.flow.start import begin
from django_faceauth.services.privacy import consent
from django_faceauth.signals import challenge_revoked, consent_withdrawn
from tests.conftest import NOON
from tests.services.test_concurrency import at_once

pytestmark = pytest.mark.database

VERSION = "2026-11"
BACK = "https://testserver/back/"


@pytest.fixture(autouse=True)
def asked_for(settings):
    settings.FACEAUTH_CONSENT_VERSION = VERSION


def gives(person, version=VERSION, language="en", now=NOON):
    consent.give(person.user, version=version, language=language, now=now)


@pytest.fixture
def template(settings, tmp_path):
    """A site that brings words of its own."""
    (tmp_path / "faceauth").mkdir()
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    return tmp_path / "faceauth" / "consent.html"


# -- agreeing


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
    """In its language, independent of markup."""
    template.write_text(
        "{% load i18n %}{% get_current_language as L %}<p class='x'>Face\n in</p> <p>{{ L }} &amp;"
    )

    with translation.override("en"):
        gives(person, language="de")

    kept = Consent.objects.get()
    assert kept.language == "de"
    assert kept.text_digest == hashlib.sha256(b"Face in de &").hexdigest()


@pytest.mark.django_db(transaction=True)
def test_a_double_click_is_one_consent(person):
    at_once(lambda: gives(person))

    assert Consent.objects.count() == 1


@pytest.mark.parametrize("version", ["", "2026-10", "2026-11 ", "true"])
def test_agreeing_to_something_else_is_not_agreeing(person, settings, version):
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


# -- no door without it


def test_the_flow_itself_refuses(person, provider):
    """Whatever door somebody comes by: no consent, no call (V-02)."""
    person.is_asked()

    for agreed_to in ("", "2026-10"):
        with pytest.raises(ConsentRequired):
            begin(person.challenge, redirect_url=BACK, now=NOON, agreed_to=agreed_to)

    assert provider.calls == []
    assert person.challenge.start_locked_at is None


def test_withdrawing_while_it_starts_hands_out_no_link(person, provider):
    """The camera page is not opened any more, so there is no face (V-03)."""
    person.is_asked()
    gives(person)

    def meanwhile(provider, request):
        consent.withdraw(person.user, now=NOON)
        return provider.faithfully(request)

    provider.troubles.append(meanwhile)

    with pytest.raises(ConsentRequired):
        begin(person.challenge, redirect_url=BACK, now=NOON)


# -- taking it back


def test_withdrawing_ends_everything(person, django_capture_on_commit_callbacks):
    """Questions, grants and consents, in all sessions (V-03)."""
    gives(person)
    person.passes()
    person.is_asked("/payout/")
    told = []

    def revoked(challenge, reason, **_kwargs):
        told.append(("revoked", reason))

    def withdrawn(user, **_kwargs):
        told.append(("withdrawn", user))

    challenge_revoked.connect(revoked)
    consent_withdrawn.connect(withdrawn, sender=Consent)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            assert consent.withdraw(person.user, now=timezone.now())
    finally:
        challenge_revoked.disconnect(revoked)
        consent_withdrawn.disconnect(withdrawn, sender=Consent)

    ends = FaceChallenge.objects.order_by("pk").values_list("state", "reason")
    assert [*ends] == [("revoked", "consent_withdrawn"), ("expired", "consent_withdrawn")]
    assert told == [("revoked", "consent_withdrawn"), ("withdrawn", person.user)]
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
def test_withdrawing_takes_back_every_version_once(person, settings):
    """A second consent is a new row, beside the proof of the first (V-02)."""
    gives(person)
    settings.FACEAUTH_CONSENT_VERSION = "2027-01"
    gives(person, version="2027-01")

    done = at_once(lambda: consent.withdraw(person.user, now=NOON))

    assert done.count(True) == 1
    assert Erasure.objects.count() == 1
    assert not consent.withdraw(person.user, now=NOON + timedelta(hours=1))
    assert set(Consent.objects.values_list("withdrawn_at", flat=True)) == {NOON}
    gives(person, version="2027-01", now=NOON + timedelta(hours=1))
    assert not consent.is_needed(person.user)
    assert Consent.objects.count() == 3


def test_the_one_that_stands_is_the_latest(person, settings):
    """Whatever order they came in."""
    gives(person)
    first = Consent.objects.get()
    settings.FACEAUTH_CONSENT_VERSION = "2027-01"
    gives(person, version="2027-01")
    Consent.objects.filter(version="2027-01").update(withdrawn_at=NOON)

    assert consent.latest(person.user) == first
    assert consent.latest(person.user.__class__(pk=0)) is None
