"""Finds the gates of a site, by walking its addresses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from django_faceauth.gate.mixins import FaceRequiredMixin, policy_of
from django_faceauth.gate.policy import Policy


def gated_addresses() -> Iterator[tuple[str, Policy]]:
    """Yield each gated address of the site as a pattern, with its gate's policy."""
    for address, view in _addresses(get_resolver().url_patterns):
        policy = _policy(view)
        if policy is not None:
            yield address, policy


def _addresses(
    patterns: Iterable[URLPattern | URLResolver], prefix: str = "/"
) -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        address = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _addresses(pattern.url_patterns, address)
        else:
            yield address, pattern.callback


def _policy(view: Any) -> Policy | None:
    view_class = getattr(view, "view_class", None)
    if isinstance(view_class, type) and issubclass(view_class, FaceRequiredMixin):
        return policy_of(view_class(**view.view_initkwargs))
    policy: Policy | None = getattr(view, "face_policy", None)
    return policy
