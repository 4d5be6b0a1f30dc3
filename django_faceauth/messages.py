"""Texts of the pages and the API.

A decline is never explained: fraud codes are for the site's staff.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise


class Wording(NamedTuple):
    """A heading and what follows it."""

    title: Text
    message: Text


TROUBLE: Final = _("The face check cannot be reached right now. We keep trying.")
#: For errors that do not pass by themselves.
BROKEN: Final = _("The face check does not work at the moment. Please try again later.")
LINK_RAN_OUT: Final = _("The camera page has expired. You can get a new one.")
NOT_STARTED: Final = Wording(
    _("Confirm it's you"), _("A quick face check with your camera confirms your identity.")
)
CHECKING: Final = Wording(
    _("Checking the result…"), _("This page continues as soon as the face check is done.")
)
COMPARING: Final = Wording(
    _("One moment, please"),
    _("Your face is being compared. This page continues as soon as that is done."),
)

_TOO_MANY: Final = Wording(
    _("Too many attempts"), _("There were too many face checks in a short time.")
)
LIMITED: Final[Mapping[str, Wording]] = {
    "user": _TOO_MANY,
    "session": _TOO_MANY,
    "lockout": Wording(
        _("Too many attempts"), _("Your face was not recognised several times in a row.")
    ),
    "reported": Wording(
        _("Your account is protected"),
        _("A face check was reported as not yours. Until that is resolved, face checks are off."),
    ),
    "enrolment": Wording(
        _("Too many attempts"), _("You have tried to set up face checks several times.")
    ),
    "sms": Wording(_("Too many messages"), _("We have sent you several messages already.")),
    "site": Wording(
        _("The site is busy"),
        _("This is not your fault: too many face checks are under way right now."),
    ),
}

WORDINGS: Final[Mapping[str, Wording]] = {
    "open": Wording(
        _("Waiting for your face"), _("This page continues as soon as the face check is done.")
    ),
    "retry": Wording(_("Please try again"), _("The face check could not be completed.")),
    "granted": Wording(_("Thank you"), _("Your face was recognised.")),
    "consumed": Wording(
        _("Already used"), _("This face check has been used and cannot be used again.")
    ),
    "revoked": Wording(
        _("No longer valid"), _("This face check has been revoked. You can do a new one.")
    ),
    "refused": Wording(_("Face check cancelled"), _("Nothing was changed.")),
    "failed": Wording(
        _("We could not confirm that it is you"),
        _("The page stays closed for now, and nothing was changed."),
    ),
    "expired": Wording(
        _("The face check has expired"),
        _("For your security, a face check is valid for a short time only. Please start again."),
    ),
}

#: The ways without a face, by the method of the challenge.
WAYS: Final[Mapping[str, Text]] = {
    "passkey": _("Passkey"),
    "totp": _("Code from your authenticator app"),
    "recovery_code": _("Recovery code"),
}
WRONG_CODE: Final = _("This code is not right, or was used before. Please try again.")
WRONG_PASSKEY: Final = _("The passkey could not be checked. Please try again.")
LOCKED_WAY: Final = _("Too many attempts. Please wait a while before you try again.")

RETRY: Final = "retry"

SHOWING: Final = Wording(
    _("Waiting for your document and your face"),
    _("This page continues as soon as you are done on the camera page."),
)
#: Texts of the enrolment, by the outcome of its identity verification.
ENROLMENT: Final[Mapping[str, Wording]] = {
    "open": Wording(
        _("Waiting for the result"),
        _("Your document and your face are being checked. This can take a few minutes."),
    ),
    RETRY: Wording(_("Please try again"), _("The check could not be completed.")),
    "linked": Wording(
        _("Face checks are set up"), _("You can confirm with your face from now on.")
    ),
    "failed": Wording(
        _("We could not confirm your identity"),
        _("Face checks were not set up, and nothing was changed."),
    ),
    "refused": Wording(_("Set-up cancelled"), _("Nothing was changed.")),
    "conflict": Wording(
        _("Face checks were not set up"),
        _("Your account has changed meanwhile. Please contact support."),
    ),
    "revoked": Wording(
        _("Face checks are off again"),
        _("The set-up of your face checks was withdrawn. Please contact support."),
    ),
}

#: For a face that was shown in another network than the gate allows.
OTHER_NETWORK: Final = Wording(
    _("Your face was shown in another network"),
    _(
        "The device that showed your face is in another network than this browser, so nothing "
        "was done. Please try again with both in the same network, for example with your phone "
        "in the Wi-Fi."
    ),
)

#: For requests that were denied although the face check was passed.
NOT_DONE: Final[Mapping[str, Wording]] = {
    "changed": Wording(
        _("This is not what you approved"),
        _("Something has changed since your face check, so nothing was done."),
    ),
    "used": Wording(
        _("Already done"), _("This approval was used before. Nothing was done a second time.")
    ),
    "impersonated": Wording(
        _("Only the owner of the account can do this"),
        _("You are logged in as another user, whose face check you cannot pass."),
    ),
}

#: Texts of the dialog of `faceauth/stepup.js`, by their names in the script.
STEPUP: Final[Mapping[str, Text]] = {
    "heading": _("Confirm it's you"),
    "lead": _(
        "The camera page of our partner, Checkout.com, opens in a new window. You look into the "
        "camera for a few seconds; on a computer you may use your phone. Then come back here."
    ),
    "consent": _(
        "By continuing you agree that Checkout.com compares the new video with your earlier one. "
        "We never store your picture."
    ),
    "agree": _("I have read this, and I agree that my face is compared in this way."),
    "tick": _("Nothing has happened yet. To continue, please tick the box."),
    "open": _("Open the camera page"),
    "waiting": _("Waiting for your face."),
    "again": _(
        "If you have closed the camera page, you can open it again. "
        "This ends the page that was open before."
    ),
    "openAgain": _("Open the camera page again"),
    "blocked": _("Your browser did not open a new window. Please open the camera page yourself."),
    "offline": _("You are offline. This continues as soon as you are back."),
    "trouble": _("This site cannot be reached right now. We keep trying."),
    "failed": _("That did not work. Please try again."),
    # Translators: {time} is a time of day or a date with one, and stays as it is here.
    "until": _("You can try again at {time}."),
    "over": _("This face check has ended. Please start again."),
    "notDone": _("This was not done"),
    "fallback": _("Use another way"),
    "cancel": _("Not now"),
    "close": _("Close"),
}
