"""What sites can listen to. All are sent after commit, and a receiver that raises harms nobody.

`status_changed`: sender `FaceAuthentication`; `authentication`, `previous`, `status`, `source`.
`challenge_granted`: sender `FaceChallenge`; `challenge`.
`challenge_refused`: sender `FaceChallenge`; `challenge`, now `refused` or `failed`, `reason`.
`challenge_revoked`: sender `FaceChallenge`; `challenge`, `reason`, and `executed`: the actions
that the grant had let through by then.
`consent_withdrawn`: sender `Consent`; `user`.
`exemption_granted`, `exemption_revoked`: sender `FaceExemption`; `exemption`.
`exemption_used`: sender `FaceExemption`; `exemption`, and the `challenge` that notes the use.
`locked_out`: sender `Lockout`; `user`, `reason`, `until`.
`case_raised`: sender `ReviewCase`; `case`, `reasons`: those that are new to it.
`reported`: sender `FaceChallenge`; `challenge`, of which its user says: that was not me.
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
    "exemption_granted",
    "exemption_revoked",
    "exemption_used",
    "locked_out",
    "reported",
    "status_changed",
    "webhook_rejected",
]

status_changed: Final = Signal()
case_raised: Final = Signal()
challenge_granted: Final = Signal()
challenge_refused: Final = Signal()
challenge_revoked: Final = Signal()
consent_withdrawn: Final = Signal()
exemption_granted: Final = Signal()
exemption_revoked: Final = Signal()
exemption_used: Final = Signal()
locked_out: Final = Signal()
reported: Final = Signal()
webhook_rejected: Final = Signal()
