"""Consent by the API."""

from __future__ import annotations

from datetime import datetime

import pytest

from django_faceauth.models import Consent, ErasureTask
from django_faceauth.services.privacy import consent
from tests.api_client import Program
from tests.conftest import NOON

VERSION = "2026-11"
CONSENT = "/face/api/consent/"


@pytest.fixture(autouse=True)
def asked_for(settings):
    settings.FACEAUTH_CONSENT_VERSION = VERSION


def agrees(program, asked, version=VERSION):
    return program.sends("POST", asked["attempts_url"], {"consent": version})


def passes(program):
    """Agree, show a face, and get in."""
    asked = program.is_asked()
    program.person.shows_face(agrees(program, asked).json()["capture_url"])
    assert program.waits(asked)["next"] == "repeat"
    return program.sends("GET", "/shop/secret/", handle=asked["challenge"])


def test_a_start_without_it_says_what_to_agree_to(program, provider):
    """And does not call the provider (V-02)."""
    asked = program.is_asked()

    refused = program.sends("POST", asked["attempts_url"])

    told = refused.json()
    assert refused.status_code == 400
    assert refused["Content-Type"] == "application/problem+json"
    assert told.pop("consent_text") == consent.current_text().text
    assert told.pop("title")
    assert told == {
        "type": "about:blank",
        "status": 400,
        "code": "consent_required",
        "consent_version": VERSION,
    }
    assert provider.calls == []
    assert not Consent.objects.exists()


@pytest.mark.parametrize(
    ("version", "code"),
    [
        (" 2026-11", "consent_required"),
        ("x" * 65, "invalid"),
        (["2026-11"], "invalid"),
    ],
)
def test_another_version_is_no_consent(program, provider, version, code):
    refused = agrees(program, program.is_asked(), version)

    assert (refused.status_code, refused.json()["code"]) == (400, code)
    assert provider.calls == []


def test_the_consent_of_a_user_is_shown_and_asked_for_once(program, settings):
    before = program.sends("GET", CONSENT).json()
    assert program.sends("DELETE", CONSENT).status_code == 204  # there is nothing to withdraw
    assert passes(program).status_code == 200
    after = program.sends("GET", CONSENT).json()

    assert (before["needed"], before["version"]) == (True, VERSION)
    assert before["given_version"] is before["given_at"] is before["withdrawn_at"] is None
    assert (after["needed"], after["given_version"]) == (False, VERSION)
    assert datetime.fromisoformat(after["given_at"]) == NOON
    assert (Consent.objects.get().user, after["version"]) == (program.person.user, VERSION)
    program.person.clock.shift(240)
    assert program.sends("POST", program.is_asked()["attempts_url"]).status_code == 201
    assert Consent.objects.count() == 1
    settings.FACEAUTH_CONSENT_VERSION = ""
    told = program.sends("GET", CONSENT).json()
    assert (told["needed"], told["version"], told["text"]) == (False, "", "")


def test_withdrawing_it_ends_all_face_checks(program):
    """There is no start without a new consent (V-03)."""
    passes(program)

    gone = program.sends("DELETE", CONSENT)

    assert (gone.status_code, gone.content) == (204, b"")
    assert program.person.challenge.state == "revoked"
    assert ErasureTask.objects.get().state == "due"
    told = program.sends("GET", CONSENT).json()
    assert told["needed"] is True
    assert told["withdrawn_at"]
    asked = program.is_asked()
    assert program.sends("POST", asked["attempts_url"]).json()["code"] == "consent_required"
    assert agrees(program, asked).status_code == 201


def test_a_user_withdraws_only_their_own(people):
    alice, bob = Program.with_token(people()), Program.with_token(people())
    passes(alice)

    assert bob.sends("GET", CONSENT).json()["given_at"] is None
    bob.sends("DELETE", CONSENT)
    assert Consent.objects.get().withdrawn_at is None


def test_an_impersonator_withdraws_nothing(person):
    """TH-44."""
    program = Program.with_session(person)
    passes(program)
    person.marks(hijack_history=["1"])

    refused = program.sends("DELETE", CONSENT)

    assert (refused.status_code, refused.json()["code"]) == (403, "impersonated")
    assert Consent.objects.get().withdrawn_at is None
