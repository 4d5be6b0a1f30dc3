"""What staff do to rows: each asks first, tells what became of each row, and is written down."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.contrib.admin import ModelAdmin, helpers
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_faceauth.exceptions import FaceAuthError, ProviderError
from django_faceauth.services import staff_actions, unexpected_errors

logger = logging.getLogger(__name__)

Action = Callable[[Any, HttpRequest, QuerySet[Any]], HttpResponseBase]
Work = Callable[..., str | Promise]

#: More rows at once than this would keep the browser waiting, and the provider busy.
MOST: Final = 100


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one row."""

    row: Model
    text: str | Promise
    is_good: bool


def confirmed(
    name: str, work: Work, *, title: str | Promise, warning: str | Promise, right: str
) -> Action:
    """Make an action of `work`, which is called with each row, `by` and `now`, and tells.

    Staff see the rows and the warning first, and afterwards what became of each. Who lacks
    `right` is not offered the action, and not given it either.
    """

    def action(desk: ModelAdmin[Any], request: HttpRequest, rows: QuerySet[Any]) -> HttpResponse:
        chosen = list(rows[: MOST + 1])
        too_many = len(chosen) > MOST
        context = question(desk, request, name, title=title, warning=warning)
        context |= {"rows": chosen[:MOST], "too_many": too_many, "most": MOST}
        if "confirmed" in request.POST and not too_many:
            context["outcomes"] = [_done(work, row, desk, request, title) for row in chosen]
        return TemplateResponse(request, "admin/faceauth/confirm.html", context)

    return _described(action, name, title, right)


def question(
    desk: ModelAdmin[Any],
    request: HttpRequest,
    name: str,
    *,
    title: str | Promise,
    warning: str | Promise,
) -> dict[str, Any]:
    """Return what a page says that asks whether staff mean it."""
    request.current_app = desk.admin_site.name
    return {
        **desk.admin_site.each_context(request),
        "title": title,
        "warning": warning,
        "opts": desk.opts,
        "media": desk.media,
        "action": name,
        "checkbox": helpers.ACTION_CHECKBOX_NAME,
        "selected": request.POST.getlist(helpers.ACTION_CHECKBOX_NAME),
        "across": request.POST.get("select_across", "0"),
        "here": request.get_full_path(),
    }


def described(name: str, *, title: str | Promise, right: str) -> Callable[[Action], Action]:
    """Give an action its name, its title, and the right that it takes."""
    return lambda action: _described(action, name, title, right)


def _described(action: Action, name: str, title: str | Promise, right: str) -> Action:
    action.__name__ = name
    action.short_description = title  # type: ignore[attr-defined]  # Django's way
    action.allowed_permissions = (right,)  # type: ignore[attr-defined]
    return action


def _done(
    work: Work, row: Model, desk: ModelAdmin[Any], request: HttpRequest, title: str | Promise
) -> Outcome:
    try:
        text = work(row, by=request.user, now=timezone.now())
    except FaceAuthError as error:
        logger.warning("staff action failed: %s %s=%s", error, row._meta.model_name, row.pk)
        return Outcome(row, _trouble(error), is_good=False)
    except unexpected_errors.AWAY:
        raise
    except Exception as error:
        unexpected_errors.note(error, f"{row._meta.model_name}={row.pk}")
        return Outcome(row, _trouble(error), is_good=False)
    desk.log_change(request, row, f"{title}: {text}")
    return Outcome(row, text, is_good=True)


def _trouble(error: Exception) -> str:
    kind = type(error).__name__
    if isinstance(error, ProviderError) and error.request_id:
        return _("Failed: %(kind)s, request %(id)s.") % {"kind": kind, "id": error.request_id}
    return _("Failed: %(kind)s.") % {"kind": kind}


sync_now: Final = confirmed(
    "sync_now",
    staff_actions.sync_now,
    title=gettext_lazy("Ask the provider now"),
    warning=gettext_lazy("The provider is asked about each of these, one after the other."),
    right="sync",
)
revoke_grants: Final = confirmed(
    "revoke_grants",
    staff_actions.revoke_grants,
    title=gettext_lazy("Take back what they opened"),
    warning=gettext_lazy("Whoever got in by one of these has to show their face again, at once."),
    right="revoke",
)
anonymize: Final = confirmed(
    "anonymize",
    staff_actions.anonymize,
    title=gettext_lazy("Have the provider forget the face"),
    warning=gettext_lazy(
        "This cannot be undone. What they opened is closed. A person of whom the provider holds "
        "no face any more cannot pass a face check, and is left to the other way."
    ),
    right="anonymize",
)
reprocess: Final = confirmed(
    "reprocess",
    staff_actions.reprocess,
    title=gettext_lazy("Act upon it once more"),
    warning=gettext_lazy("The provider is asked about what each of these events names."),
    right="reprocess",
)
