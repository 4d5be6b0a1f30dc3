"""Rules for authorizing transactions."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from django_faceauth.models import FaceChallenge
from django_faceauth.services.grants import grants, revocation

pytestmark = pytest.mark.database

State = FaceChallenge.State
NOW = timezone.now

#: Every legal transition between states (T-2.5).
LEGAL = {
    "grant": {State.OPEN: State.GRANTED},
    "expire": {State.OPEN: State.EXPIRED},
    "refuse": {State.OPEN: State.REFUSED},
    "consume": {State.GRANTED: State.CONSUMED},
    "revoke": {State.GRANTED: State.REVOKED},
    "invalidate": {State.OPEN: State.FAILED, State.GRANTED: State.FAILED},
    "approve_by_other_method": {State.OPEN: State.GRANTED, State.REFUSED: State.GRANTED},
    "mark_revoked_after_use": {},
    "end_all": {State.OPEN: State.EXPIRED, State.GRANTED: State.REVOKED},
}


def does(step, challenge):
    rows = FaceChallenge.objects.filter(pk=challenge.pk)
    {
        "grant": lambda: grants.issue(
            challenge, verified_at=NOW(), is_same_network=True, now=NOW()
        ),
        "expire": lambda: rows.close(State.EXPIRED),
        "refuse": lambda: rows.close(State.REFUSED),
        "consume": lambda: rows.consume(timedelta(minutes=5), now=NOW()),
        "revoke": lambda: rows.revoke(reason="staff", now=NOW()),
        "invalidate": lambda: rows.invalidate(reason="sequence_fail"),
        "approve_by_other_method": lambda: grants.approve_by_other_method(
            challenge, method="phone", since=NOW() - timedelta(hours=1), now=NOW()
        ),
        "mark_revoked_after_use": lambda: rows.mark_revoked_after_use(reason="declined", now=NOW()),
        "end_all": lambda: revocation.end_all(challenge.user_id, reason="staff", now=NOW()),
    }[step]()
    challenge.refresh_from_db()
    return challenge.state


def in_state(person, state):
    person.is_asked()
    now = NOW()
    columns = {
        State.OPEN: {},
        State.GRANTED: {"verified_at": now, "granted_at": now},
        State.CONSUMED: {"verified_at": now, "granted_at": now, "consumed_at": now},
        State.REVOKED: {"verified_at": now, "granted_at": now, "revoked_at": now},
    }.get(state, {})
    if state != State.OPEN:
        columns["dedup_key"] = None
    FaceChallenge.objects.update(state=state, reason="sequence_fail", **columns)
    return person.challenge


@pytest.mark.parametrize("step", LEGAL)
def test_only_legal_steps_are_taken(person, step):
    """T-2.5, TH-49."""
    for state in State.values:
        FaceChallenge.objects.all().delete()
        challenge = in_state(person, state)

        assert does(step, challenge) == LEGAL[step].get(state, state), state


@pytest.mark.parametrize(
    "illegal",
    [
        {"state": "granted", "dedup_key": None},
        {"state": "consumed", "dedup_key": None},
        {"state": "failed"},
        {"dedup_key": None},
    ],
)
def test_the_database_refuses_inconsistent_rows(person, illegal):
    """T-2.5."""
    challenge = in_state(person, State.OPEN)

    with pytest.raises(IntegrityError), transaction.atomic():
        FaceChallenge.objects.filter(pk=challenge.pk).update(**illegal)


WORDS = ["event", "response_code", "status", "method", "face_challenge", "max_age", "next", "again"]
WORDS += ["when", "face_when", "is_needed", "reason", "accept", "fallback", "other_method"]


@pytest.mark.parametrize(
    "value", ["approved", "granted", "10000", "true", "0", "code", "exemption", "not_required", ""]
)
def test_nothing_that_a_client_sends_opens_a_gate(person, settings, value):
    """In the query, a form, a header or a cookie (T-1.3, T-2.1, T-2.2, TH-08)."""
    settings.FACEAUTH_FALLBACK = "by-code"
    person.is_asked()
    handle = person.challenge.handle
    told = dict.fromkeys(WORDS, value)
    person.browser.cookies.load(told)
    headers = {f"x-{name.replace('_', '-')}": value for name in WORDS} | {"face-challenge": value}
    pages = ["start", "returned", "waiting", "status", "continue"]

    for url in [f"/face/{page}/{handle}/" for page in pages] + ["/statements/", "/once/"]:
        answers = [
            person.browser.get(url, told, headers=headers),
            person.browser.post(url, told, headers=headers),
        ]
        assert not any(b"secret" in answer.content for answer in answers), url

    assert FaceChallenge.objects.get(handle=handle).method == "face"
    assert not FaceChallenge.objects.exclude(state="open").exists()


def test_no_phone_number_leaves_the_site(person, provider):
    """Hand-off by text message is not requested, so no number can be abused (R-04)."""
    person.passes("/statements/")

    assert any(b"redirect_url" in body for body in provider.bodies)
    assert not any(b"phone" in body for body in provider.bodies)


def test_a_completed_attempt_approves_no_other_challenge(person):
    """An approval is for the challenge that its attempt carries (C-03, TH-45)."""
    person.passes("/statements/")
    done = person.authentication
    person.is_asked("/payout/")
    FaceChallenge.objects.filter(authentication=done).update(authentication=None)
    other = person.challenge
    other.authentication, other.started_at = done, timezone.now()
    other.save()

    person.clock.shift(3)
    person.browser.get(f"/face/returned/{other.handle}/")

    refused = FaceChallenge.objects.get(pk=other.pk)
    assert (refused.state, refused.reason) == ("failed", "mismatch")
    assert person.browser.get("/payout/").status_code == 302
