"""The panel that shows what the gates know."""

from __future__ import annotations

from typing import Any

from django import template
from django.template.context import RequestContext

from bank.doors import DOORS

register = template.Library()


@register.inclusion_tag("bank/panel.html", takes_context=True)
def face_panel(context: RequestContext) -> dict[str, Any]:
    """Show for each door whether a face opens it now, and until when."""
    request = context["request"]
    return {"doors": DOORS, "request": request, "user": request.user}
