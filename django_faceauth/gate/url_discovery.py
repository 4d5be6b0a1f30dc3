"""Finds the gates of a site, by walking its addresses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from inspect import isfunction
from itertools import chain
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from django_faceauth.gate.locked_user import is_rest_framework
from django_faceauth.gate.mixins import FaceRequiredMixin, policy_of
from django_faceauth.gate.policy import Policy

View = Any


@dataclass(frozen=True, slots=True)
class Place:
    """One address of the site, as a pattern, with what answers there.

    `name` is the URL name behind the namespaces, `kind` the same behind the names of the apps:
    `bank:payout` may be of the kind `payments:payout`. Where a URL has no name, the namespaces
    stand alone.
    """

    address: str
    view: View = field(repr=False)
    name: str = ""
    kind: str = ""


class ApiGate:
    """A permission of an API view that is a gate: what can be said of it without asking."""

    def __init__(self, view: Any, permission: Any) -> None:
        self.__wrapped__ = view
        self.permission = permission

    @property
    def face_policy(self) -> Policy:
        """What the gate asks for; raises `ValueError` or `TypeError` if it is none."""
        found: Policy = self.permission.policy_of(_bare(self.__wrapped__.cls, self.__wrapped__))
        return found


def gated_views() -> Iterator[tuple[str, View]]:
    """Yield each gated address of the site as a pattern, with what has the gate.

    That is a view, an API view by each permission that is a gate, an admin action, or an admin,
    which is named once, by its first address. Permissions that a view picks at run time cannot
    be seen.
    """
    admins: set[Any] = set()
    for place in places():
        address, view = place.address, place.view
        if _mixin_of(view) is not None or hasattr(view, "face_policy"):
            yield address, view
        gates = chain.from_iterable(map(gates_in, permissions_of(view)))
        yield from ((address, ApiGate(view, gate)) for gate in gates)
        for admin in _admins_of(view) - admins:
            admins.add(admin)
            yield from ((address, door) for door in _doors_of(admin))


def misplaced_gates() -> Iterator[str]:
    """Yield the addresses of views of Django REST framework with `face_required` on a method."""
    for place in places():
        kind: Any = getattr(place.view, "cls", None)
        if is_rest_framework(kind) and any(map(_has_gated_method, kind.__mro__)):
            yield place.address


def admins() -> Iterator[tuple[str, Any]]:
    """Yield each admin of the site, and of a model, with the first address that it has."""
    seen: set[Any] = set()
    for place in places():
        found = _admins_of(place.view)
        yield from ((place.address, admin) for admin in found - seen)
        seen |= found


def places() -> Iterator[Place]:
    """Yield every address of the site, gated or not."""
    return _places(get_resolver().url_patterns, Place("/", None))


def policies_at(place: Place) -> list[Policy]:
    """Return what the gates ask for that every request to an address meets; there may be none.

    A gate of an API is among them unless another permission can take its place, by `|`; what
    guards one action of an admin is not. Raises what `policy_at` raises.
    """
    view = place.view
    gates = [gate for permission in permissions_of(view) for gate in sure_gates_in(permission)]
    found = [policy_at(ApiGate(view, gate)) for gate in gates]
    if _mixin_of(view) is not None or hasattr(view, "face_policy"):
        found.append(policy_at(view))
    admins = _admins_of(view)
    admins |= {admin.admin_site for admin in admins if hasattr(admin, "admin_site")}
    return [*found, *(admin.face_policy for admin in admins if hasattr(admin, "face_policy"))]


def policy_at(view: View) -> Policy:
    """Return what the gate of a gated view asks for.

    Raises `ValueError` or `TypeError` for attributes given to `as_view()` that make no gate.
    """
    gated = _mixin_of(view)
    if gated is None:
        found: Policy = view.face_policy
        return found
    return policy_of(_bare(gated, view))


def _bare(kind: type[Any], view: Any) -> Any:
    """Return what as_view() makes; a check must not run the site's own __init__."""
    bare = object.__new__(kind)
    given = "view_initkwargs" if hasattr(view, "view_initkwargs") else "initkwargs"
    vars(bare).update(getattr(view, given))
    return bare


def permissions_of(view: Any) -> Iterable[Any]:
    """Return the permissions of a view of Django REST framework; none of another view."""
    listed = getattr(getattr(view, "cls", None), "permission_classes", ())
    permissions: Iterable[Any] = getattr(view, "initkwargs", {}).get("permission_classes", listed)
    return permissions


def gates_in(permission: Any) -> Iterator[Any]:
    """Yield the gates that a permission is, or combines by `&`, `|` and `~`."""
    if hasattr(permission, "policy_of"):
        yield permission
    for name in ("op1_class", "op2_class"):
        if hasattr(permission, name):
            yield from gates_in(getattr(permission, name))


def sure_gates_in(permission: Any) -> list[Any]:
    """Return the gates that whoever has a permission has passed."""
    if hasattr(permission, "policy_of"):
        return [permission]
    operator = getattr(getattr(permission, "operator_class", None), "__name__", "")
    if operator not in {"AND", "OR"}:
        return []
    one, other = map(sure_gates_in, (permission.op1_class, permission.op2_class))
    return one + other if operator == "AND" or (one and other) else []


def _places(patterns: Iterable[URLPattern | URLResolver], within: Place) -> Iterator[Place]:
    for pattern in patterns:
        here = replace(within, address=within.address + str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            yield from _places(pattern.url_patterns, _inside(pattern, here))
        else:
            name, kind = (before + (pattern.name or "") for before in (here.name, here.kind))
            yield Place(here.address, _called(pattern.callback), name, kind)


def _called(view: View) -> View:
    """Return the view that is called in the end, whatever arguments a partial adds."""
    while isinstance(view, partial):
        view = view.func
    return view


def _inside(resolver: URLResolver, here: Place) -> Place:
    """Return the place of what a resolver includes: its names so far are namespaces."""
    if not resolver.namespace:
        return here
    kind = f"{here.kind}{resolver.app_name or resolver.namespace}:"
    return replace(here, name=f"{here.name}{resolver.namespace}:", kind=kind)


def _admins_of(view: View) -> set[Any]:
    """Return the admin, of a site or of a model, whose page a view is; Django notes it there."""
    noted = (getattr(view, name, None) for name in ("admin_site", "model_admin"))
    return {admin for admin in noted if admin is not None}


def _doors_of(admin: Any) -> Iterator[View]:
    doors = [admin, *(_action(admin, one) for one in getattr(admin, "actions", None) or ())]
    yield from (door for door in doors if hasattr(door, "face_policy"))


def _action(admin: Any, listed: Any) -> Any:
    """Return the function of an action, as models list them, and as sites do."""
    if isinstance(listed, tuple):
        return listed[1]
    return getattr(admin, listed, None) if isinstance(listed, str) else listed


def _has_gated_method(kind: type) -> bool:
    return any(isfunction(it) and hasattr(it, "face_policy") for it in vars(kind).values())


def _mixin_of(view: View) -> type[FaceRequiredMixin] | None:
    view_class = getattr(view, "view_class", None)
    if isinstance(view_class, type) and issubclass(view_class, FaceRequiredMixin):
        return view_class
    return None
