"""Template tags: `{% load faceauth %}`."""

from __future__ import annotations

from datetime import timedelta

from django import template
from django.template import Context
from django.utils import timezone
from django.utils.html import json_script
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

from django_faceauth.exceptions import ConfigurationError
from django_faceauth.gate import Face, freshness
from django_faceauth.messages import STEPUP

register = template.Library()


@register.simple_tag(takes_context=True)
def face_fresh(
    context: Context, *, action: str = "", max_age: float | timedelta | None = None
) -> Face | None:
    """Return the face on which a gate with these arguments would let the visitor through, or None.

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


@register.filter
def duration(time: timedelta) -> str:
    """Return a duration in the active language, as `timesince` does: `1 day`."""
    now = timezone.now()
    return timesince(now, now + time)


@register.simple_tag
def face_texts() -> SafeString:
    """Return the texts of `faceauth/stepup.js` in the language of the page, as JSON data."""
    return json_script({name: str(text) for name, text in STEPUP.items()}, "faceauth-texts")
