"""The gate as a permission of Django REST framework.

A permission can say yes or no. What the gate needs besides goes onto the view object, which
Django REST framework makes anew for each request: an answer of its own in place of the 403,
the transaction that the grant and the work share, and what it has decided already.

`rest_framework.views` may be half imported when this is: by the time that it reads
DEFAULT_PERMISSION_CLASSES, which may name ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from functools import partial
from typing import Any, Final, NoReturn, cast

from asgiref.sync import iscoroutinefunction
from django.db import transaction
from django.utils import timezone
from rest_framework import views
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from django_faceauth.api.credentials import recognise
from django_faceauth.api.errors import FaceRefused, refuse
from django_faceauth.gate.caching import not_reused
from django_faceauth.gate.decision import (
    Allow,
    Challenge,
    Decision,
    Deny,
    Face,
    Reason,
    conclude,
    decide,
    receive_body,
)
from django_faceauth.gate.decorators import through, through_async
from django_faceauth.gate.policy import Bind, Policy, described_by, policy
from django_faceauth.gate.same_user import keep_user

__all__ = ["FaceRequest", "FaceRequired", "require_face"]

#: Where a view object keeps its doorkeeper.
DOORKEEPER: Final = "_faceauth_doorkeeper"


class FaceRequest(Request):
    """The type of a request behind a gate, for annotations."""

    face: Face


class FaceRequired(BasePermission):
    """Lets a request through only on a recent approved face of its own user.

    What it asks for stands in the attributes of the view: `face_action`, `face_max_age`,
    `face_methods`, `face_single_use` and `get_face_binding()`, each as the argument of
    `require_face`. Raises what `policy()` raises for attributes that make no gate.
    """

    face_policy: Policy | None = None

    @classmethod
    def policy_of(cls, view: Any) -> Policy:
        """Return what is asked for on `view`, which is a view or its class."""
        if cls.face_policy is not None:
            return cls.face_policy
        binds = hasattr(view, "get_face_binding")
        return described_by(view, bind=_binding_of if binds else None)

    def has_permission(self, request: Request, view: views.APIView) -> bool:
        """Tell whether the gate lets the request through."""
        asked = self.policy_of(view)
        doorkeeper = _Doorkeeper.of(view)
        if doorkeeper.stands_aside or not _is_asked_for(request, view, asked):
            return True
        return isinstance(doorkeeper.decide(request, asked), Allow)


def require_face(
    *,
    action: str = "",
    max_age: float | timedelta | None = None,
    methods: Iterable[str] | None = None,
    bind: Bind | None = None,
    single_use: bool = False,
) -> type[FaceRequired]:
    """Return a permission class that wants a recent approved face of the request's own user.

    The arguments are those of `face_required`, but that `bind` is called with the request and
    the view: `bind=lambda request, view: {"amount": view.get_object().amount}`. Its place
    among other permission classes is of no matter, alone or with `&` and `|`: whoever they
    would turn away is turned away as if there were no gate (G-08). OPTIONS, which describes an
    address, is asked for a face only where `methods` names it.

    A gate with `bind` or `single_use` and the method of the view share one transaction: when
    the method raises, the face has not been used up. Raises `ValueError` or `TypeError` where
    the gate is written if it could never open or would guard nothing.
    """
    asked = policy(
        action=action, max_age=max_age, methods=methods, bind=bind, single_use=single_use
    )
    return type("FaceRequired", (FaceRequired,), {"face_policy": asked})


def unasked(view: views.APIView) -> AbstractContextManager[None]:
    """Let everything pass on a view object that stands for a description, and for no request."""
    return _Doorkeeper.of(view).aside()


class _Doorkeeper:
    """What the gate knows and changes of one view object, for its one request."""

    def __init__(self, view: views.APIView) -> None:
        self.view = view
        self.stands_aside = False
        self.decisions: dict[Policy, Decision] = {}
        self.refused: tuple[Policy, Challenge | Deny] | None = None
        self.denied = view.permission_denied
        self.handler = view.get_exception_handler
        self.finalize = view.finalize_response
        vars(view).update(
            permission_denied=self.permission_denied,
            get_exception_handler=self.get_exception_handler,
            finalize_response=self.finalize_response,
        )

    @classmethod
    def of(cls, view: views.APIView) -> _Doorkeeper:
        """Return the doorkeeper of a view object; there is one."""
        if DOORKEEPER not in vars(view):
            vars(view)[DOORKEEPER] = cls(view)
        return cast(_Doorkeeper, vars(view)[DOORKEEPER])

    def decide(self, request: Request, asked: Policy) -> Decision:
        """Decide once, however often a combination of permissions asks."""
        if asked not in self.decisions:
            recognise(request)
            keep_user(request)
            bound = asked.bound_to(request, self.view)
            self.decisions[asked] = self._decide(request, bound)
        return self.decisions[asked]

    def _decide(self, request: Request, bound: Policy) -> Decision:
        receive_body(request._request)
        now = timezone.now()
        with self.aside(), bound.transaction():
            decision = decide(request, bound, now)
            if not isinstance(decision, Allow):
                self._note(bound, decision)
            elif bound.is_single_use:
                self._guard(request, bound)  # used up there, where the work is done
            elif not _is_a_look(request):
                passed = cast(Allow, conclude(request, bound, decision, now))
                cast(FaceRequest, request).face = passed.face
        return decision

    def _note(self, bound: Policy, decision: Challenge | Deny) -> None:
        """Keep what would be answered: of several gates, what the first one asks for."""
        if self.refused is None or isinstance(self.refused[1], Deny):
            self.refused = bound, decision

    def _guard(self, request: Request, bound: Policy) -> None:
        """Put the gate right before the method of the view, in one transaction with it."""
        name = str(request.method).lower()
        handler = getattr(self.view, name)
        guard = _guarded_async if iscoroutinefunction(handler) else _guarded
        vars(self.view)[name] = guard(handler, bound)

    def permission_denied(
        self, request: Request, message: str | None = None, code: str | None = None
    ) -> NoReturn:
        """Ask for the face if that would help, and deny as if there were no gate if not."""
        if self.stands_aside or self.refused is None or _is_a_look(request):
            self.denied(request, message=message, code=code)
        bound, decision = self.refused
        if decision.reason is Reason.ANONYMOUS:
            self.denied(request, message=message, code=code)
        self._deny_without_gate(request)
        now = timezone.now()
        conclude(request, bound, decision, now)
        raise FaceRefused(refuse(request, bound, decision, now))

    def _deny_without_gate(self, request: Request) -> None:
        """Raise what would be said if there were no gate, if it is a denial (G-08)."""
        with self.aside(), transaction.atomic():  # a view may lock what it looks up
            self.view.check_permissions(request)
            if _looks_up(self.view):
                cast(Any, self.view).get_object()

    def get_exception_handler(self) -> Callable[..., Any]:
        """Return the handler of the site, but that refusals of the gate are answered by it."""
        handler = self.handler()

        def answer(error: Exception, context: dict[str, Any]) -> Any:
            if isinstance(error, FaceRefused):
                return error.response
            return handler(error, context)

        return answer

    def finalize_response(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        """Keep what a gate has let through out of caches, and change no other denial (G-08)."""
        response = self.finalize(request, *args, **kwargs)
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


def _guarded(handler: Callable[..., Any], bound: Policy) -> Callable[..., Any]:
    def guarded(request: Request, *args: Any, **kwargs: Any) -> Any:
        return through(request, bound, partial(handler, request, *args, **kwargs), refuse)

    return guarded


def _guarded_async(handler: Callable[..., Any], bound: Policy) -> Callable[..., Any]:
    async def guarded(request: Request, *args: Any, **kwargs: Any) -> Any:
        call = partial(handler, request, *args, **kwargs)
        return await through_async(request, bound, call, refuse)

    return guarded


def _is_asked_for(request: Request, view: views.APIView, asked: Policy) -> bool:
    """Tell whether a request is one that the gate guards."""
    method = str(request.method)
    if method == "OPTIONS" and asked.methods is None:
        return False
    # Nobody shows a face to be told that there is no such method.
    is_answered = method.lower() in view.http_method_names and hasattr(view, method.lower())
    return asked.covers(method) and is_answered


def _is_a_look(request: Request) -> bool:
    """Tell whether Django REST framework only wants to know what it may offer.

    It asks with a copy of the request that has another method.
    """
    return bool(request.method != request._request.method)


def _looks_up(view: Any) -> bool:
    """Tell whether a request is about one object, which has permissions of its own."""
    if not hasattr(view, "get_object") or iscoroutinefunction(view.get_object):
        return False
    name = getattr(view, "lookup_url_kwarg", None) or getattr(view, "lookup_field", None)
    return name in view.kwargs


def _binding_of(_request: Request, view: Any) -> Mapping[str, Any]:
    binding: Mapping[str, Any] = view.get_face_binding()
    return binding
