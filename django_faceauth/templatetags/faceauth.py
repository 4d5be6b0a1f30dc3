"""`{% load faceauth %}`: what templates may ask the gate."""

from __future__ import annotations

from datetime import timedelta

from django import template
from django.template import Context

from django_faceauth.exceptions import ConfigurationError
from django_faceauth.gate import Face, freshness

register = template.Library()


@register.simple_tag(takes_context=True)
def face_fresh(
    context: Context, *, action: str = "", max_age: float | timedelta | None = None
) -> Face | None:
    """Return what a gate with these arguments would let the visitor through on, or None.

    `{% face_fresh action="payout" as fresh %}`. Raises `ConfigurationError` in a template
    that has no request, and what `freshness` raises.
    """
    request = context.get("request")
    if request is None:
        raise ConfigurationError(
            "face_fresh needs the request in the context: render with one, and list "
            "django.template.context_processors.request among the context processors."
        )
    return freshness(request, action=action, max_age=max_age)
