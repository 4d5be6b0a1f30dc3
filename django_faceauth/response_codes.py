"""The provider's response codes, for users and for staff.

Source: the provider's "response codes" reference. Only 61xxx codes lead to guidance: they
say what to do better. Fraud codes (62xxx) are never explained to the user, and a code that
is not in the table gets the general advice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

GENERAL_ADVICE: Final = _("Something got in the way before we could finish. Please try once more.")

RETRY_ADVICE: Final[Mapping[int, str | Promise]] = {
    # the user
    61101: _("The camera page was not opened in time. Please try again when you are ready."),
    61111: _("It looks as if you were not ready yet. Take your time, and start when you are."),
    61113: _(
        "The camera was not allowed. When your browser asks, choose “Allow”, "
        "or switch the camera on for this site in your browser’s settings."
    ),
    61121: _("The camera page was closed before the end. Please go through to the last step."),
    # the connection or the device
    61201: _("Your internet connection was too slow. Try again on Wi-Fi or nearer to it."),
    61202: _("Your browser does not support this. Please try a recent Chrome, Safari or Firefox."),
    61203: _("We could not find a camera. Connect one, or use your phone."),
    61911: _("The video was damaged on its way to us. Please record it again."),
    # the capture
    61401: _("The picture was blurred. Hold the device still and wipe the lens."),
    61402: _("The light was not right. Face a window or a lamp, without a light behind you."),
    61410: _("We could not see your face. Keep it inside the frame."),
    61411: _("Part of your face was hidden. Take off your hat, mask or sunglasses."),
    61412: _("Please turn your head slowly when you are asked to."),
    # the provider
    61901: _("Something went wrong on our side. Please try again."),
}

#: Codes about the document of an identity verification, which the reference does not list.
DOCUMENT: Final = range(61300, 61400)
DOCUMENT_ADVICE: Final = _(
    "Your document could not be read. Lay it flat in good light, without reflections, and keep "
    "all of it in the frame."
)

#: Codes that only staff with the permission `view_fraud_codes` may see.
FRAUD: Final = range(62000, 63000)
#: The user may have acted under duress.
DURESS: Final = 62403

#: The meaning of each code, for staff.
MEANINGS: Final[Mapping[int, str | Promise]] = {
    10000: _("Approved"),
    61101: _("The camera page was never opened"),
    61111: _("The user was not ready"),
    61113: _("The camera was not allowed"),
    61121: _("The user left before the end"),
    61201: _("The connection was too slow"),
    61202: _("The browser is not supported"),
    61203: _("No camera was found"),
    61911: _("The video was damaged"),
    61401: _("The picture was blurred"),
    61402: _("The light was not right"),
    61410: _("No face was visible"),
    61411: _("Part of the face was hidden"),
    61412: _("The head was not turned"),
    61901: _("An error at the provider"),
    62305: _("Not a living face"),
    62306: _("The face was altered"),
    62307: _("The video was altered"),
    62321: _("The face does not match the verified user"),
    62402: _("A suspicious device"),
    62403: _("The user may have been forced"),
    62405: _("A face known for fraud"),
    63001: _("The user refused"),
    64001: _("Closed by the provider"),
}


def meaning_of(code: int) -> str | Promise:
    """Return the meaning of a code, for staff."""
    return MEANINGS.get(code, _("Unknown code"))


def advice_for(codes: Iterable[int]) -> str | Promise:
    """Return the advice to the user for the first code that has one."""
    for code in codes:
        if code in RETRY_ADVICE:
            return RETRY_ADVICE[code]
        if code in DOCUMENT:
            return DOCUMENT_ADVICE
    return GENERAL_ADVICE
