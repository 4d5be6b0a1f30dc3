"""The provider's identifiers: `{prefix}_{characters}`."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

MAX_LENGTH: Final = 80


class Prefix(StrEnum):
    """The kind of object that an identifier names."""

    AUTHENTICATION = "fav"
    ATTEMPT = "fatp"
    APPLICANT = "aplt"
    IDENTITY_VERIFICATION = "idv"
    USER_JOURNEY = "usj"
    WORKFLOW = "wf"
    WORKFLOW_ACTION = "wfa"


def is_id(text: object, prefix: Prefix | None) -> bool:
    """Return whether `text` is an identifier of the kind that `prefix` names, or of any."""
    if not isinstance(text, str) or (prefix and not text.startswith(f"{prefix}_")):
        return False
    # Letters, digits and underscores only, so that an id can never leave its place in a
    # path: "fav_x/../../applicants/y" is not an id.
    return re.fullmatch(r"[a-z]+_\w{1,64}", text, re.ASCII) is not None
