"""Find the gates of a site in its URLconf."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from inspect import isfunction
from itertools import chain
from typing import Any, NamedTuple

from django.urls import URLPattern, URLResolver, get_resolver

from django_faceauth.gate.locked_user import is_rest_framework
from django_faceauth.gate.mixins import FaceRequiredMixin, policy_of
from django_faceauth.gate.policy import Policy

View = Any


class Place(NamedTuple):
    """A URL pattern of the site and its view.

    `name` is the URL name with its namespaces, `kind` the same with the names of the apps:
    `bank:payout` may be of the kind `payments:payout`. A pattern without a name has the
    namespaces alone.
    """

    address: str
    view: View
    name: str = ""
    kind: str = ""


class ApiGate:
    """A permission of an API view that is a gate."""

    def __init__(self, view: Any, permission: Any) -> None:
        self.__wrapped__ = view
        self.permission = permission

    @property
    def face_policy(self) -> Policy:
        """What the gate asks for; raises `ValueError` or `TypeError` if it is malformed."""
        found: Policy = self.permission.policy_of(_bare(self.__wrapped__.cls, self.__wrapped__))
        return found


def gated_views() -> Iterator[tuple[str, View]]:
    """Yield each gated URL pattern of the site, with what has the gate.

    That is a view, each permission of an API view that is a gate, an admin action, or an
    admin, which comes once, with its first pattern. Permissions that a view chooses at run
    time are not found.
    """
    for place in places():
        address, view = place.address, place.view
        if _mixin_of(view) is not None or hasattr(view, "face_policy"):
            yield address, view
        gates = chain.from_iterable(map(gates_in, permissions_of(view)))
        yield from ((address, ApiGate(view, gate)) for gate in gates)
    for address, admin in admins():
        listed = getattr(admin, "actions", None) or ()
        gated = [admin, *(_action(admin, action) for action in listed)]
        yield from ((address, found) for found in gated if hasattr(found, "face_policy"))


def misplaced_gates() -> Iterator[str]:
    """Yield the URLs of views of Django REST framework with `face_required` on a method."""
    for place in places():
        kind: Any = getattr(place.view, "cls", None)
        if is_rest_framework(kind):
            methods = (method for base in kind.__mro__ for method in vars(base).values())
            if any(isfunction(method) and hasattr(method, "face_policy") for method in methods):
                yield place.address


def admins() -> Iterator[tuple[str, Any]]:
    """Yield each admin, of the site and of a model, with its first URL."""
    seen: set[Any] = set()
    for place in places():
        found = _admins_of(place.view)
        yield from ((place.address, admin) for admin in found - seen)
        seen |= found


def is_gated_admin(admin: Any) -> bool:
    """Return whether an admin has a gate, its own or that of its site."""
    site = getattr(admin, "admin_site", None)
    return hasattr(admin, "face_policy") or hasattr(site, "face_policy")


def places() -> Iterator[Place]:
    """Yield every URL of the site, gated or not."""
    return _places(get_resolver().url_patterns, Place("/", None))


def policies_at(place: Place) -> list[Policy]:
    """Return what the gates ask for that every request to a URL has to pass.

    A permission of an API view is left out if another can take its place by `|`, and so is
    the gate of an admin action. Raises what `policy_at` raises.
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
    """Return a view as as_view() makes it, without running the site's __init__ in a check."""
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
    """Yield the gates in a permission, also in its operands of `&`, `|` and `~`."""
    if hasattr(permission, "policy_of"):
        yield permission
    for name in ("op1_class", "op2_class"):
        if hasattr(permission, name):
            yield from gates_in(getattr(permission, name))


def sure_gates_in(permission: Any) -> list[Any]:
    """Return the gates that every user with a permission has passed."""
    if hasattr(permission, "policy_of"):
        return [permission]
    operator = getattr(getattr(permission, "operator_class", None), "__name__", "")
    if operator not in {"AND", "OR"}:
        return []
    one, other = map(sure_gates_in, (permission.op1_class, permission.op2_class))
    return one + other if operator == "AND" or (one and other) else []


def _places(patterns: Iterable[URLPattern | URLResolver], within: Place) -> Iterator[Place]:
    for pattern in patterns:
        here = within._replace(address=within.address + str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            if pattern.namespace:
                name = f"{here.name}{pattern.namespace}:"
                kind = f"{here.kind}{pattern.app_name or pattern.namespace}:"
                here = here._replace(name=name, kind=kind)
            yield from _places(pattern.url_patterns, here)
        else:
            view, name = pattern.callback, pattern.name or ""
            while isinstance(view, partial):
                view = view.func
            yield Place(here.address, view, here.name + name, here.kind + name)


def _admins_of(view: View) -> set[Any]:
    """Return the admin, of a site or of a model, that Django notes on a view of it."""
    noted = (getattr(view, name, None) for name in ("admin_site", "model_admin"))
    return {admin for admin in noted if admin is not None}


def _action(admin: Any, listed: Any) -> Any:
    """Return the function of an admin action, as models or sites list it."""
    if isinstance(listed, tuple):
        return listed[1]
    return getattr(admin, listed, None) if isinstance(listed, str) else listed


def _mixin_of(view: View) -> type[FaceRequiredMixin] | None:
    view_class = getattr(view, "view_class", None)
    if isinstance(view_class, type) and issubclass(view_class, FaceRequiredMixin):
        return view_class
    return None
