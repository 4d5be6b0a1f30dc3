"""Whether the addresses of a site that should be gated are."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from django_faceauth.gate.answers import answered_by
from django_faceauth.gate.discovery import Place, places, policies_at
from django_faceauth.gate.policy import Policy

#: Pages of every admin that nobody can be asked at, and the other pages of this package.
ALWAYS_OPEN: Final = (
    "admin:login",
    "admin:logout",
    "admin:jsi18n",
    "faceauth:*",
    "faceauth-api:*",
    "faceauth_simulator:*",
)
#: Nothing is done by these, or it is what GET does.
HARMLESS: Final = frozenset({"HEAD", "OPTIONS", "TRACE"})
FIX: Final = (
    "Put @face_required on the view, FaceRequiredMixin in front of a class-based view, "
    "require_face() among permission_classes, or make the admin one that asks for a face. "
    "If it is meant to be so, name the address in except_, or the guarded methods in methods."
)


@dataclass(frozen=True, slots=True)
class Ungated:
    """An address that lets people in without a face, and how."""

    place: Place
    problem: str

    def __str__(self) -> str:
        named = ", ".join(filter(None, (self.place.name, _path_of(self.place.view))))
        return f"{self.place.address} ({named}): {self.problem}"


def assert_gated(
    *patterns: str,
    methods: Iterable[str] | None = None,
    action: str | None = None,
    except_: Iterable[str] = (),
) -> None:
    """Fail unless a gate stands in front of every address that one of `patterns` names.

    A pattern that begins with a slash is the beginning of addresses, others are URL names with
    their namespaces; both may have `*`: `"payouts:*"`, `"/payouts/"`, `"admin:*"`. `methods`
    are those that must be guarded, by default all that the view answers; `action` is what the
    gate must ask for. `except_` are patterns of addresses that may be open. Raises
    `AssertionError`, also for a pattern that names nothing.
    """
    wrong = ungated(*patterns, methods=methods, action=action, except_=except_)
    if wrong:
        listed = "".join(f"\n  {one}" for one in wrong)
        raise AssertionError(f"Without a face, people get in at:{listed}\n{FIX}")


def ungated(
    *patterns: str,
    methods: Iterable[str] | None = None,
    action: str | None = None,
    except_: Iterable[str] = (),
) -> list[Ungated]:
    """Return the addresses for which `assert_gated` fails; the arguments are the same.

    Raises `AssertionError` for a pattern that names nothing.
    """
    needed = None if methods is None else frozenset(method.upper() for method in methods)
    excused = {place.address for place in gateable(*except_)} if except_ else set()
    chosen = (place for place in gateable(*patterns) if place.address not in excused)
    found = ((place, _problem(place, needed, action)) for place in chosen)
    return [Ungated(place, problem) for place, problem in found if problem]


def gateable(*patterns: str) -> list[Place]:
    """Return the addresses that `patterns` name, without those that nobody can be asked at.

    Raises `AssertionError` for a pattern that names none.
    """
    everywhere = [place for place in places() if not _is_named(place, *ALWAYS_OPEN)]
    for pattern in patterns:
        if not any(_is_named(place, pattern) for place in everywhere):
            raise AssertionError(
                f"{pattern!r} names no address of this site that can have a gate. An address "
                "begins with a slash, a URL name has its namespaces in front of it."
            )
    return [place for place in everywhere if _is_named(place, *patterns)]


def _is_named(place: Place, *patterns: str) -> bool:
    # What re_path() was given is matched without its anchors.
    address = place.address.replace("^", "").replace("$", "").replace("\\Z", "")
    return any(
        fnmatchcase(address, f"{pattern}*")
        if pattern.startswith("/")
        else any(fnmatchcase(name, pattern) for name in (place.name, place.kind))
        for pattern in patterns
    )


def _problem(place: Place, needed: frozenset[str] | None, action: str | None) -> str:
    try:
        policies = policies_at(place)
    except (TypeError, ValueError) as error:
        return f"its gate cannot work, {error}"
    answered = answered_by(place.view)
    if needed is not None and answered is not None and not needed & answered:
        return ""
    if not policies:
        return "there is no gate that everybody meets"
    asked = [policy for policy in policies if action in {None, policy.action}]
    if not asked:
        return f"the gate asks for {policies[0].action!r}, not for {action!r}"
    guarded = _guarded(asked)
    if guarded is None:
        return ""
    if needed is None and answered is None:
        return f"the gate is for {_listed(guarded)} only"
    left = _required(needed, answered) - guarded - HARMLESS
    return f"the gate leaves {_listed(left)} open" if left else ""


def _guarded(policies: list[Policy]) -> frozenset[str] | None:
    """Return the methods that any of the gates guards; None is all."""
    guarded: frozenset[str] = frozenset()
    for policy in policies:
        if policy.methods is None:
            return None
        guarded |= policy.methods
    return guarded


def _required(needed: frozenset[str] | None, answered: frozenset[str] | None) -> frozenset[str]:
    both = [methods for methods in (needed, answered) if methods is not None]
    return frozenset.intersection(*both)


def _listed(methods: frozenset[str]) -> str:
    return ", ".join(sorted(methods))


def _path_of(view: Any) -> str:
    """Return where somebody finds the view in the code."""
    named = getattr(view, "cls", None) or getattr(view, "view_class", None)
    if named is not None:
        return f"{named.__module__}.{named.__name__}"
    target = inspect.unwrap(view)
    return f"{target.__module__}.{getattr(target, '__qualname__', type(target).__qualname__)}"
