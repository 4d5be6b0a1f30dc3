"""Gate class-based views."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponseBase
from django.views.generic import View

from django_faceauth.gate.decorators import run_gated, run_gated_async
from django_faceauth.gate.locked_user import refuse_rest_framework
from django_faceauth.gate.policy import Policy, When, described_by
from django_faceauth.gate.unused import unused

if TYPE_CHECKING:

    class _View:
        """What the mixin needs of its view."""

        view_is_async: Any

        def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase: ...

else:
    # A subclass of View, so that the gate comes before View.dispatch() in any order of bases.
    _View = View


class FaceRequiredMixin(_View):
    """Let a request through only on a recent approved face of its own user.

    The attributes are the arguments of `face_required`; `face_when` is a method without
    arguments, as `get_face_binding` is. List the mixin after mixins that check who the user
    is, and before the view. Raises `ValueError` where the class is defined if its gate could
    never open, and `TypeError` for a view of Django REST framework.
    """

    face_action: str = ""
    face_max_age: float | timedelta | None = None
    face_methods: Iterable[str] | None = None
    face_single_use: bool = False
    face_keep: Iterable[str] | None = None
    face_when: When | None = None
    face_accept: Iterable[str] | None = None
    face_network: str | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        refuse_rest_framework(cls, "FaceRequiredMixin")
        policy_of(cls)

    def get_face_binding(self) -> Mapping[str, Any]:
        """Return what is being approved. A class that overrides this binds its gate."""
        raise NotImplementedError

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Run the gate before the view; a form with errors does not use the grant up."""
        invalid = getattr(self, "form_invalid", None)
        if invalid is not None:
            vars(self)["form_invalid"] = lambda form: unused(invalid(form))
        answer: Callable[[], Any] = partial(super().dispatch, request, *args, **kwargs)
        if self.view_is_async:
            return run_gated_async(request, policy_of(self), answer)
        return run_gated(request, policy_of(self), answer)


def policy_of(view: FaceRequiredMixin | type[FaceRequiredMixin]) -> Policy:
    """Return the policy that the attributes of a view describe."""
    kind = view if isinstance(view, type) else type(view)
    is_bound = kind.get_face_binding is not FaceRequiredMixin.get_face_binding
    # Read from the object, since as_view() may set attributes.
    return described_by(view, bind=view.get_face_binding if is_bound else None).on(view)
