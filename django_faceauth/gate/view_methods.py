"""Which HTTP methods a view answers, as far as it says, and which of them Django does."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final

from django.views import View

#: Methods that change something, and that have no other use.
UNSAFE: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})

#: Whose classes hand a request over by the name of its method, and do nothing besides.
FRAMEWORKS: Final = frozenset({"django", "django_faceauth", "rest_framework", "adrf"})


def answered_by(view: Callable[..., Any] | None) -> frozenset[str] | None:
    """Return the methods that a view answers, or None if it does not say."""
    while view is not None:
        said = _said_by(view)
        if said is not None:
            return said
        view = getattr(view, "__wrapped__", None)
    return None


def _said_by(view: Callable[..., Any]) -> frozenset[str] | None:
    said: frozenset[str] | None = getattr(view, "answered_methods", None)
    if said is not None:  # an admin action
        return said
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


def class_behind(view: Any) -> Any:
    """Return the class, or its object, that answers for a view; None for a function.

    That is so for a class-based view, for what `as_view()` returns, and for `dispatch()`, which
    `method_decorator` hands over as a partial of the bound method.
    """
    if isinstance(view, View) or (isinstance(view, type) and issubclass(view, View)):
        return view
    while view is not None:
        bound: Any = getattr(view, "func", None)
        if isinstance(getattr(bound, "__self__", None), View) and bound.__name__ == "dispatch":
            return bound.__self__
        view_class = getattr(view, "view_class", None)
        if view_class is not None:
            return view_class
        view = getattr(view, "__wrapped__", None)
    return None


def answered_by_framework(view: Any) -> frozenset[str]:
    """Return which of HEAD and OPTIONS do nothing of the site's own behind a view.

    Django answers OPTIONS by itself, and HEAD by the handler of GET, where it is a class that
    answers, and where that has no handlers of its own for them. The handler of GET must not be
    that of a method that changes something: it may ask whether the method is GET.
    """
    view = class_behind(view)
    kind = view if isinstance(view, type) else type(view)
    if view is None or not all(map(is_of_framework, _all_of(kind, "dispatch"))):
        return frozenset()
    get, head = getattr(view, "get", None), getattr(view, "head", None)
    changing = [getattr(view, name.lower(), None) for name in UNSAFE]
    is_look = head in (None, get) and (get is None or get not in changing)
    handlers = [*_all_of(kind, "options"), getattr(view, "options", View.options)]
    says_itself = all(map(is_of_framework, handlers))
    return frozenset(name for name, is_so in [("HEAD", is_look), ("OPTIONS", says_itself)] if is_so)


def _all_of(kind: type, name: str) -> list[Any]:
    return [vars(base)[name] for base in kind.__mro__ if name in vars(base)]


def is_of_framework(function: Any) -> bool:
    """Tell whether a method was written by Django, by one of its frameworks, or by us."""
    module = getattr(inspect.unwrap(function), "__module__", None) or ""
    return module.partition(".")[0] in FRAMEWORKS
