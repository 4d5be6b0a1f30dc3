"""`@face_required`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from datetime import datetime, timedelta
from functools import partial, wraps
from typing import Any, TypeVar, cast, overload

from asgiref.sync import async_to_sync, iscoroutinefunction, sync_to_async
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from django_faceauth.gate.decision import (
    Allow,
    Challenge,
    Deny,
    authorize,
    receive_body,
)
from django_faceauth.gate.locked_user import keep_user, refuse_rest_framework
from django_faceauth.gate.policy import Bind, Policy, When, policy
from django_faceauth.gate.responses import not_reused, refuse
from django_faceauth.gate.unused import is_unused
from django_faceauth.gate.view_methods import class_behind
from django_faceauth.models import database
from django_faceauth.services.grants import face_cookie

logger = logging.getLogger(__name__)

View = TypeVar("View", bound=Callable[..., Any])
#: Returns the response to a refused request.
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
    when: When | None = None,
    accept: Iterable[str] | None = None,
    network: str | None = None,
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
    when: When | None = None,
    accept: Iterable[str] | None = None,
    network: str | None = None,
) -> View | Callable[[View], View]:
    """Let a request through only on a recent approved face of its own user.

    `max_age` is seconds or a `timedelta` (default `FACEAUTH_MAX_AGE`), counted from when
    the face was shown. `action` names the purpose: a face shown for one action opens no
    other. Raises `ValueError` or `TypeError` where the gate is written if it could never open
    or would guard nothing, and `TypeError` for a view of Django REST framework, which takes
    `require_face`.

    `methods` says what the gate is for. Where it names one that changes something, such as
    POST, only GET stays open, unless that is named too: every other verb, known or not, is
    guarded, since the view may treat it as a POST. On a class-based view HEAD and OPTIONS stay
    open too, unless the class answers them itself. Where it names GET alone, HEAD and all
    other verbs are guarded too, and POST, PUT, PATCH and DELETE stay open.

    `bind`, called with the arguments of the view, returns what is being approved, made from
    the site's own data: a mapping of names to values. The user is shown it before the face
    is asked for, and the face counts for exactly this, once. `single_use` makes a face count
    once without that. The grant is used up in one transaction with what the view does: when
    the view raises, or answers with 400 to 499 or what `unused` has marked, neither has
    happened. `keep` names form fields that a refused POST keeps until the user, after the
    face, presses the button again.

    `when`, called as `bind` is and before it, says whether this request needs a face: False lets
    it through with `request.face` None, any other value and any error ask. It runs in the
    transaction of the view if there is one, maybe more than once, and may be a coroutine function
    in front of an async view. `accept` names the methods that count, `"face"` among them, by
    default `FACEAUTH_SECOND_WAYS` and `FACEAUTH_FALLBACK` too; exemptions always count. `network`
    is `"ignore"`, `"flag"` or `"deny"`, by default `FACEAUTH_NETWORK_POLICY`: what follows when
    the face was captured in another network than that of the session.

    The view finds `request.face`, on the methods that the gate covers. Works on sync and
    async views, with or without parentheses; put it below decorators that check who the
    user is.
    """
    declared = policy(
        action=action,
        max_age=max_age,
        methods=methods,
        bind=bind,
        single_use=single_use,
        keep=keep,
        when=when,
        accept=accept,
        network=network,
    )

    def decorate(view: View) -> View:
        refuse_rest_framework(view, "face_required")
        if isinstance(view, type):
            raise TypeError(
                "face_required does not work on a class: use FaceRequiredMixin, or "
                'method_decorator(face_required, name="dispatch")'
            )
        gate_policy = declared.on(view)
        # The dispatch() of an async class is awaited although it is no coroutine function.
        is_async = iscoroutinefunction(view) or getattr(class_behind(view), "view_is_async", False)

        def gated(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            refuse_rest_framework(request, "face_required")
            run = run_gated_async if is_async else run_gated
            bound = gate_policy.bound_to(request, *args, **kwargs)
            return run(request, bound, partial(view, request, *args, **kwargs))

        async def gated_async(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            return await gated(request, *args, **kwargs)

        decorated: Any = wraps(view)(gated_async if is_async else gated)
        decorated.face_policy = gate_policy
        return cast(View, decorated)

    return decorate if view is None else decorate(view)


def run_gated(
    request: HttpRequest, gate_policy: Policy, view: Callable[[], Any], refuse: Refuse = refuse
) -> Any:
    """Return the response of a view, called without arguments, or the refusal of its gate."""
    if not gate_policy.covers(request.method):
        return view()
    gate_policy = gate_policy.resolved()
    receive_body(request)  # before there is a transaction, which a slow client would hold
    keep_user(request)
    has_begun = False

    def in_transaction() -> Any:
        nonlocal has_begun
        with gate_policy.transaction():
            decision = authorize(request, gate_policy)
            if not isinstance(decision, Allow):
                return decision
            cast(Any, request).face = decision.face
            has_begun = True
            answer = view()
            if gate_policy.is_single_use and is_unused(answer):
                database.roll_back()  # gives the face back, with all that was written
            return answer

    try:
        answer = in_transaction()
    except DatabaseError as error:
        # The decision may be made once more, the work of a view may not.
        if has_begun or not database.may_repeat(error):
            raise
        answer = in_transaction()
    if isinstance(answer, Challenge | Deny):
        # After the transaction: on MariaDB three refused requests of one session would lock
        # each other out of the row of their challenge.
        answer = refuse(request, gate_policy, answer, timezone.now())
    return not_reused(request, face_cookie.carry(request, answer))


async def run_gated_async(
    request: HttpRequest,
    gate_policy: Policy,
    view: Callable[[], Awaitable[Any]],
    refuse: Refuse = refuse,
) -> Any:
    """Return the response of an async view, called without arguments, or the refusal."""
    if not gate_policy.covers(request.method):
        return await view()
    if not gate_policy.is_single_use:
        # A gate in front of nothing returns the refusal, or None.
        answer = await sync_to_async(run_gated)(request, gate_policy, lambda: None, refuse)
        if answer is None:
            answer = await view()
        return not_reused(request, await carry_async(request, answer))

    async def awaited() -> Any:
        return await view()

    # A transaction belongs to a thread. Queries that the view makes from its event loop
    # come back to this one, and so are part of it.
    return await _to_its_end(
        sync_to_async(run_gated)(request, gate_policy, async_to_sync(awaited), refuse)
    )


async def carry_async(request: HttpRequest, answer: Any) -> Any:
    """Call `face_cookie.carry` from an event loop."""
    if face_cookie.has_seen(request):
        answer = await sync_to_async(face_cookie.carry)(request, answer)
    return answer


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
