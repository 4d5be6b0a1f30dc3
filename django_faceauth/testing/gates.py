"""Whether the addresses of a site that should be gated are."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from http import HTTPStatus
from typing import Any, Final

from django.test import Client

from django_faceauth.gate.url_discovery import Place, places, policies_at
from django_faceauth.gate.view_methods import answered_by
from django_faceauth.testing.responses import handle_of

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


#: What a request may do work by.
EVERY_VERB: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
#: There is no such method here.
REFUSALS: Final = frozenset({HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED})
FIX_CLOSED: Final = (
    "Put the gate below whatever registers the view, and above all that works. If it is meant to "
    "be so, name the guarded methods in methods. A client that may not have this at all, or whose "
    "user is not enrolled, is not asked either."
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


def assert_closed(
    client: Client,
    url: str,
    *,
    methods: Iterable[str] = EVERY_VERB,
    data: Any = None,
    headers: Mapping[str, str] | None = None,
    **request: Any,
) -> None:
    """Fail unless an address asks for a face by every one of `methods` that it answers.

    Sends the requests, so that it also finds what no list of addresses shows: an operation of
    another framework, work in front of a gate, a gate that is not in the way. `client` is
    logged in or has a token, its user is enrolled and has shown no face. `data` goes as JSON,
    or as `content_type` says.

    Raises `AssertionError`, also for an address that answers none of `methods`.
    """
    request = {"content_type": "application/json", "headers": headers, **request}
    body = data if isinstance(data, str | bytes) else "" if data is None else json.dumps(data)
    answers = {
        method.upper(): client.generic(method.upper(), url, body, **request) for method in methods
    }
    answered = {name: one for name, one in answers.items() if one.status_code not in REFUSALS}
    if not answered:
        raise AssertionError(f"{url} answers none of {', '.join(answers)}.")
    wrong = [f"{name}: {one.status_code}" for name, one in answered.items() if not handle_of(one)]
    if wrong:
        listed = "".join(f"\n  {one}" for one in wrong)
        raise AssertionError(f"{url} does not ask for a face by:{listed}\n{FIX_CLOSED}")


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
    left = frozenset.intersection(*(policy.left_open for policy in asked)) - HARMLESS
    for required in (needed, answered):
        left &= left if required is None else required
    return f"the gate leaves {_listed(left)} open" if left else ""


def _listed(methods: frozenset[str]) -> str:
    return ", ".join(sorted(methods))


def _path_of(view: Any) -> str:
    """Return where somebody finds the view in the code."""
    named = getattr(view, "cls", None) or getattr(view, "view_class", None)
    if named is not None:
        return f"{named.__module__}.{named.__name__}"
    target = inspect.unwrap(view)
    return f"{target.__module__}.{getattr(target, '__qualname__', type(target).__qualname__)}"
