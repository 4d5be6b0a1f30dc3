"""The gate for class-based views."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from datetime import timedelta
from typing import Any, cast

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponseBase
from django.views.generic import View

from django_faceauth.gate.decorators import admit
from django_faceauth.gate.policy import Policy, policy


class FaceRequiredMixin(View):
    """Let a request through only on a recent approved face of its own user.

    The attributes are the arguments of `face_required`. List it after mixins that check
    who the user is, and before the view. Raises `ValueError` where the class is written
    if its gate could never open.
    """

    face_action: str = ""
    face_max_age: float | timedelta | None = None
    face_methods: Iterable[str] | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        policy_of(cls)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Ask the gate before the view's own handlers."""
        if self.view_is_async:
            return self._dispatch_async(request, *args, **kwargs)
        refusal = admit(request, policy_of(self))
        return super().dispatch(request, *args, **kwargs) if refusal is None else refusal

    async def _dispatch_async(
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        refusal = await sync_to_async(admit)(request, policy_of(self))
        if refusal is not None:
            return refusal
        response: HttpResponseBase = await cast(
            Awaitable[HttpResponseBase], super().dispatch(request, *args, **kwargs)
        )
        return response


def policy_of(view: FaceRequiredMixin | type[FaceRequiredMixin]) -> Policy:
    """Return the policy that the attributes of a view describe."""
    # Read from the view itself: as_view() may have been given attributes.
    return policy(action=view.face_action, max_age=view.face_max_age, methods=view.face_methods)
