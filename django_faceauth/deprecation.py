"""What goes away, and what went: docs/reference/policies.md has the rule."""

from __future__ import annotations

import warnings
from typing import Final

from django_faceauth.exceptions import FaceAuthDeprecationWarning

#: Settings of former releases without their prefix, and what to do about them.
REMOVED_SETTINGS: Final[dict[str, str]] = {}


def warn(what: str, *, gone_in: str, instead: str, stacklevel: int = 2) -> None:
    """Tell whoever called our caller that `what` goes away in the release `gone_in`.

    `instead` is a sentence. `stacklevel` is that of `warnings.warn`, seen from our caller.
    """
    message = f"{what} is deprecated and will be gone in django-faceauth {gone_in}. {instead}"
    warnings.warn(message, FaceAuthDeprecationWarning, stacklevel=stacklevel + 1)
