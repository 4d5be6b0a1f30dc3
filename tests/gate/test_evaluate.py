"""The decision table of the gate: facts in, decision out, without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from django_faceauth.gate.decision import (
    Allow,
    Challenge,
    Decision,
    Deny,
    Face,
    Facts,
    Reason,
    evaluate,
    usable_grant,
)
from django_faceauth.gate.policy import Policy, policy
from django_faceauth.models import FaceChallenge, FaceExemption
from django_faceauth.models.active_grants import Grant
from django_faceauth.services.grants import binding

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DATA = {"amount": "12.50"}
GATE = policy(action="payout", max_age=300)
BOUND = policy(action="payout", max_age=300, bind=lambda: DATA)
FACE_ONLY = policy(action="payout", max_age=300, accept=["face"])
LETTERS = policy(action="payout", max_age=300, accept=["face", "letter"])
DENY = policy(action="payout", max_age=300, network="deny")


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def grant(
    shown: float = 20,
    *,
    pk: int = 1,
    action: str = "payout",
    method: str = "face",
    data=None,
    is_same_network: bool | None = None,
) -> Grant:
    """Return a grant of a face that was shown so many seconds ago."""
    handle = f"handle-{pk}"
    digest = binding.digest(data or {}, nonce=handle, action=action, user_id=7)
    moments = ago(shown), ago(shown), None
    return Grant(pk, handle, 7, action, digest, method, is_same_network, *moments)


def row(state: str, *, shown: float = 20, pk: int = 9, data=None) -> FaceChallenge:
    """Return a challenge that was granted once, as the database has it."""
    like = grant(shown, pk=pk, data=data)
    return FaceChallenge(
        pk=pk,
        handle=like.handle,
        user_id=7,
        action="payout",
        binding_digest=like.binding_digest,
        state=state,
        verified_at=like.verified_at,
        granted_at=like.granted_at,
    )


EXEMPTION = FaceExemption(pk=3, expires_at=ago(-100))
NONE = Facts(NOW)


def decide(facts: Facts, gate: Policy) -> Decision:
    return evaluate(replace(facts, grant=usable_grant(facts, gate)), gate)


@pytest.mark.parametrize(
    ("gate", "facts", "kind", "reason"),
    [
        (GATE, Facts(NOW, Reason.ANONYMOUS, active=[grant()]), Deny, "anonymous"),
        (GATE, Facts(NOW, Reason.IMPERSONATED, active=[grant()]), Deny, "impersonated"),
        (GATE, Facts(NOW, Reason.INACTIVE, exemption=EXEMPTION), Deny, "inactive"),
        # A gate that need not ask has looked up no rows.
        (GATE, replace(NONE, is_needed=False), Allow, "not_required"),
        (GATE, Facts(NOW, Reason.ANONYMOUS, is_needed=False), Deny, "anonymous"),
        (GATE, Facts(NOW, Reason.IMPERSONATED, is_needed=False), Deny, "impersonated"),
        (GATE, Facts(NOW, Reason.INACTIVE, is_needed=False), Deny, "inactive"),
        (BOUND, Facts(NOW, Reason.IN_ADVANCE, is_needed=False), Deny, "in_advance"),
        # Windows: open at the start, closed at the end, tolerant of a clock 60 s ahead.
        (GATE, replace(NONE, active=[grant(0)]), Allow, "fresh"),
        (GATE, replace(NONE, active=[grant(299)]), Allow, "fresh"),
        (GATE, replace(NONE, active=[grant(300)]), Challenge, "not_shown"),
        (GATE, replace(NONE, active=[grant(-60)]), Allow, "fresh"),
        (GATE, replace(NONE, active=[grant(-61)]), Challenge, "not_shown"),
        # What the grant is for.
        (GATE, replace(NONE, active=[grant(action="login")]), Challenge, "not_shown"),
        (GATE, replace(NONE, active=[grant(data=DATA)]), Challenge, "not_shown"),
        (GATE, replace(NONE, active=[grant(method="letter")]), Allow, "other_method"),
        (BOUND, replace(NONE, snapshot=DATA, active=[grant(data=DATA)]), Allow, "fresh"),
        (BOUND, replace(NONE, snapshot=DATA, active=[grant()]), Challenge, "not_shown"),
        # The method that it was given by.
        (FACE_ONLY, replace(NONE, active=[grant()]), Allow, "fresh"),
        (FACE_ONLY, replace(NONE, active=[grant(method="letter")]), Challenge, "not_shown"),
        (FACE_ONLY, replace(NONE, exemption=EXEMPTION), Allow, "exempt"),
        (FACE_ONLY, replace(NONE, active=[grant(method="letter"), grant()]), Allow, "fresh"),
        (LETTERS, replace(NONE, active=[grant(method="letter")]), Allow, "other_method"),
        (LETTERS, replace(NONE, active=[grant(method="code")]), Challenge, "not_shown"),
        # The network that a face was captured in (tests/gate/test_accept.py has them all).
        (DENY, replace(NONE, active=[grant(is_same_network=True)]), Allow, "fresh"),
        (DENY, replace(NONE, active=[grant(is_same_network=False)]), Challenge, "not_shown"),
        (DENY, replace(NONE, active=[grant(method="letter")]), Allow, "other_method"),
        (DENY, replace(NONE, exemption=EXEMPTION), Allow, "exempt"),
        # Clients that share a credential use the grant that they name, and no other.
        (GATE, replace(NONE, active=[grant()], only=""), Challenge, "not_shown"),
        (GATE, replace(NONE, active=[grant()], only="handle-1"), Allow, "fresh"),
        # The challenge that the request names.
        (
            BOUND,
            replace(NONE, snapshot=DATA, named=row("granted"), active=[grant(data=DATA)]),
            Deny,
            "changed",
        ),
        (BOUND, replace(NONE, snapshot=DATA, named=row("consumed", data=DATA)), Deny, "used"),
        (GATE, replace(NONE, named=row("revoked"), latest=row("revoked")), Challenge, "revoked"),
        # Without a grant.
        (GATE, replace(NONE, exemption=EXEMPTION), Allow, "exempt"),
        (GATE, replace(NONE, exemption=EXEMPTION, active=[grant()]), Allow, "fresh"),
        (GATE, replace(NONE, is_enrolled=False), Deny, "not_enrolled"),
        (GATE, NONE, Challenge, "not_shown"),
        (GATE, replace(NONE, latest=row("consumed")), Challenge, "used"),
        (GATE, replace(NONE, latest=row("failed")), Challenge, "changed"),
        (GATE, replace(NONE, latest=row("expired")), Challenge, "not_shown"),
        (GATE, replace(NONE, latest=row("granted", shown=301)), Challenge, "stale"),
        (GATE, replace(NONE, latest=row("granted")), Challenge, "superseded"),
    ],
)
def test_decision_table(gate, facts, kind, reason):
    decision = decide(facts, gate)

    assert (type(decision), decision.reason) == (kind, reason)


def test_the_newest_grant_that_fits_opens_the_gate():
    facts = replace(NONE, active=[grant(5, pk=2, action="login"), grant(20), grant(30, pk=3)])

    decision = decide(facts, GATE)

    assert isinstance(decision, Allow)
    assert decision.face.challenge == "handle-1"
    assert decision.face.verified_at == ago(20)
    assert decision.face.expires_at == ago(20) + timedelta(seconds=300)


@pytest.mark.parametrize(("max_age", "lasts"), [(30, 30), (300, 100)])
def test_an_exemption_lasts_no_longer_than_the_gate(max_age, lasts):
    decision = evaluate(replace(NONE, exemption=EXEMPTION), policy(max_age=max_age))

    assert isinstance(decision, Allow)
    assert decision.face == Face(NOW, ago(-lasts), "", "", "exemption", Reason.EXEMPT)


def test_a_changed_approval_is_named_so_that_it_is_invalidated():
    named = row("granted")

    decision = evaluate(replace(NONE, snapshot=DATA, named=named), BOUND)

    assert decision == Deny(Reason.CHANGED, named)


@pytest.mark.parametrize(
    ("shown", "decided", "kind"),
    [
        (3600, 899, Allow),
        (3600, 900, Challenge),
        (3600, -60, Allow),
        (3600, -61, Challenge),
        # At most a day after the face.
        (24 * 3600 - 1, 10, Allow),
        (24 * 3600, 10, Challenge),
    ],
)
def test_with_slow_review_a_bound_grant_counts_from_the_decision(settings, shown, decided, kind):
    """G-16."""
    settings.FACEAUTH_SLOW_REVIEW = True
    slow = grant(shown, data=DATA)._replace(granted_at=ago(decided))

    assert type(decide(replace(NONE, snapshot=DATA, active=[slow]), BOUND)) is kind


def test_a_challenge_that_was_not_granted_has_no_window():
    with pytest.raises(ValueError, match="granted"):
        GATE.end_of(FaceChallenge())
