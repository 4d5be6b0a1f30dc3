"""Data minimisation by `FACEAUTH_SCRUB` (V-01)."""

from __future__ import annotations

import pytest

from django_faceauth.models import FaceAttempt
from django_faceauth.services.sync import sync
from tests.provider_double import says
from tests.user_driver import scripted

pytestmark = pytest.mark.django_db


def nothing(facts):
    return {}


def nonsense(facts):
    return 7


def fails(facts):
    raise RuntimeError("canary: 62321")


def more(facts):
    codes = [*facts["response_codes"], {"code": 10000, "summary": "added"}]
    return {"response_codes": codes, "risk_labels": ["added"], "network": "added", "status": "x"}


def by_hand(facts):
    facts["response_codes"].append({"code": 10000, "summary": "added"})
    facts["response_codes"][0]["summary"] = "changed"
    return facts


@pytest.fixture
def declines(people, provider, settings):
    """Decline a user while a hook is set; return the row."""

    def declines(hook):
        settings.FACEAUTH_SCRUB = f"{__name__}.{hook.__name__}" if hook else ""
        person = people(scripted("62321"))
        provider.alterations.append(says(risk_labels=["multiple_faces_detected"]))
        person.passes()
        return person.authentication

    return declines


def test_without_a_hook_what_passed_the_edge_is_kept(declines):
    row = declines(None)

    assert (row.codes, row.code) == ([62321], 62321)
    assert row.risk_labels == ["multiple_faces_detected"]
    assert FaceAttempt.objects.get().network != ""
    row.applicant_id = ""  # of an erased user nothing is kept
    kept = sync.filter_facts(row, {"response_codes": [1], "network": "x"})
    assert kept == {"response_codes": [], "network": ""}


@pytest.mark.parametrize("hook", [nothing, fails, nonsense])
def test_a_hook_that_wants_nothing_gets_nothing(declines, hook, caplog):
    """One that fails does not lose the news, nor tell what it was about."""
    row = declines(hook)

    attempt = FaceAttempt.objects.get()
    assert (row.status, row.codes, row.code, row.risk_labels) == ("declined", [], None, [])
    assert (attempt.response_codes, attempt.network) == ([], "")
    assert "canary" not in caplog.text


@pytest.mark.parametrize("hook", [more, by_hand])
def test_a_hook_adds_and_changes_nothing(declines, hook):
    row = declines(hook)

    assert row.status == "declined"
    assert {10000, 62321} & set(row.codes) <= {62321}
    assert "added" not in str([row.response_codes, row.risk_labels])
    assert FaceAttempt.objects.get().network != "added"
