"""Finds the gates of a site, by walking its addresses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from django_faceauth.gate.mixins import FaceRequiredMixin, policy_of
from django_faceauth.gate.policy import Policy

View = Any


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
    for address, view in _addresses(get_resolver().url_patterns):
        if _mixin_of(view) is not None or hasattr(view, "face_policy"):
            yield address, view
        yield from ((address, ApiGate(view, permission)) for permission in _permissions_of(view))
        for admin in _admins_of(view) - admins:
            admins.add(admin)
            yield from ((address, door) for door in _doors_of(admin))


def admins() -> Iterator[tuple[str, Any]]:
    """Yield each admin of the site, and of a model, with the first address that it has."""
    seen: set[Any] = set()
    for address, view in _addresses(get_resolver().url_patterns):
        yield from ((address, admin) for admin in _admins_of(view) - seen)
        seen |= _admins_of(view)


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


def _permissions_of(view: Any) -> Iterator[Any]:
    """Yield the gates among the permissions of a view of Django REST framework, if it is one."""
    listed = getattr(getattr(view, "cls", None), "permission_classes", ())
    for permission in getattr(view, "initkwargs", {}).get("permission_classes", listed):
        yield from _gates_in(permission)


def _gates_in(permission: Any) -> Iterator[Any]:
    """Yield the gates that a permission is, or combines by `&`, `|` and `~`."""
    if hasattr(permission, "policy_of"):
        yield permission
    for name in ("op1_class", "op2_class"):
        if hasattr(permission, name):
            yield from _gates_in(getattr(permission, name))


def _addresses(
    patterns: Iterable[URLPattern | URLResolver], prefix: str = "/"
) -> Iterator[tuple[str, View]]:
    for pattern in patterns:
        address = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _addresses(pattern.url_patterns, address)
        else:
            yield address, pattern.callback


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


def _mixin_of(view: View) -> type[FaceRequiredMixin] | None:
    view_class = getattr(view, "view_class", None)
    if isinstance(view_class, type) and issubclass(view_class, FaceRequiredMixin):
        return view_class
    return None
