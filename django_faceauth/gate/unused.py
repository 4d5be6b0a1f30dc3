"""Answers that do not use a face up, since nothing was done."""

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
    """Mark the answer of a view as one by which nothing was done; return it.

    Behind a gate with `bind` or `single_use` the face is not used up then, and what the view
    has written in the transaction of the gate is rolled back with it: for a form with errors,
    or a page that asks whether the user is sure. Answers of 400 to 499 need no mark.
    """
    setattr(answer, UNUSED, True)
    return answer


def is_unused(answer: Any) -> bool:
    """Tell whether a view has done nothing, by its answer."""
    status = getattr(answer, "status_code", HTTPStatus.OK)
    is_refusal = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    return is_refusal or getattr(answer, UNUSED, False)


def is_in_advance(request: HttpRequest) -> bool:
    """Tell whether a browser prefetches a page that the user has not asked for yet."""
    said = (re.split(r"[\s;,]+", request.headers.get(name, "").lower()) for name in PURPOSES)
    return any(not IN_ADVANCE.isdisjoint(words) for words in said)


def asks_again(answer: Any, action: str) -> bool:
    """Tell whether the answer of an admin action is a page that sends the same action again.

    Django's own page before a deletion is one, and so are those that follow its example.
    """
    if getattr(answer, "status_code", None) != HTTPStatus.OK or getattr(answer, "streaming", True):
        return False
    is_rendered = getattr(answer, "is_rendered", True)
    page = answer.content.decode(errors="replace") if is_rendered else answer.rendered_content
    fields = re.findall(r"<(?:input|button)\b[^>]*>", page)
    names, value = re.compile(r"""\bname=["']?action\b"""), re.escape(action)
    sends = re.compile(rf"""\bvalue=(["']?){value}\1[\s/>]""")
    return any(names.search(field) and sends.search(field) for field in fields)
