"""Why a call is not answered as asked."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpResponse, JsonResponse


class Problem(Exception):
    """An error answer: its HTTP status, and the words of its body (none: an empty body)."""

    def __init__(self, status: int, error_type: str, *codes: str) -> None:
        super().__init__(status, error_type, *codes)
        self.status = status
        self.error_type = error_type
        self.codes = codes

    def answer(self, request_id: str) -> HttpResponse:
        """Return the answer of the provider."""
        body = {
            "request_id": request_id,
            "error_type": self.error_type,
            "error_codes": list(self.codes),
        }
        return JsonResponse(body, status=self.status)


def refuse(codes: Iterable[str]) -> None:
    """Raise the provider's validation error if there are any `codes`."""
    found = tuple(codes)
    if found:
        raise Problem(422, "request_invalid", *found)
