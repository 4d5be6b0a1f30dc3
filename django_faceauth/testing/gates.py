"""Assertions on the gates of URLs."""

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

#: The login of admins, where no user can be asked yet, and the pages of this package.
ALWAYS_OPEN: Final = (
    *("admin:login", "admin:logout", "admin:jsi18n"),
    *("faceauth:*", "faceauth-api:*", "faceauth_simulator:*"),
)
#: These do nothing, or what GET does.
HARMLESS: Final = frozenset({"HEAD", "OPTIONS", "TRACE"})


@dataclass(frozen=True, slots=True)
class Ungated:
    """A URL that opens without a face, and how."""

    place: Place
    problem: str

    def __str__(self) -> str:
        view = self.place.view
        view_class = getattr(view, "cls", None) or getattr(view, "view_class", None)
        target = view_class or inspect.unwrap(view)
        name = getattr(target, "__qualname__", type(target).__qualname__)
        names = ", ".join(filter(None, (self.place.name, f"{target.__module__}.{name}")))
        return f"{self.place.address} ({names}): {self.problem}"


def assert_gated(
    *patterns: str,
    methods: Iterable[str] | None = None,
    action: str | None = None,
    except_: Iterable[str] = (),
) -> None:
    """Fail unless every URL that one of `patterns` names has a gate.

    A pattern with a leading slash is the beginning of a URL, others are URL names with their
    namespaces; both may have `*`: `"payouts:*"`, `"/payouts/"`, `"admin:*"`. `methods` must be
    guarded, by default all that the view answers; `action` is that of the gate. `except_` are
    patterns of URLs that may be open. Raises `AssertionError`, also for a pattern that names
    nothing.
    """
    wrong = ungated(*patterns, methods=methods, action=action, except_=except_)
    if wrong:
        lines = "".join(f"\n  {each}" for each in wrong)
        raise AssertionError(
            f"These URLs open without a face:{lines}\n"
            "Put @face_required on the view, FaceRequiredMixin in front of a class-based view, "
            "require_face() among permission_classes, or use an admin that asks for a face. If "
            "the URL may be open, name it in except_, or the guarded methods in methods."
        )


def assert_closed(
    client: Client,
    url: str,
    *,
    methods: Iterable[str] = ("GET", "POST", "PUT", "PATCH", "DELETE"),
    data: Any = None,
    headers: Mapping[str, str] | None = None,
    **request: Any,
) -> None:
    """Fail unless a URL asks for a face by every one of `methods` that it answers.

    Sends the requests, so that it also finds an operation of another framework, work in front
    of a gate, and a gate that is not called. `client` is logged in or has a token, and its user
    is enrolled. `data` is sent as JSON, or as `content_type` says. Raises `AssertionError`, also
    for a URL that answers none of `methods`.
    """
    request = {"content_type": "application/json", "headers": headers, **request}
    body = data if isinstance(data, str | bytes) else "" if data is None else json.dumps(data)
    names = [method.upper() for method in methods]
    responses = {name: client.generic(name, url, body, **request) for name in names}
    unknown = (HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED)
    answered = {
        name: response
        for name, response in responses.items()
        if response.status_code not in unknown
    }
    if not answered:
        raise AssertionError(f"{url} answers none of {', '.join(names)}.")
    lines = [
        f"\n  {name}: {response.status_code}"
        for name, response in answered.items()
        if not handle_of(response)
    ]
    if lines:
        raise AssertionError(
            f"{url} does not ask for a face by:{''.join(lines)}\n"
            "Put the gate below whatever registers the view, and before the view does anything. "
            "If the URL may be open, name the guarded methods in methods. A client without "
            "access, or whose user is not enrolled, is not asked for a face."
        )


def ungated(
    *patterns: str,
    methods: Iterable[str] | None = None,
    action: str | None = None,
    except_: Iterable[str] = (),
) -> list[Ungated]:
    """Return the URLs for which `assert_gated` fails; the arguments are the same."""
    needed = None if methods is None else frozenset(method.upper() for method in methods)
    excused = {place.address for place in _named(*except_)} if except_ else set()
    chosen = (place for place in _named(*patterns) if place.address not in excused)
    problems = ((place, _problem(place, needed, action)) for place in chosen)
    return [Ungated(place, problem) for place, problem in problems if problem]


def _named(*patterns: str) -> list[Place]:
    everywhere = [place for place in places() if not _is_named(place, *ALWAYS_OPEN)]
    for pattern in patterns:
        if not any(_is_named(place, pattern) for place in everywhere):
            raise AssertionError(
                f"{pattern!r} names no URL of this site that can have a gate. A URL begins "
                "with a slash, a URL name with its namespaces."
            )
    return [place for place in everywhere if _is_named(place, *patterns)]


def _is_named(place: Place, *patterns: str) -> bool:
    # The pattern of a re_path() is matched without its anchors.
    url = place.address.replace("^", "").replace("$", "").replace("\\Z", "")
    return any(
        fnmatchcase(url, f"{pattern}*")
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
        return "no gate stands in front of all requests"
    matching = [policy for policy in policies if action in {None, policy.action}]
    if not matching:
        return f"the gate asks for {policies[0].action!r}, not for {action!r}"
    left = frozenset.intersection(*(policy.left_open for policy in matching)) - HARMLESS
    for required in (needed, answered):
        left &= left if required is None else required
    return f"the gate leaves {', '.join(sorted(left))} open" if left else ""
