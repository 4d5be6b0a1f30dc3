"""Responses that do not use a grant up."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any, Final, TypeVar

from django.http import HttpRequest

Answer = TypeVar("Answer")

#: Where `unused` leaves its note on an answer.
UNUSED: Final = "_faceauth_unused"
#: Headers by which a browser says that it fetches in advance.
PURPOSES: Final = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")
IN_ADVANCE: Final = frozenset({"prefetch", "prerender", "preview"})


def unused(answer: Answer) -> Answer:
    """Mark the response of a view that has done nothing; return it.

    Behind a gate with `bind` or `single_use` the grant is then not used up, and what the view
    has written in the transaction of the gate is rolled back: for a form with errors, or a
    page that asks for confirmation. Responses of 400 to 499 need no mark.
    """
    setattr(answer, UNUSED, True)
    return answer


def is_unused(answer: Any) -> bool:
    """Return whether a view has done nothing, judging by its response."""
    status = getattr(answer, "status_code", HTTPStatus.OK)
    is_refusal = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    return is_refusal or getattr(answer, UNUSED, False)


def is_in_advance(request: HttpRequest) -> bool:
    """Return whether a browser prefetches a page."""
    purposes = " ".join(request.headers.get(name, "") for name in PURPOSES)
    return not IN_ADVANCE.isdisjoint(re.split(r"[\s;,]+", purposes.lower()))


def asks_again(answer: Any, action: str) -> bool:
    """Return whether the response of an admin action is a page that sends the action again.

    Django's confirmation page before a deletion does, and so do those that follow its example.
    """
    if getattr(answer, "status_code", None) != HTTPStatus.OK or getattr(answer, "streaming", True):
        return False
    is_rendered = getattr(answer, "is_rendered", True)
    page = answer.content.decode(errors="replace") if is_rendered else answer.rendered_content
    fields = re.findall(r"<(?:input|button)\b[^>]*>", page)
    names, value = re.compile(r"""\bname=["']?action\b"""), re.escape(action)
    sends = re.compile(rf"""\bvalue=(["']?){value}\1[\s/>]""")
    return any(names.search(field) and sends.search(field) for field in fields)
