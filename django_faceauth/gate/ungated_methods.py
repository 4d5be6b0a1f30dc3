"""Find views that look gated and are open."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from django.contrib.admin import ModelAdmin
from django.views import View

from django_faceauth.gate.mixins import FaceRequiredMixin
from django_faceauth.gate.url_discovery import (
    Place,
    admins,
    gates_in,
    is_gated_admin,
    permissions_of,
    places,
    sure_gates_in,
)
from django_faceauth.gate.view_methods import UNSAFE, answered_by, class_behind, is_of_framework

#: Methods of an API view that run before its permissions.
BEFORE_PERMISSIONS: Final = ("dispatch", "initial", "check_permissions")
#: Those of them that have little other use than to check the permissions.
QUIET: Final = frozenset({"initial", "check_permissions"})
HANDLERS: Final = tuple(name.lower() for name in ["GET", *sorted(UNSAFE)])
#: Names by which a method reaches its gate without calling super().
CALLED_BY: Final = {
    "dispatch": {"getattr", "initial", "check_permissions", *HANDLERS},
    "initial": {"check_permissions"},
    "check_permissions": {"get_permissions"},
}
#: Permissions that every user who passes a gate has anyway.
IMPLIED: Final = frozenset({"AllowAny", "IsAuthenticated", "IsAuthenticatedOrReadOnly"})


class UngatedMethod(NamedTuple):
    """A method of a view that runs before its gate; `is_sure` if it never reaches the gate."""

    address: str
    name: str
    is_sure: bool


def methods_in_front() -> Iterator[UngatedMethod]:
    """Yield the methods of the site's own classes that run before a gate, or instead of it."""
    for place in places():
        kind = _kind_of(place.view)
        if kind is None:
            continue
        policy = getattr(place.view, "face_policy", None)
        if policy is not None and policy != getattr(kind.dispatch, "face_policy", None):
            continue  # a gate around the whole class, as in face_required(View.as_view())
        for owner, name in _in_front(kind, place):
            is_sure = name != "setup" and not _hands_on(vars(owner)[name], name)
            if is_sure or name not in QUIET:
                yield UngatedMethod(place.address, f"{owner.__qualname__}.{name}", is_sure)


def half_gated() -> Iterator[tuple[str, frozenset[str], bool]]:
    """Yield URLs of classes with a gate on some handlers, and the methods that are open.

    The last item tells whether a method that changes something has the gate.
    """
    for place in places():
        kind = _kind_of(place.view)
        if kind is None or issubclass(kind, FaceRequiredMixin):
            continue
        if hasattr(place.view, "face_policy") or hasattr(kind.dispatch, "face_policy"):
            continue
        answered = {
            name: getattr(kind, name.lower(), None) for name in answered_by(place.view) or ()
        }
        gated = {name for name, handler in answered.items() if hasattr(handler, "face_policy")}
        open_to = {name for name in UNSAFE & answered.keys() if name not in gated}
        if "POST" in gated and "PUT" in open_to and is_of_framework(answered["PUT"]):
            open_to.remove("PUT")  # Django's form views hand it to post()
        if gated and open_to:
            yield place.address, frozenset(open_to), not UNSAFE.isdisjoint(gated)


def actions_without_the_gate() -> Iterator[tuple[str, bool]]:
    """Yield URLs of API actions whose permissions replace the gates of their class.

    The last item tells whether they change something.
    """
    for place in places():
        kind = getattr(place.view, "cls", None)
        of_class = getattr(kind, "permission_classes", ())
        if any(map(sure_gates_in, of_class)):
            own = permissions_of(place.view)
            if own is not of_class and not any(map(list, map(gates_in, own))):
                answered = answered_by(place.view)
                yield place.address, answered is None or not UNSAFE.isdisjoint(answered)


def combinations_that_open() -> Iterator[str]:
    """Yield URLs with a permission that logged-in users have in spite of its gate."""
    for place in places():
        for permission in permissions_of(place.view):
            if any(gates_in(permission)) and _is_had_without_face(permission):
                yield place.address


def bypassed() -> Iterator[tuple[str, str]]:
    """Yield URLs of functions that were registered before their gate was put around them."""
    for place in places():
        for function in _functions_of(place.view):
            named = _found_by_name(function)
            if hasattr(named, "face_policy") and named is not function:
                yield place.address, f"{function.__module__}.{function.__qualname__}"


