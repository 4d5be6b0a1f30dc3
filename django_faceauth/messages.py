"""What the pages and the API say, in words for everybody.

A decline is never explained: fraud codes are for the site's staff (V-12).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Wording:
    """A heading and what follows it."""

    title: Text
    message: Text


TROUBLE: Final = _("We are having trouble reaching the face check. We keep trying.")
#: What is said of an error that does not pass by itself.
BROKEN: Final = _("The face check does not work at the moment. Please try again later.")
LINK_RAN_OUT: Final = _("Too much time has passed. You can get a new camera page.")
NOT_STARTED: Final = Wording(
    _("Please show your face"),
    _("A quick look into the camera shows that it is really you."),
)
CHECKING: Final = Wording(
    _("Checking the result…"),
    _("As soon as the face check is done, this page goes on by itself."),
)
COMPARING: Final = Wording(
    _("One moment, please"),
    _("Your face is being compared. As soon as that is done, this page goes on by itself."),
)

LIMITED: Final[Mapping[str, Wording]] = {
    "user": Wording(
        _("Time for a short break"),
        _("There were several face checks in a short time. To protect your account, we wait now."),
    ),
    "session": Wording(
        _("Time for a short break"),
        _("There were several face checks in a short time. To protect your account, we wait now."),
    ),
    "lockout": Wording(
        _("Time for a short break"),
        _("Several times we could not recognise your face. To protect your account, we wait now."),
    ),
    "reported": Wording(
        _("Your account is protected"),
        _("Somebody else may have used it. Until that is cleared up, face checks have to wait."),
    ),
    "site": Wording(
        _("Many people are here right now"),
        _("This is not your fault: the face check needs a moment before it can go on."),
    ),
}

WORDINGS: Final[Mapping[str, Wording]] = {
    "open": Wording(
        _("Waiting for your face"),
        _("As soon as the face check is done, this page goes on by itself."),
    ),
    "retry": Wording(_("Let’s try that again"), _("The face check could not be completed.")),
    "granted": Wording(_("Thank you"), _("Your face was recognised.")),
    "consumed": Wording(
        _("Already used"), _("This face check has been used. Nothing more will happen with it.")
    ),
    "revoked": Wording(
        _("No longer valid"), _("This face check has been withdrawn. You can do a new one.")
    ),
    "refused": Wording(
        _("You chose not to show your face"),
        _("That is fine. Nothing was changed."),
    ),
    "failed": Wording(
        _("We could not confirm that it is you"),
        _("The page stays closed for now, and nothing was changed."),
    ),
    "expired": Wording(
        _("That took a little too long"),
        _("For your safety a face check counts for a short time only. Please start again."),
    ),
}

#: What is said when something was not done although a face was shown.
NOT_DONE: Final[Mapping[str, Wording]] = {
    "changed": Wording(
        _("This is not what you approved"),
        _("Something has changed since you showed your face, so nothing was done."),
    ),
    "used": Wording(
        _("Already done"),
        _("This approval was used before. Nothing was done a second time."),
    ),
    "impersonated": Wording(
        _("This needs the person themselves"),
        _("You are signed in for somebody else, and nobody can show a face for others."),
    ),
}

#: What the dialog of `faceauth/stepup.js` says, under the names that the script has for it.
STEPUP: Final[Mapping[str, Text]] = {
    "heading": _("Please show your face"),
    "lead": _(
        "The camera page of our partner, Checkout.com, opens in a new window. You look into the "
        "camera for a few seconds; on a computer you may use your phone. Then come back here."
    ),
    "consent": _(
        "By going on you agree that Checkout.com compares the new video with your earlier one. "
        "We never store your picture."
    ),
    "agree": _("I have read this, and I agree that my face is compared in this way."),
    "tick": _(
        "Nothing has happened yet: we only go on if you agree. If you do, please tick the box."
    ),
    "open": _("Open the camera page"),
    "waiting": _("Waiting for your face."),
    "again": _(
        "Is the camera page not open any more? Then open it again. "
        "This closes the page that was open before."
    ),
    "openAgain": _("Open the camera page again"),
    "blocked": _("Your browser did not open a new window. Please open the camera page yourself."),
    "offline": _("You are offline. As soon as you are back, this goes on by itself."),
    "trouble": _("We are having trouble reaching this site. We keep trying."),
    "failed": _("That did not work. Please try again."),
    # Translators: {time} is a time of day or a date with one, and stays as it is here.
    "until": _("You can try again at {time}."),
    "over": _("This face check is over. Please start again."),
    "notDone": _("This was not done"),
    "fallback": _("Use another way"),
    "cancel": _("Not now"),
    "close": _("Close"),
}
