"""How a face check can end, in the words of a test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

#: `retry`: no usable picture; `left`: closed the page; `refused`: does not want to.
Outcome = Literal["approved", "declined", "retry", "left", "refused"]

#: What the person on the capture page chooses for it.
CHOICES: Final[Mapping[Outcome, str]] = {
    "approved": "same_person",
    "declined": "someone_else",
    "retry": "no_camera",
    "left": "leave",
    "refused": "refuse",
}
