"""Which HTTP methods a view answers, as far as it says."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from django.views import View


def answered_by(view: Callable[..., Any] | None) -> frozenset[str] | None:
    """Return the methods that a view answers, or None if it does not say."""
    while view is not None:
        said = _said_by(view)
        if said is not None:
            return said
        view = getattr(view, "__wrapped__", None)
    return None


def _said_by(view: Callable[..., Any]) -> frozenset[str] | None:
    actions = getattr(view, "actions", None)
    if isinstance(actions, dict):  # of a view set of Django REST framework
        return frozenset(name.upper() for name in actions)
    view_class = getattr(view, "view_class", None)
    if view_class is not None:
        return _handlers_of(view_class)
    if not inspect.isfunction(view):
        return None
    # Django's require_POST and require_http_methods keep their list in this variable.
    methods = inspect.getclosurevars(view).nonlocals.get("request_method_list")
    return None if methods is None else frozenset(methods)


def _handlers_of(view_class: type[View]) -> frozenset[str]:
    names = (name for name in view_class.http_method_names if hasattr(view_class, name))
    return frozenset(name.upper() for name in names)
