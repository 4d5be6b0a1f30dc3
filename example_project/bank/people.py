"""Who banks here, and what the simulator makes of their faces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

#: Everybody's password.
PASSWORD: Final = "demo"  # noqa: S105 - it is on the login page


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can log in; without an `applicant_id` they are not enrolled."""

    username: str
    fate: Promise
    applicant_id: str = ""
    is_staff: bool = False


def _scripted(script: str, *, length: int = 26) -> str:
    """Return the applicant id for which the simulator plays `script`.

    Two people with the same story differ in the `length` of it: an applicant is one person.
    """
    return "aplt_" + script.ljust(length, "0")


#: For any other applicant the person in front of the camera page decides.
UNSCRIPTED: Final = "aplt_" + "frank".ljust(26, "a")

PEOPLE: Final = (
    Person("alice", _("her face is recognised, and the page opens"), _scripted("10000")),
    Person("bob", _("somebody else shows a face, and the page stays shut"), _scripted("62321")),
    Person("carol", _("leaves too early, tries again, and gets in"), _scripted("61121A10000")),
    Person("dave", _("refuses to show his face, and is told whom to ask"), _scripted("63001")),
    Person("erin", _("is not enrolled, so no face would open the page")),
    Person(
        "grace", _("looks as if somebody forced her, and the page stays shut"), _scripted("62403")
    ),
    Person("frank", _("you decide on the camera page how it ends"), UNSCRIPTED),
    Person(
        "admin",
        _("works here: look at the review queue under /admin/, and link people to applicants"),
        _scripted("10000", length=25),
        is_staff=True,
    ),
)
