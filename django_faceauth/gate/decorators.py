"""`@face_required`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from datetime import datetime, timedelta
from functools import partial, wraps
from typing import Any, TypeVar, cast, overload

from asgiref.sync import async_to_sync, iscoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from django_faceauth.gate.caching import not_reused
from django_faceauth.gate.decision import (
    Allow,
    Challenge,
    Deny,
    FaceRequest,
    enter,
    receive_body,
)
from django_faceauth.gate.policy import Bind, Policy, policy
from django_faceauth.gate.refusals import refuse
from django_faceauth.gate.same_user import keep_user, refuse_rest_framework

logger = logging.getLogger(__name__)

View = TypeVar("View", bound=Callable[..., Any])
#: Answers a request that may not pass.
Refuse = Callable[[HttpRequest, Policy, Challenge | Deny, datetime], HttpResponseBase]


@overload
def face_required(view: View) -> View: ...


@overload
def face_required(
    *,
    action: str = "",
    max_age: float | timedelta | None = None,
    methods: Iterable[str] | None = None,
    bind: Bind | None = None,
    single_use: bool = False,
    keep: Iterable[str] | None = None,
) -> Callable[[View], View]: ...


def face_required(
    view: View | None = None,
    *,
    action: str = "",
    max_age: float | timedelta | None = None,
    methods: Iterable[str] | None = None,
    bind: Bind | None = None,
    single_use: bool = False,
    keep: Iterable[str] | None = None,
) -> View | Callable[[View], View]:
    """Let a request through only on a recent approved face of its own user.

    `max_age` is seconds or a `timedelta` (default `FACEAUTH_MAX_AGE`), counted from when
    the face was shown. `action` names the purpose: a face shown for one action opens no
    other. `methods` limits the gate to those HTTP methods. Raises `ValueError` or
    `TypeError` where the gate is written if it could never open or would guard nothing, and
    `TypeError` for a view of Django REST framework, which takes `require_face`.

    `bind`, called with the arguments of the view, returns what is being approved, made from
    the site's own data: a mapping of names to values. The user is shown it before the face
    is asked for, and the face counts for exactly this, once. `single_use` makes a face count
    once without that. The grant is used up in one transaction with what the view does: when
    the view raises, neither has happened. `keep` names form fields that a refused POST keeps
    until the user, after the face, presses the button again.

    The view finds `request.face`, on the methods that the gate covers. Works on sync and
    async views, with or without parentheses; put it below decorators that check who the
    user is.
    """
    gate = _gate(
        policy(
            action=action,
            max_age=max_age,
            methods=methods,
            bind=bind,
            single_use=single_use,
            keep=keep,
        )
    )
    return gate if view is None else gate(view)


def admit(request: HttpRequest, asked: Policy, refuse: Refuse = refuse) -> HttpResponseBase | None:
    """Return the refusal of a request, or None after setting `request.face`.

    For a gate of single use, call it in `asked.transaction()`, together with the work.
    The time is taken when the body is there.
    """
    if not asked.covers(request.method):
        return None
    receive_body(request)
    keep_user(request)
    now = timezone.now()
    decision = enter(request, asked, now)
    if not isinstance(decision, Allow):
        return refuse(request, asked, decision, now)
    cast(FaceRequest, request).face = decision.face
    return None


def through(
    request: HttpRequest, asked: Policy, view: Callable[[], Any], refuse: Refuse = refuse
) -> Any:
    """Return the answer of a view, which takes no more arguments, or the gate's refusal."""
    if asked.covers(request.method):
        receive_body(request)  # before there is a transaction, which a slow client would hold
    with asked.transaction():
        refusal = admit(request, asked, refuse)
        answer = view() if refusal is None else refusal
    return not_reused(request, answer) if asked.covers(request.method) else answer


async def through_async(
    request: HttpRequest,
    asked: Policy,
    view: Callable[[], Awaitable[Any]],
    refuse: Refuse = refuse,
) -> Any:
    """Return the answer of an async view, which takes no more arguments, or the refusal."""
    if not asked.is_single_use:
        refusal = await sync_to_async(admit)(request, asked, refuse)
        answer = await view() if refusal is None else refusal
        return not_reused(request, answer) if asked.covers(request.method) else answer

    async def awaited() -> Any:
        return await view()

    # A transaction belongs to a thread. Queries that the view makes from its event loop
    # come back to this one, and so are part of it.
    return await _to_its_end(sync_to_async(through)(request, asked, async_to_sync(awaited), refuse))


async def _to_its_end(work: Coroutine[Any, Any, Any]) -> Any:
    """Await work that a cancellation must not interrupt.

    An ASGI server cancels a request when its client hangs up. If that ended the work, the
    use of the grant would be rolled back after the view has acted.
    """
    task = asyncio.ensure_future(work)
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        if task.exception() is not None:
            logger.error("a view failed after its client had gone", exc_info=task.exception())
        raise asyncio.CancelledError
    return task.result()


def _gate(asked: Policy) -> Callable[[View], View]:
    def decorate(view: View) -> View:
        refuse_rest_framework(view, "face_required")

        async def passed_async(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            refuse_rest_framework(request, "face_required")
            call = partial(view, request, *args, **kwargs)
            return await through_async(request, asked.bound_to(request, *args, **kwargs), call)

        def passed(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            refuse_rest_framework(request, "face_required")
            call = partial(view, request, *args, **kwargs)
            return through(request, asked.bound_to(request, *args, **kwargs), call)

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
