"""Signals, sent after commit; errors of receivers are logged.

`status_changed`: sender `FaceAuthentication`; `authentication`, `previous`, `status`, `source`.
`challenge_granted`: sender `FaceChallenge`; `challenge`.
`challenge_refused`: sender `FaceChallenge`; `challenge`, now `refused` or `failed`, `reason`.
`challenge_revoked`: sender `FaceChallenge`; `challenge`, `reason`, and `executed`: the actions
that the grant had let through by then.
`consent_withdrawn`: sender `Consent`; `user`.
`enrolment_changed`: sender `IdentityVerification`; `user`, `verification`, and `change`:
`linked`, `revoked` (by an audit), `reported` (as not by the user) or `conflict`
(approved, but the user or the applicant was linked otherwise meanwhile).
`exemption_changed`: sender `FaceExemption`; `exemption`, `change` (`granted`, `used` or
`revoked`), and `challenge`, the row that notes the use (otherwise None).
`locked_out`: sender `Lockout`; `user`, `reason`, `until`, and `challenge`, which the user
reported as not theirs (otherwise None).
`case_raised`: sender `ReviewCase`; `case`, `reasons`: those that are new to it.
`webhook_rejected`: sender `WebhookEvent`; `reason`, one word.
"""

from __future__ import annotations

from typing import Final

from django.dispatch import Signal

__all__ = [
    "case_raised",
    "challenge_granted",
    "challenge_refused",
    "challenge_revoked",
    "consent_withdrawn",
    "enrolment_changed",
    "exemption_changed",
    "locked_out",
    "status_changed",
    "webhook_rejected",
]

status_changed: Final = Signal()
case_raised: Final = Signal()
challenge_granted: Final = Signal()
challenge_refused: Final = Signal()
challenge_revoked: Final = Signal()
consent_withdrawn: Final = Signal()
enrolment_changed: Final = Signal()
exemption_changed: Final = Signal()
locked_out: Final = Signal()
webhook_rejected: Final = Signal()
