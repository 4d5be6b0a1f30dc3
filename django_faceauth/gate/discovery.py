"""Finds the gates of a site, by walking its addresses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from django_faceauth.gate.mixins import FaceRequiredMixin, policy_of
from django_faceauth.gate.policy import Policy

View = Callable[..., Any]


def gated_views() -> Iterator[tuple[str, View]]:
    """Yield each gated address of the site as a pattern, with its view."""
    for address, view in _addresses(get_resolver().url_patterns):
        if _mixin_of(view) is not None or hasattr(view, "face_policy"):
            yield address, view


def policy_at(view: View) -> Policy:
    """Return what the gate of a gated view asks for.

    Raises `ValueError` or `TypeError` for attributes given to `as_view()` that make no gate.
    """
    gated = _mixin_of(view)
    if gated is None:
        found: Policy = view.face_policy  # type: ignore[attr-defined]
        return found
    bare = object.__new__(gated)  # a check must not run the site's own __init__
    vars(bare).update(view.view_initkwargs)  # type: ignore[attr-defined]
    return policy_of(bare)


def _addresses(
    patterns: Iterable[URLPattern | URLResolver], prefix: str = "/"
) -> Iterator[tuple[str, View]]:
    for pattern in patterns:
        address = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _addresses(pattern.url_patterns, address)
        else:
            yield address, pattern.callback


def _mixin_of(view: View) -> type[FaceRequiredMixin] | None:
    view_class = getattr(view, "view_class", None)
    if isinstance(view_class, type) and issubclass(view_class, FaceRequiredMixin):
        return view_class
    return None
