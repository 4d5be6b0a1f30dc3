"""The gate as a permission of Django REST framework.

A permission can only allow or deny. The rest of the state of a gate is kept on the view object,
which Django REST framework creates for each request: an answer of its own in place of the 403,
the transaction that the grant and the work share, and the decisions so far.

`rest_framework.views` may be half imported when this is: by the time that it reads
DEFAULT_PERMISSION_CLASSES, which may name ours.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property, partial
from http import HTTPStatus
from typing import Any, Final, NoReturn, cast

from asgiref.sync import iscoroutinefunction
from django.utils import timezone
from rest_framework import permissions, views
from rest_framework.request import Request

from django_faceauth.api.credentials import recognise
from django_faceauth.api.exceptions import FaceRefused, refuse
from django_faceauth.gate.decision import (
    Allow,
    Challenge,
    Decision,
    Deny,
    Face,
    Reason,
    apply,
    evaluate,
    load,
    receive_body,
    record,
)
from django_faceauth.gate.decorators import carry_async, run_gated, run_gated_async
from django_faceauth.gate.locked_user import keep_user
from django_faceauth.gate.policy import Bind, Policy, When, described_by, policy
from django_faceauth.gate.responses import not_reused
from django_faceauth.gate.view_methods import answered_by_framework
from django_faceauth.models import database
from django_faceauth.services.grants import face_cookie

__all__ = ["FaceRequest", "FaceRequired", "OptionalFaceRequest", "require_face"]

#: The attribute of a view object with the state of its gates.
GATE_STATE: Final = "_faceauth_gate_state"

#: The method of a view that answers what no other method does.
NOT_ALLOWED: Final = "http_method_not_allowed"

#: Permissions that every user who passes a gate has anyway.
IMPLIED: Final = (
    permissions.AllowAny,
    permissions.IsAuthenticated,
    permissions.IsAuthenticatedOrReadOnly,
)


class FaceRequest(Request):
    """The type of a request behind a gate, for annotations."""

    face: Face


class OptionalFaceRequest(Request):
    """The type of a request behind a gate with `when`: without a face, if none was required."""

    face: Face | None


class _Combines(type(permissions.BasePermission)):  # type: ignore[misc]
    """Refuses combinations of a gate that let a logged-in user through without a face."""

    def __or__(cls, other: Any) -> Any:
        return super().__or__(_stricter(other))

    def __ror__(cls, other: Any) -> Any:
        return super().__ror__(_stricter(other))


class FaceRequired(permissions.BasePermission, metaclass=_Combines):
    """Lets a request through only on a recent approved face of its own user.

    Configured by attributes of the view: `face_action`, `face_max_age`, `face_methods`,
    `face_single_use`, `face_accept`, `face_network`, and the methods `get_face_binding()` and
    `face_when()`, each like the argument of `require_face`. Raises what `policy()` raises for
    invalid attributes.
    """

    face_policy: Policy | None = None

    @classmethod
    def policy_of(cls, view: Any) -> Policy:
        """Return what is asked for on `view`, which is a view or its class."""
        if cls.face_policy is not None:
            return cls.face_policy
        binds = hasattr(view, "get_face_binding")
        has_condition = getattr(view, "face_when", None) is not None
        return described_by(
            view,
            bind=_binding_of if binds else None,
            when=_condition_of if has_condition else None,
        )

    def has_permission(self, request: Request, view: views.APIView) -> bool:
        # drf-spectacular only describes the view; a class attribute must not open the gate.
        if "swagger_fake_view" in vars(view):
            return True
        state, asked = _GateState.of(view), self.policy_of(view)
        if request.method in {"HEAD", "OPTIONS"}:  # which Django may answer by itself
            asked = asked._replace(spared=state.spared)
        if state.stands_aside or not _is_asked_for(request, view, asked):
            return True
        return isinstance(state.decide(request, asked), Allow)


def require_face(
    *,
    action: str = "",
    max_age: float | timedelta | None = None,
    methods: Iterable[str] | None = None,
    bind: Bind | None = None,
    single_use: bool = False,
    when: When | None = None,
    accept: Iterable[str] | None = None,
    network: str | None = None,
) -> type[FaceRequired]:
    """Return a permission class that requires a recent approved face of the request's own user.

    The arguments are those of `face_required`, but that `bind` and `when` are called with the
    request and the view: `bind=lambda request, view: {"amount": view.get_object().amount}`. Its
    place among other permission classes does not matter, alone or with `&` and `|`: users whom
    they deny are denied as if there were no gate. OPTIONS needs a face only where `methods`
    names it or the view answers it itself.

    A gate with `bind` or `single_use` and the method of the view share one transaction: when
    the method raises, the face has not been used up. Raises `ValueError` or `TypeError` where
    the gate is written if it could never open or would guard nothing.
    """
    asked = policy(
        action=action,
        max_age=max_age,
        methods=methods,
        bind=bind,
        single_use=single_use,
        when=when,
        accept=accept,
        network=network,
    )
    return type("FaceRequired", (FaceRequired,), {"face_policy": asked})


def _stricter(other: Any) -> Any:
    if other in IMPLIED:
        raise TypeError(
            f"{other.__name__} | the gate would ask no logged-in user for a face: combine "
            "them by & or a comma"
        )
    return other


class _GateState:
    """The state of the gates of one view object, for its one request."""

    def __init__(self, view: views.APIView) -> None:
        self.view = view
        self.stands_aside = False
        self.decisions: dict[Policy, Decision] = {}
        self.refused: tuple[Policy, Challenge | Deny] | None = None
        self.unused: set[Policy] = set()
        self.denied = view.permission_denied
        self.handler = view.get_exception_handler
        self.finalize = view.finalize_response
        vars(view).update(
            permission_denied=self.permission_denied,
            get_exception_handler=self.get_exception_handler,
            finalize_response=self.finalize_response,
        )

    @cached_property
    def spared(self) -> frozenset[str]:
        """What Django answers by itself; read before anything of the view is replaced."""
        return answered_by_framework(self.view)

    @classmethod
    def of(cls, view: views.APIView) -> _GateState:
        """Return the one state of a view object."""
        if GATE_STATE not in vars(view):
            vars(view)[GATE_STATE] = cls(view)
        return cast(_GateState, vars(view)[GATE_STATE])

    def decide(self, request: Request, asked: Policy) -> Decision:
        """Decide once, however often a combination of permissions asks."""
        if asked in self.decisions:
            return self.decisions[asked]
        recognise(request)
        keep_user(request)
        bound = asked.bound_to(request, self.view).resolved()
        receive_body(request._request)
        with self.aside(), bound.transaction():
            facts = load(request, bound)
            decision = self.decisions[asked] = evaluate(facts, bound)
            if not isinstance(decision, Allow):
                # Of several gates, the first that asks for a face is answered.
                if self.refused is None or isinstance(self.refused[1], Deny):
                    self.refused = bound, decision
            elif _is_a_look(request):
                pass
            elif bound.is_single_use:
                self._guard(request, bound)  # used up there, where the work is done
            else:
                passed = cast(Allow, apply(request, bound, decision, facts.now))
                cast(Any, request).face = passed.face
                self._carry(request)
        return decision

    def _guard(self, request: Request, bound: Policy) -> None:
        """Put the gate right before the method of the view, in one transaction with it."""
        name = _handler_of(request, self.view)
        handler = getattr(self.view, name)

        def guarded(request: Request, *args: Any, **kwargs: Any) -> Any:
            self.unused.discard(bound)
            return run_gated(request, bound, partial(handler, request, *args, **kwargs), refuse)

        async def guarded_async(request: Request, *args: Any, **kwargs: Any) -> Any:
            self.unused.discard(bound)
            call = partial(handler, request, *args, **kwargs)
            return await run_gated_async(request, bound, call, refuse)

        vars(self.view)[name] = guarded_async if iscoroutinefunction(handler) else guarded
        self.unused.add(bound)

    def _carry(self, request: Request) -> None:
        """Have an async method set the new cookie: its view ends in the event loop."""
        if not face_cookie.has_seen(request):
            return
        name = _handler_of(request, self.view)
        handler = getattr(self.view, name)

        async def carried(request: Request, *args: Any, **kwargs: Any) -> Any:
            return await carry_async(request, await handler(request, *args, **kwargs))

        if iscoroutinefunction(handler):
            vars(self.view)[name] = carried

    def permission_denied(
        self, request: Request, message: str | None = None, code: str | None = None
    ) -> NoReturn:
        """Ask for the face if that would help, and deny as if there were no gate if not."""
        if self.stands_aside or self.refused is None or _is_a_look(request):
            self.denied(request, message=message, code=code)
        bound, decision = self.refused
        if decision.reason is Reason.ANONYMOUS:
            record(bound, decision)
            self.denied(request, message=message, code=code)
        self._deny_without_gate(request)
        now = timezone.now()
        apply(request, bound, decision, now)
        raise FaceRefused(refuse(request, bound, decision, now))

    def _deny_without_gate(self, request: Request) -> None:
        """Raise what would be said if there were no gate, if it is a denial."""
        view: Any = self.view
        with self.aside(), database.shared():  # a view may lock what it looks up
            view.check_permissions(request)
            # An object has permissions of its own.
            if hasattr(view, "get_object") and not iscoroutinefunction(view.get_object):
                name = getattr(view, "lookup_url_kwarg", None)
                if (name or getattr(view, "lookup_field", None)) in view.kwargs:
                    view.get_object()

    def get_exception_handler(self) -> Callable[..., Any]:
        """Return the handler of the site, but that refusals of the gate are answered by it."""
        handler = self.handler()

        def answer(error: Exception, context: dict[str, Any]) -> Any:
            if isinstance(error, FaceRefused):
                return error.response
            return handler(error, context)

        return answer

    def finalize_response(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        """Keep what a gate has let through out of caches.

        Every answer passes here, also that to an error. Raises `RuntimeError` if the view has
        worked on a face that was to be used up, and is not.
        """
        response = self.finalize(request, *args, **kwargs)
        if self.unused and response.status_code < HTTPStatus.BAD_REQUEST:
            raise RuntimeError(
                "a gate of single use was asked by has_permission() in the view itself, too late "
                "to use the face up: name it in permission_classes"
            )
        try:
            asyncio.get_running_loop()  # in which the database cannot be asked
        except RuntimeError:
            face_cookie.carry(request, response)
        is_open = any(isinstance(decision, Allow) for decision in self.decisions.values())
        return not_reused(request, response) if is_open else response

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Let everything pass: `bind` looks up what has permissions of its own."""
        before, self.stands_aside = self.stands_aside, True
        try:
            yield
        finally:
            self.stands_aside = before


def _is_asked_for(request: Request, view: views.APIView, asked: Policy) -> bool:
    """Tell whether a request is one that the gate guards."""
    method = str(request.method)
    if method == "OPTIONS" and asked.methods is None:
        return "OPTIONS" not in asked.spared
    if not asked.covers(method):
        return False
    # No face is needed to be told that there is no such method.
    refuses = vars(views.APIView)[NOT_ALLOWED]
    is_answered = _handler_of(request, view) != NOT_ALLOWED
    return is_answered or getattr(type(view), NOT_ALLOWED) is not refuses


def _handler_of(request: Request, view: views.APIView) -> str:
    """Return the name of the method of a view that Django REST framework calls."""
    name = str(request.method).lower()
    return name if name in view.http_method_names and hasattr(view, name) else NOT_ALLOWED


def _is_a_look(request: Request) -> bool:
    """Tell whether Django REST framework only asks what it may offer.

    It does so with a copy of the request that has another method.
    """
    return bool(request.method != request._request.method)


def _binding_of(_request: Request, view: Any) -> Mapping[str, Any]:
    binding: Mapping[str, Any] = view.get_face_binding()
    return binding


def _condition_of(_request: Request, view: Any) -> Any:
    return view.face_when()
