"""What each finding means, why it matters, and what to do: for the doctor and for the reference.

The words are those of the documentation, `reference/checks.md`, and a test holds the two
together. As the messages of system checks they are for whoever runs the site, in English.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django_faceauth.explanations.entry import Explanation
from django_faceauth.explanations.of_doctor import DOCTOR
from django_faceauth.explanations.of_errors import ERRORS
from django_faceauth.explanations.of_warnings import WARNINGS

__all__ = ["EXPLANATIONS", "Explanation", "known_as"]

#: By id, in the order of the reference.
EXPLANATIONS: Final[Mapping[str, Explanation]] = {**ERRORS, **WARNINGS, **DOCTOR}

#: What the ids of system checks begin with.
LABEL: Final = "faceauth."


def known_as(name: str) -> str | None:
    """Return the id that somebody means who typed `name`; None if there is none.

    `E004`, `e004` and `faceauth.E004` are one.
    """
    words = name.strip().lower().removeprefix(LABEL)
    typed = (words, f"{LABEL}{words.upper()}")
    return next((one for one in typed if one in EXPLANATIONS), None)