def inlines_of_gated_models() -> Iterator[tuple[str, str]]:
    """Yield admins without a gate that have an inline of a gated model."""
    all_admins = list(admins())
    gated = {
        admin.model
        for _address, admin in all_admins
        if isinstance(admin, ModelAdmin) and hasattr(admin, "face_policy")
    }
    for address, admin in all_admins:
        if not is_gated_admin(admin):
            for inline in getattr(admin, "inlines", ()):
                if getattr(inline, "model", None) in gated:
                    yield address, inline.__name__


def _kind_of(view: Any) -> type[View] | None:
    kind = getattr(view, "cls", None) or class_behind(view)
    return kind if isinstance(kind, type) and issubclass(kind, View) else None


def _in_front(kind: type, place: Place) -> Iterator[tuple[type, str]]:
    """Yield the classes and the names of their methods that run before the gate of a view."""
    above: dict[str, int | None]  # for a method, the index in the MRO of the class with its gate
    if any(any(gates_in(permission)) for permission in permissions_of(place.view)):
        above = dict.fromkeys(BEFORE_PERMISSIONS)
    else:
        gated = {name: _first_gate(kind, name) for name in ("dispatch", *HANDLERS)}
        above = {name: index for name, index in gated.items() if index is not None}
        if "dispatch" in above:
            above = {"dispatch": above["dispatch"]}
        elif above:
            above["dispatch"] = None
    for name, index in above.items():
        yield from _own(kind, name, index)
    if above:
        yield from _own(kind, "setup")


def _first_gate(kind: type, name: str) -> int | None:
    """Return the index in the MRO of the class that gates a method."""
    for index, base in enumerate(kind.__mro__):
        is_mixin = base is FaceRequiredMixin and name == "dispatch"
        if is_mixin or hasattr(vars(base).get(name), "face_policy"):
            return index
    return None


def _own(kind: type, name: str, until: int | None = None) -> Iterator[tuple[type, str]]:
    """Yield the classes, in the order of the MRO, that have a method of the site's own."""
    for base in kind.__mro__[:until]:
        if name in vars(base) and not is_of_framework(vars(base)[name]):
            yield base, name


def _hands_on(function: Any, name: str) -> bool:
    """Return whether a method calls what it overrides, or what that would have called."""
    code = getattr(inspect.unwrap(getattr(function, "__func__", function)), "__code__", None)
    called = {"super", name, *CALLED_BY.get(name, ())}
    return code is None or not called.isdisjoint(_names_in(code))


def _names_in(code: Any) -> set[str]:
    inner = (const for const in code.co_consts if hasattr(const, "co_names"))
    return set(code.co_names).union(*map(_names_in, inner))


def _is_had_without_face(permission: Any) -> bool | None:
    """Return whether a logged-in user has a permission without a face; None if unknown."""
    if hasattr(permission, "policy_of"):
        return False
    operator = getattr(getattr(permission, "operator_class", None), "__name__", "")
    if operator == "NOT":
        had = _is_had_without_face(permission.op1_class)
        return None if had is None else not had
    if operator in {"AND", "OR"}:
        both = [_is_had_without_face(op) for op in (permission.op1_class, permission.op2_class)]
        if (operator == "OR") in both:
            return operator == "OR"
        return None if None in both else operator == "AND"
    return True if getattr(permission, "__name__", "") in IMPLIED else None


def _functions_of(view: Any) -> Iterator[Any]:
    """Yield the functions that answer at a URL, in front of any gate."""
    while view is not None and not hasattr(view, "face_policy"):
        if inspect.isfunction(view):
            yield view
            # django-ninja has an object with an operation for each method.
            owner = inspect.getclosurevars(view).nonlocals.get("self")
            for operation in getattr(owner, "operations", ()):
                yield from _functions_of(getattr(operation, "view_func", None))
        view = getattr(view, "__wrapped__", None)


def _found_by_name(function: Any) -> Any:
    """Return what the name of a function stands for now, if that wraps the function."""
    found: Any = sys.modules.get(function.__module__)
    for name in function.__qualname__.split("."):
        found = getattr(found, name, None)
    inner = found
    while inner is not None and inner is not function:
        inner = getattr(inner, "__wrapped__", None)
    return None if inner is None else found
