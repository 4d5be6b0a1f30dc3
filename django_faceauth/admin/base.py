"""Base classes of our admin pages, and the rights they check."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, ClassVar, Final, cast

from django.contrib import admin
from django.contrib.admin import AdminSite, ModelAdmin, TabularInline
from django.contrib.admin.options import BaseModelAdmin
from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.core.paginator import Page, Paginator
from django.db.models import BooleanField, Model, QuerySet, Value
from django.db.models.constants import LOOKUP_SEP
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from django_faceauth.admin import display
from django_faceauth.models import FaceAuthentication, database

#: Lists count no further: no reader pages through more, and counting millions takes a while.
COUNTED: Final = 10_000
#: One search finds the rows of at most this many users.
MOST_USERS: Final = 100


class BoundedPaginator(Paginator):  # type: ignore[type-arg]  # takes no parameters
    """Counts to ten thousand at most, and finds the rows of a page before it reads them.

    So a list is as fast for millions of rows: some databases would join them all, and sort that.
    """

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows[:COUNTED].count())

    def page(self, number: int | str) -> Page[Any]:
        page: Any = super().page(number)
        rows: Any = self.object_list
        page.object_list = rows.filter(pk__in=list(page.object_list.values_list("pk", flat=True)))
        return cast("Page[Any]", page)


class FaceAuthModelAdmin(ModelAdmin):  # type: ignore[type-arg]  # takes no parameters at run time
    """Base of all our admins: lists for millions of rows, and deletion along with a user."""

    list_per_page = 50
    show_full_result_count = False
    show_facets: ClassVar[Any] = ModelAdmin.show_facets.NEVER
    paginator = BoundedPaginator
    ordering: ClassVar[Any] = ("-pk",)
    sortable_by: ClassVar[Any] = ()
    #: What the search finds: ids by how they begin, and last the users of rows.
    search_paths: ClassVar[Mapping[str, str]] = {"": "user"}

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["faceauth/admin.css"]}

    def get_model_perms(self, request: HttpRequest) -> dict[str, bool]:
        """Leave out of the index what may only be deleted along with a user."""
        return super().get_model_perms(request) | {"delete": False}

    def get_list_display(self, request: HttpRequest) -> Any:
        """Link users to their pages, for those who may view users."""
        columns = super().get_list_display(request)
        if not may_view(get_user_model(), request, self.admin_site):
            return columns
        return ["user_link" if name == "user" else name for name in columns]

    @admin.display(description=_("user"))
    def user_link(self, row: Any) -> str:
        user = attrgetter(self.search_paths[""].replace(LOOKUP_SEP, "."))(row)
        return display.link(user, user, self.admin_site) if user else display.NOTHING

    @property
    def search_help_text(self) -> Any:  # type: ignore[override]
        name = gettext("The beginning of a user name")
        ids = ", ".join(filter(None, self.search_paths))
        text = gettext("%(name)s, or a whole id that begins with %(ids)s")
        return text % {"name": name, "ids": ids} if ids else name

    def get_search_fields(self, request: HttpRequest) -> Any:
        """Return what is searched: without a field, Django shows no search."""
        return list(self.search_paths.values()) or super().get_search_fields(request)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find an id by its index, or else users by the beginning of the name."""
        term, paths = search_term.strip(), self.search_paths
        if not term:
            return queryset, False
        path = next((paths[begin] for begin in paths if term.startswith(begin)), None)
        if path is None:
            return queryset.none(), False
        wanted = {path: term} if path != paths.get("") else {f"{path}__in": users_named(term)}
        return queryset.filter(**wanted), False

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Allow only what a list filter declares.

        Django allows any column of the model, so also those that a page does not show.
        """
        name = lookup.split(LOOKUP_SEP)[0]
        filters = self.get_list_filter(request)
        if name in [getattr(item, "parameter_name", item) for item in filters]:
            return super().lookup_allowed(lookup, value, request)
        if name == "pk" or name in self.get_queryset(request).query.annotations:
            return False
        try:
            self.opts.get_field(name)
        except FieldDoesNotExist:
            return True  # it finds nothing, and Django goes back to the list
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return whether this is another model's page, where rows may go with what they refer to.

        Otherwise the admin would refuse to delete users because of our rows.
        """
        match = request.resolver_match
        ours = f"{self.opts.app_label}_{self.opts.model_name}_"
        return match is not None and not (match.url_name or "").startswith(ours)


class ReadOnlyModelAdmin(FaceAuthModelAdmin):
    """Base of admins that show rows and do not let staff write them.

    Staff act on rows by actions, each with a permission of its own.
    """

    actions: Any = None

    # Actions call the provider, between one committed row and the next.
    changelist_view = database.non_atomic(ModelAdmin.changelist_view)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyTabularInline(TabularInline):  # type: ignore[type-arg]  # takes no parameters
    """Base of inlines that show rows and do not let staff write them."""

    extra = 0
    can_delete = False

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return self.fields

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class FraudAwareMixin(BaseModelAdmin):  # type: ignore[type-arg]  # takes no parameters
    """Mixin of admins and inlines whose rows know whether the user may see fraud codes.

    The permission is that of a request, and an admin is shared by threads.
    """

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        is_permitted = Value(sees_fraud(request), output_field=BooleanField())
        rows: QuerySet[Any] = super().get_queryset(request)
        annotated: QuerySet[Any] = rows.annotate(with_fraud=is_permitted)
        return annotated

    @admin.display(description=_("response codes"))
    def meaning(self, row: Any) -> str:
        return display.codes(row, with_fraud=row.with_fraud)


def permission(name: str) -> Callable[[Any, HttpRequest], bool]:
    """Return a `has_…_permission()` of an admin that checks one of our permissions."""
    return lambda _admin, request: may(request, name)


def may(request: HttpRequest, permission: str) -> bool:
    """Return whether the user has one of our permissions, such as `sync_faceauthentication`."""
    return bool(request.user.has_perm(f"faceauth.{permission}"))


def sees_fraud(request: HttpRequest) -> bool:
    """Return whether the user may see fraud codes and risk labels."""
    return may(request, "view_fraud_codes")


def may_view(model: type[Model], request: HttpRequest, site: AdminSite) -> bool:
    """Return whether the user may view the pages of a model on a site."""
    return site.is_registered(model) and site.get_model_admin(model).has_view_permission(request)


def face_url(request: HttpRequest, row: FaceAuthentication, site: AdminSite) -> str:
    """Return the URL of the captured face; empty without the permission or the image."""
    if not may(request, "view_face") or row.erased_at is not None or not row.provider_id:
        return ""
    return reverse(f"{site.name}:faceauth_faceauthentication_face", args=[row.pk])


def case_url(request: HttpRequest, pk: int, site: AdminSite) -> str:
    """Return the URL of the case of an authentication; of its record without the permission."""
    page = "review" if may(request, "review_faceauthentication") else "change"
    return reverse(f"{site.name}:faceauth_faceauthentication_{page}", args=[pk])


def users_named(beginning: str) -> list[Any]:
    """Return the primary keys of users whose name begins so."""
    user_model = get_user_model()
    begins = {f"{user_model.USERNAME_FIELD}__startswith": beginning}
    users = user_model._default_manager.filter(**begins).values_list("pk", flat=True)
    return list(users[:MOST_USERS])
