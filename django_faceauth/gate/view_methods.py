"""Find the HTTP methods that a view answers."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final

from django.views import View

#: Methods that change something.
UNSAFE: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})

#: Packages whose classes dispatch a request by its method and do nothing else.
FRAMEWORKS: Final = frozenset({"django", "django_faceauth", "rest_framework", "adrf"})


def answered_by(view: Callable[..., Any] | None) -> frozenset[str] | None:
    """Return the methods that a view answers, or None if they are unknown."""
    while view is not None:
        methods = getattr(view, "answered_methods", None)  # of an admin action
        actions = getattr(view, "actions", None)
        view_class = getattr(view, "view_class", None)
        if methods is None and isinstance(actions, dict):  # of a view set of REST framework
            methods = actions
        elif methods is None and view_class is not None:
            names = view_class.http_method_names
            methods = [name for name in names if hasattr(view_class, name)]
        elif methods is None and inspect.isfunction(view):
            # Django's require_POST and require_http_methods keep their list in this variable.
            methods = inspect.getclosurevars(view).nonlocals.get("request_method_list")
        if methods is not None:
            return frozenset(name.upper() for name in methods)
        view = getattr(view, "__wrapped__", None)
    return None


def class_behind(view: Any) -> Any:
    """Return the class or object behind a class-based view; None for a function.

    Knows what `as_view()` returns, and `dispatch()`, which `method_decorator` passes on as a
    partial of the bound method.
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
    """Return which of HEAD and OPTIONS run no code of the site's own for them.

    Django answers OPTIONS by itself, and HEAD by the handler of GET, for class-based views
    without handlers of their own. The handler of GET must not be that of a method that changes
    something: it may test whether the method is GET.
    """
    view = class_behind(view)
    kind = view if isinstance(view, type) else type(view)
    if view is None or not all(map(is_of_framework, _all_of(kind, "dispatch"))):
        return frozenset()
    get, head = getattr(view, "get", None), getattr(view, "head", None)
    changing = [getattr(view, name.lower(), None) for name in UNSAFE]
    is_safe = head in (None, get) and (get is None or get not in changing)
    handlers = [*_all_of(kind, "options"), getattr(view, "options", View.options)]
    methods = {"HEAD"} if is_safe else set()
    return frozenset(methods | {"OPTIONS"} if all(map(is_of_framework, handlers)) else methods)


def _all_of(kind: type, name: str) -> list[Any]:
    return [vars(base)[name] for base in kind.__mro__ if name in vars(base)]


def is_of_framework(function: Any) -> bool:
    """Return whether a method belongs to Django, a framework on top of it, or this package."""
    module = getattr(inspect.unwrap(function), "__module__", None) or ""
    return module.partition(".")[0] in FRAMEWORKS
