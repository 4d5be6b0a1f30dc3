"""What all our pages of Django's admin have in common: look, and do not touch (A-01)."""

from __future__ import annotations

from typing import Any, ClassVar, Final, cast

from django.contrib.admin import AdminSite, ModelAdmin, SimpleListFilter
from django.core.exceptions import FieldDoesNotExist
from django.core.paginator import Page, Paginator
from django.db.models import BooleanField, Model, QuerySet, Value
from django.db.models.constants import LOOKUP_SEP
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import cached_property

from django_faceauth.models import FaceAuthentication, database

#: Lists count no further: nobody pages through more, and counting millions takes a while.
COUNTED: Final = 10_000

SEE_FRAUD: Final = "faceauth.view_fraud_codes"


class BoundedPaginator(Paginator):  # type: ignore[type-arg]  # takes no parameters
    """Counts to ten thousand at most, and finds the rows of a page before it reads them.

    So a list is as fast for millions of rows: some databases would join them all, and sort that.
    """

    @cached_property
    def count(self) -> int:
        """How many there are, or the most that is counted."""
        rows: Any = self.object_list
        return int(rows[:COUNTED].count())

    def page(self, number: int | str) -> Page[Any]:
        """Return the page of that number; raises what Django's does."""
        page: Any = super().page(number)
        rows: Any = self.object_list
        page.object_list = rows.filter(pk__in=list(page.object_list.values_list("pk", flat=True)))
        return cast("Page[Any]", page)


class DeclaredLookups(ModelAdmin):  # type: ignore[type-arg]  # takes no parameters at run time
    """An admin whose lists are filtered by their filters, and by nothing else in the query string.

    Django's lets any column of the model through, so also those that a page does not show.
    """

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Return whether a filter of the list declares the look-up."""
        declared: list[Any] = [self.date_hierarchy]
        for item in self.get_list_filter(request):
            if isinstance(item, type) and issubclass(item, SimpleListFilter):
                declared.append(item.parameter_name)
            else:
                declared.append(item[0] if isinstance(item, list | tuple) else item)
        is_declared = any(
            lookup == name or lookup.startswith(f"{name}{LOOKUP_SEP}") for name in declared if name
        )
        if not is_declared:
            return not self._finds_anything(
                lookup, request
            )  # as Django, which goes back to the list
        return super().lookup_allowed(lookup, value, request)

    def _finds_anything(self, lookup: str, request: HttpRequest) -> bool:
        name = lookup.split(LOOKUP_SEP)[0]
        if name == "pk" or name in self.get_queryset(request).query.annotations:
            return True
        try:
            self.opts.get_field(name)
        except FieldDoesNotExist:
            return False
        return True


class Desk(DeclaredLookups):
    """An admin that shows rows and lets nobody write them.

    What staff do, they do by actions, each with a right of its own.
    """

    list_per_page = 50
    show_full_result_count = False
    show_facets: ClassVar[Any] = ModelAdmin.show_facets.NEVER
    paginator = BoundedPaginator
    actions_selection_counter = True

    class Media:
        """Our style sheet; no script."""

        css: ClassVar[dict[str, list[str]]] = {"all": ["faceauth/admin.css"]}

    # What staff do calls the provider, between one committed row and the next.
    changelist_view = database.non_atomic(ModelAdmin.changelist_view)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Rows come from what happens."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody says what the provider said."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Rows go with their user, and never by themselves."""
        return goes_along(self, request)


def goes_along(desk: ModelAdmin[Any], request: HttpRequest) -> bool:
    """Tell whether rows may be deleted: with what they hang on, on the pages of that.

    Who may delete users may do so; without this the admin would refuse it because of our rows.
    """
    match = request.resolver_match
    ours = f"{desk.opts.app_label}_{desk.opts.model_name}_"
    return match is not None and not (match.url_name or "").startswith(ours)


class FraudAware(Desk):
    """A desk whose rows know whether they may tell of fraud (V-12).

    The right is that of a request, and rows outlive it by nothing: an admin is shared by threads.
    """

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Mark the rows."""
        return marked(super().get_queryset(request), request)


def marked(rows: QuerySet[Any], request: HttpRequest) -> QuerySet[Any]:
    """Note on rows whether who asks may see fraud codes and risk labels."""
    told = Value(sees_fraud(request), output_field=BooleanField())
    found: QuerySet[Any] = rows.annotate(with_fraud=told)
    return found


def may(request: HttpRequest, right: str) -> bool:
    """Tell whether the user has one of our rights: `sync_faceauthentication`."""
    return bool(request.user.has_perm(f"faceauth.{right}"))


def sees_fraud(request: HttpRequest) -> bool:
    """Tell whether the user may see fraud codes and risk labels (V-12)."""
    return bool(request.user.has_perm(SEE_FRAUD))


def face_url(request: HttpRequest, row: FaceAuthentication, site: AdminSite) -> str:
    """Return where the captured face is looked at; empty for who may not, and when it is gone."""
    if not may(request, "view_face") or row.erased_at is not None or not row.provider_id:
        return ""
    return reverse(f"{site.name}:faceauth_faceauthentication_face", args=[row.pk])
