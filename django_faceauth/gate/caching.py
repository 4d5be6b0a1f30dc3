"""Answers that belong to one request."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from django.http import HttpResponseBase
from django.utils.cache import patch_vary_headers

from django_faceauth.gate.decision import CHALLENGE_HEADER
from django_faceauth.services.grants import grants

Answer = TypeVar("Answer")

#: What a view may add: it forbids more, and allows nothing.
STRICTER: Final = frozenset({"no-cache", "must-revalidate", "proxy-revalidate", "no-transform"})
#: Headers to which caches listen rather than to Cache-Control (RFC 9213, and older ones).
RIVALS: Final = (
    "CDN-Cache-Control",
    "Cloudflare-CDN-Cache-Control",
    "Expires",
    "Surrogate-Control",
    "X-Accel-Expires",
)


def not_reused(request: Any, answer: Answer) -> Answer:
    """Keep the answer of a gated view out of all caches, whatever the view says; return it."""
    if not isinstance(answer, HttpResponseBase):  # an admin action may return nothing
        return answer
    said = (part.strip().lower() for part in answer.get("Cache-Control", "").split(","))
    answer["Cache-Control"] = ", ".join(
        ["no-store", "private", *(part for part in said if part in STRICTER)]
    )
    for name in RIVALS:
        del answer[name]
    if getattr(request, grants.CREDENTIAL, None) is not None:
        patch_vary_headers(answer, [CHALLENGE_HEADER])
    # What Django's cache asks before it stores: a decorator above the gate can change headers.
    getattr(request, "_request", request)._cache_update_cache = False
    return answer
