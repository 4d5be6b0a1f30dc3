"""Outcomes of captures, and the test scenarios that select them.

`eaplt_61203A10000000…` is aborted with 61203, then approved on retry. The provider
documents the convention for its `external_applicant_id`; here the applicant id may carry it,
too, as `aplt_61203A10000000…`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from django_faceauth.statuses import AttemptStatus, AuthenticationStatus

# Source: the provider's "response codes" reference.
SUMMARIES: Final[Mapping[int, str]] = {
    10000: "approved",
    61101: "applicant_never_started",
    61111: "applicant_not_ready",
    61113: "camera_access_refused",
    61121: "applicant_drop",
    61201: "connexion_insufficient",
    61202: "browser_not_supported",
    61203: "camera_not_found",
    61401: "face_video_blurry",
    61402: "face_video_lighting_issue",
    61410: "face_not_captured",
    61411: "face_partially_hidden",
    61412: "face_not_turned",
    61901: "internal_error",
    61911: "corrupted_videos",
    62305: "face_not_live",
    62306: "face_alteration",
    62307: "videos_digital_alteration",
    62321: "face_face_mismatch",
    62402: "suspicious_device",
    62403: "consent_unclear",
    62405: "known_fraudulent_face",
    63001: "applicant_refusal",
    64001: "forcibly_closed",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The resulting statuses of an attempt and its authentication, and the response code."""

    attempt: AttemptStatus
    authentication: AuthenticationStatus
    code: int

    @property
    def has_face(self) -> bool:
        """Whether the capture was completed, so that there is a face to check."""
        return self.attempt in {AttemptStatus.COMPLETED, AttemptStatus.CHECKS_INCONCLUSIVE}


#: Outcomes by their response code: of a capture that was aborted, of checks that could not decide,
#: and of checks that did not accept the face.
aborted = partial(Outcome, AttemptStatus.CAPTURE_ABORTED, AuthenticationStatus.RETRY_REQUIRED)
inconclusive = partial(
    Outcome, AttemptStatus.CHECKS_INCONCLUSIVE, AuthenticationStatus.RETRY_REQUIRED
)
declined = partial(Outcome, AttemptStatus.COMPLETED, AuthenticationStatus.DECLINED)

APPROVED: Final = Outcome(AttemptStatus.COMPLETED, AuthenticationStatus.APPROVED, 10000)
REFUSED: Final = Outcome(AttemptStatus.CAPTURE_REFUSED, AuthenticationStatus.REFUSED, 63001)
CLOSED: Final = Outcome(AttemptStatus.CHECKS_INCONCLUSIVE, AuthenticationStatus.INCONCLUSIVE, 64001)
NEVER_STARTED: Final = Outcome(AttemptStatus.EXPIRED, AuthenticationStatus.RETRY_REQUIRED, 61101)
LEFT: Final = aborted(61121)

#: The choices on the capture page.
CHOICES: Final[Mapping[str, Outcome]] = {
    "same_person": APPROVED,
    "someone_else": declined(62321),
    "no_camera": aborted(61203),
    "leave": LEFT,
    "refuse": REFUSED,
}

# Real ids consist of a-z and 2-7, so none of them is a scenario by accident.
SCENARIO: Final = re.compile(
    r"e?aplt_((?P<code>61\d{3})(?P<how>[AI]))?(?P<final>10000|62\d{3}|63001|64001)0*", re.ASCII
)
FIRST: Final[Mapping[str, Callable[[int], Outcome]]] = {"A": aborted, "I": inconclusive}
FINAL: Final[Mapping[str, Outcome]] = {"10000": APPROVED, "63001": REFUSED, "64001": CLOSED}


def scenario_for(applicant_id: str) -> tuple[Outcome, ...]:
    """Return the outcomes of this applicant's captures in turn; empty without a scenario."""
    found = SCENARIO.fullmatch(applicant_id)
    if found is None:
        return ()
    final = FINAL.get(found["final"]) or declined(int(found["final"]))
    if found["how"] is None:
        return (final,)
    return (FIRST[found["how"]](int(found["code"])), final)


def outcome_for(applicant_id: str, captures: int, choice: str) -> Outcome:
    """Return the outcome after a number of captures: that of the scenario, or else the choice."""
    scenario = scenario_for(applicant_id)
    if not scenario:
        return CHOICES[choice]
    return scenario[: captures + 1][-1]  # the last outcome is repeated
