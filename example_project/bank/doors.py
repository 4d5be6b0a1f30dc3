"""The pages that ask for a face, as the panel shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Door:
    """One gated page; `action` and `max_age` are those of its gate in views.py.

    A bound gate is never open: what it lets through is one thing, once.
    """

    title: Promise
    url_name: str
    action: str = ""
    max_age: int | None = None
    is_bound: bool = False


DOORS: Final = (
    Door(_("Statements"), "statements"),
    Door(_("Payout"), "payout", action="payout", max_age=180, is_bound=True),
    Door(_("Settings"), "settings", action="settings"),
)
