"""Users of the demo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

#: The password of all users.
PASSWORD: Final = "demo"  # noqa: S105 - it is on the login page
#: The secret of Dave's one-time codes, for an authenticator app.
TOTP_SECRET: Final = "DAVEREFUSES7DAVEREFUSES7DAVEREFU"  # noqa: S105 - the demo prints it


@dataclass(frozen=True, slots=True)
class DemoUser:
    """A user and the outcome of their face checks; not enrolled without an `applicant_id`."""

    username: str
    outcome: Promise
    applicant_id: str = ""
    group: str = ""
    is_superuser: bool = False


def _scripted(script: str, length: int = 26) -> str:
    """Return an applicant id for which the simulator plays a script.

    An applicant is one user, so users with the same script need ids of different lengths.
    """
    return "aplt_" + script.ljust(length, "0")


def enrolment_data(user: AbstractBaseUser | AnonymousUser) -> dict[str, str] | None:
    """Return who a customer is by the records of the bank; staff do not enrol themselves."""
    name = user.get_username()
    is_customer = any(name == one.username and not one.group for one in USERS)
    return {"name": f"{name.title()} Example", "birth_date": "1990-02-03"} if is_customer else None


_VIEW: Final = (
    *("view_attemptrequest", "view_consent", "view_faceauthentication", "view_facechallenge"),
    *("view_lockout", "view_reviewcase", "view_verdict", "view_webhookevent"),
    *("view_applicant", "view_identityverification"),
    *("view_payout", "view_user"),
)
#: Groups of staff and their permissions.
GROUPS: Final = {
    "reviewers": (*_VIEW, "review_faceauthentication", "view_fraud_codes", "view_face"),
    "operators": (
        *(*_VIEW, "view_auditentry", "view_erasure", "view_providerratelimit"),
        *("sync_faceauthentication", "revoke_faceauthentication", "reprocess_webhookevent"),
        *("export_faceauthentication", "anonymize_faceauthentication", "change_lockout"),
    ),
}

USERS: Final = (
    DemoUser("alice", _("the face matches, and the page opens"), _scripted("10000")),
    DemoUser("bob", _("another face is shown, and the page stays closed"), _scripted("62321")),
    DemoUser("carol", _("leaves too early, tries again, and gets in"), _scripted("61121A10000")),
    DemoUser("dave", _("refuses the check, and uses a one-time code instead"), _scripted("63001")),
    DemoUser("erin", _("is not enrolled: sets up face checks, then pays with her face")),
    DemoUser("grace", _("seems to be under duress, and the page stays closed"), _scripted("62403")),
    # Without a script: the capture page asks for the result.
    DemoUser(
        "frank", _("you choose the result on the capture page"), "aplt_" + "frank".ljust(26, "a")
    ),
    DemoUser(
        "reviewer",
        _("staff: reviews cases and looks at captured faces under /admin/"),
        _scripted("10000", 24),
        group="reviewers",
    ),
    DemoUser(
        "operator",
        _("staff: retries, revokes, exports and lifts lock-outs under /admin/"),
        _scripted("10000", 23),
        group="operators",
    ),
    DemoUser(
        "admin",
        _("superuser: does all of this under /admin/, and links users to applicants"),
        _scripted("10000", 25),
        is_superuser=True,
    ),
)
