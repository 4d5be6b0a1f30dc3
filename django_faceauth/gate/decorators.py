"""`@face_required`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar, cast, overload

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from django_faceauth.gate.decision import Allow, FaceRequest, decide
from django_faceauth.gate.policy import Policy, policy
from django_faceauth.gate.refusals import refuse

View = TypeVar("View", bound=Callable[..., Any])


@overload
def face_required(view: View) -> View: ...


@overload
def face_required(
    *,
    action: str = "",
    max_age: float | timedelta | None = None,
    methods: Iterable[str] | None = None,
) -> Callable[[View], View]: ...


def face_required(
    view: View | None = None,
    *,
    action: str = "",
    max_age: float | timedelta | None = None,
    methods: Iterable[str] | None = None,
) -> View | Callable[[View], View]:
    """Let a request through only on a recent approved face of its own user.

    `max_age` is seconds or a `timedelta` (default `FACEAUTH_MAX_AGE`), counted from when
    the face was shown. `action` names the purpose: a face shown for one action opens no
    other. `methods` limits the gate to those HTTP methods. Raises `ValueError` or
    `TypeError` where the gate is written if it could never open or would guard nothing.

    The view finds `request.face`, on the methods that the gate covers. Works on sync and
    async views, with or without parentheses; put it below decorators that check who the
    user is.
    """
    gate = _gate(policy(action=action, max_age=max_age, methods=methods))
    return gate if view is None else gate(view)


def admit(request: HttpRequest, asked: Policy) -> HttpResponseBase | None:
    """Return the refusal of a request, or None after setting `request.face`."""
    if not asked.covers(request.method):
        return None
    now = timezone.now()
    decision = decide(request, asked, now)
    if not isinstance(decision, Allow):
        return refuse(request, asked, decision, now)
    cast(FaceRequest, request).face = decision.face
    return None


def _gate(asked: Policy) -> Callable[[View], View]:
    def decorate(view: View) -> View:
        async def passed_async(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            refusal = await sync_to_async(admit)(request, asked)
            return await view(request, *args, **kwargs) if refusal is None else refusal

        def passed(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            refusal = admit(request, asked)
            return view(request, *args, **kwargs) if refusal is None else refusal

        gated = wraps(view)(
            passed_async if iscoroutinefunction(view) or _is_async_dispatch(view) else passed
        )
        gated.face_policy = asked  # type: ignore[attr-defined]
        return cast(View, gated)

    return decorate


def _is_async_dispatch(view: Callable[..., Any] | None) -> bool:
    """Tell whether a view is the dispatch() of an async class-based view.

    Its result is awaited although it is no coroutine function; method_decorator() hands
    it over as a partial of the bound method.
    """
    while view is not None:
        owner = getattr(getattr(view, "func", None), "__self__", None)
        if getattr(owner, "view_is_async", False):
            return True
        view = getattr(view, "__wrapped__", None)
    return False
