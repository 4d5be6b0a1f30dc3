"""Gate Django's admin: the whole site, one model, or one action."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from functools import partial, wraps
from typing import Any, Final, TypeVar, cast

from asgiref.sync import iscoroutinefunction
from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import URLPattern, URLResolver

from django_faceauth.gate.decorators import run_gated
from django_faceauth.gate.policy import Bind, Policy, When, described_by, policy
from django_faceauth.gate.unused import asks_again, unused
from django_faceauth.services.grants import face_cookie

__all__ = [
    "FaceRequiredAdminSite",
    "FaceRequiredModelAdmin",
    "face_required_action",
]

Action = TypeVar("Action", bound=Callable[..., Any])
View = Callable[..., Any]

#: The default action of all gates in the admin, unlikely to be one of the site's own.
ADMIN: Final = "django-admin"


class _Gated:
    """The gate that the attributes of an admin describe.

    `face_when` is a method that is given the request and the arguments of the URL.
    """

    face_action: str = ADMIN
    face_max_age: float | timedelta | None = None
    face_when: When | None = None
    face_accept: Iterable[str] | None = None
    face_network: str | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        described_by(cls)

    @property
    def face_policy(self) -> Policy:
        """What the gate asks for."""
        return described_by(self)


class FaceRequiredAdminSite(_Gated, AdminSite):
    """An admin site whose every page asks for a face, after the permissions are checked.

    The pages to log in and out and the translations of the admin's scripts stay open. The
    attributes are arguments of `face_required`. Raises `ValueError` or `TypeError` where the
    class is defined if its gate could never open.
    """

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Put the gate behind the admin's own check of the user."""
        if view in (self.logout, self.i18n_javascript):
            return super().admin_view(view, cacheable)
        guarded: Any = super().admin_view(_behind(self.face_policy, view), cacheable)
        guarded.admin_site = self  # as Django does on its own pages, so that it is found
        return guarded


# Django's class takes no parameters at run time.
class FaceRequiredModelAdmin(_Gated, ModelAdmin):  # type: ignore[type-arg]
    """An admin of one model that asks for a face, by default before changes.

    Covers every URL of the model, also those of a `get_urls()` of the site's own. The
    attributes are arguments of `face_required`; with `face_methods = None` it also asks
    before anything is shown. Raises what `FaceRequiredAdminSite` raises.
    """

    face_methods: Iterable[str] | None = ("POST",)

    @property
    def urls(self) -> list[Any]:
        """The URLs of the model, all of them behind the gate."""
        return [self._guarded(pattern) for pattern in super().urls]

    def _guarded(self, pattern: URLPattern | URLResolver) -> URLPattern | URLResolver:
        if isinstance(pattern, URLPattern):
            view = self._gated(pattern.callback)
            return URLPattern(pattern.pattern, view, pattern.default_args, pattern.name)
        inside = [self._guarded(inner) for inner in pattern.url_patterns]
        names = (pattern.default_kwargs, pattern.app_name, pattern.namespace)
        return URLResolver(pattern.pattern, inside, *names)

    def _gated(self, view: View) -> View:
        gate_policy = self.face_policy
        gated = _behind(gate_policy, view)

        @wraps(view)
        def allowed(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if gate_policy.covers(request.method) and not _may(self, view, request, kwargs):
                raise PermissionDenied
            return gated(request, *args, **kwargs)

        guarded: Any = self.admin_site.admin_view(allowed)
        guarded.model_admin = self  # as above
        return cast(View, guarded)


def face_required_action(
    *,
    action: str = ADMIN,
    max_age: float | timedelta | None = None,
    bind: Bind | None = None,
    single_use: bool = False,
    when: When | None = None,
    accept: Iterable[str] | None = None,
    network: str | None = None,
) -> Callable[[Action], Action]:
    """Let an admin action run only on a recent approved face of the user who starts it.

    The arguments are those of `face_required`; `bind` and `when` take those of the action. After
    the face check staff are back at the list and start the action again. A confirmation page
    that sends the same action again does not use the face up: one face covers the page and
    the work. Raises what `face_required` raises, and `TypeError` for an async function, which
    the admin could not run.
    """
    gate_policy = policy(
        action=action,
        max_age=max_age,
        bind=bind,
        single_use=single_use,
        when=when,
        accept=accept,
        network=network,
    )

    def decorate(function: Action) -> Action:
        if iscoroutinefunction(function):
            raise TypeError("the admin cannot run an async action")

        @wraps(function)
        def gated(model_admin: Any, request: HttpRequest, rows: QuerySet[Any]) -> Any:
            bound = gate_policy.bound_to(model_admin, request, rows)

            def run() -> Any:
                answer = function(model_admin, request, rows)
                names = request.POST.getlist("action")
                return unused(answer) if any(asks_again(answer, name) for name in names) else answer

            answer = run_gated(request, bound, run)
            if answer is None and face_cookie.has_seen(request):
                # What the admin itself returns for an action that returns nothing.
                answer = face_cookie.carry(request, HttpResponseRedirect(request.get_full_path()))
            return answer

        gated.face_policy = gate_policy  # type: ignore[attr-defined]
        gated.answered_methods = frozenset({"POST"})  # type: ignore[attr-defined]
        return cast(Action, gated)

    return decorate


def _behind(gate_policy: Policy, view: View) -> View:
    @wraps(view)
    def gated(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        bound = gate_policy.bound_to(request, *args, **kwargs)
        return run_gated(request, bound, partial(view, request, *args, **kwargs))

    return gated


def _may(
    model_admin: ModelAdmin[Any], view: View, request: HttpRequest, arguments: Mapping[str, Any]
) -> bool:
    """Check what the admin's own view checks, so that users without permission learn nothing."""
    object_id = arguments.get("object_id")
    row = None if object_id is None else model_admin.get_object(request, unquote(object_id))
    match view.__name__:
        case "add_view":
            return model_admin.has_add_permission(request)
        case "change_view" if request.method == "POST":
            if "_saveasnew" in request.POST:
                return model_admin.has_add_permission(request)
            return model_admin.has_change_permission(request, row)
        case "changelist_view" | "change_view" | "history_view":
            return model_admin.has_view_or_change_permission(request, row)
        case "delete_view":
            return model_admin.has_delete_permission(request, row)
    return True
