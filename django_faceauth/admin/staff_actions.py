"""Admin actions on rows, each confirmed by staff and logged.

The provider is never called in a transaction: the audit entry is written once it has answered,
or has not.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from django.contrib.admin import ModelAdmin, helpers
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from django_faceauth.exceptions import FaceAuthError, ProviderError
from django_faceauth.gate.admin import face_required_action
from django_faceauth.models import (
    FaceAuthentication,
    FaceChallenge,
    FaceExemption,
    Lockout,
    WebhookEvent,
    database,
)
from django_faceauth.models.authentication import StatusChange
from django_faceauth.services import audit_log, unexpected_errors
from django_faceauth.services.background import webhook_events
from django_faceauth.services.flow import finish
from django_faceauth.services.grants import exemptions, revocation
from django_faceauth.services.privacy import erasure
from django_faceauth.statuses import LABELS

logger = logging.getLogger(__name__)

Text = str | Promise
Action = Callable[[Any, HttpRequest, QuerySet[Any]], HttpResponseBase]
#: Acts on one row, with `by` and `now`, and returns the result in words.
Work = Callable[..., Text]

#: More rows at once than this would keep the browser waiting, and the provider busy.
MOST: Final = 100


def confirmed(*, title: Text, warning: Text, right: str) -> Callable[[Work], Action]:
    """Make an admin action of a function that is called with each row, `by` and `now`.

    Staff see the rows and the warning first, and afterwards the result of each row. The action
    takes the permission that `has_<right>_permission` of the admin checks.
    """

    def decorate(work: Work) -> Action:
        def action(
            model_admin: ModelAdmin[Any], request: HttpRequest, rows: QuerySet[Any]
        ) -> HttpResponse:
            chosen = list(rows[: MOST + 1])
            too_many = len(chosen) > MOST
            context = confirmation(model_admin, request, work.__name__, title, warning)
            context |= {"rows": chosen[:MOST], "too_many": too_many, "most": MOST}
            if "confirmed" in request.POST and not too_many:
                context["outcomes"] = [
                    (row, *_outcome(work, row, model_admin, request, title)) for row in chosen
                ]
            return TemplateResponse(request, "admin/faceauth/confirm.html", context)

        return describe(action, work.__name__, title, right)

    return decorate


def confirmation(
    model_admin: ModelAdmin[Any], request: HttpRequest, name: str, title: Text, warning: Text
) -> dict[str, Any]:
    """Return the context of the page that asks staff to confirm."""
    request.current_app = model_admin.admin_site.name
    return {
        **model_admin.admin_site.each_context(request),
        "title": title,
        "warning": warning,
        "opts": model_admin.opts,
        "media": model_admin.media,
        "action": name,
        "checkbox": helpers.ACTION_CHECKBOX_NAME,
        "selected": request.POST.getlist(helpers.ACTION_CHECKBOX_NAME),
        "across": request.POST.get("select_across", "0"),
        "here": request.get_full_path(),
    }


def describe(action: Action, name: str, title: Text, right: str) -> Action:
    """Set the name, the title and the permission of an action, as Django reads them."""
    action.__name__ = name
    action.short_description = title  # type: ignore[attr-defined]  # Django's way
    action.allowed_permissions = (right,)  # type: ignore[attr-defined]
    return action


def _outcome(
    work: Work, row: Model, model_admin: ModelAdmin[Any], request: HttpRequest, title: Text
) -> tuple[Text, bool]:
    try:
        text = work(row, by=request.user, now=timezone.now())
    except unexpected_errors.AWAY:
        raise
    except Exception as error:
        kind = type(error).__name__
        if isinstance(error, FaceAuthError):
            logger.warning("staff action failed: %s %s=%s", error, row._meta.model_name, row.pk)
        else:
            unexpected_errors.note(error, f"{row._meta.model_name}={row.pk}")
        if isinstance(error, ProviderError) and error.request_id:
            values = {"kind": kind, "id": error.request_id}
            return _("Failed: %(kind)s, request %(id)s.") % values, False
        return _("Failed: %(kind)s.") % {"kind": kind}, False
    model_admin.log_change(request, row, f"{title}: {text}")
    return text, True


@confirmed(
    title=_("Ask the provider now"),
    warning=_("The provider is asked about each of these, one after the other."),
    right="sync",
)
def sync_now(row: FaceAuthentication, *, by: AbstractBaseUser, now: datetime) -> Text:
    if not row.provider_id:
        return _("Not yet created at the provider.")
    before = row.status
    try:
        pulled = finish.refresh(row, source=StatusChange.Source.ADMIN, now=now)
    finally:
        audit_log.note("synced", by=by, about=row, now=now)
    if pulled is None:
        return _("Another process is asking just now. Try again in a moment.")
    if pulled.row.status == before:
        return _("No change.")
    return _("Now: %(status)s.") % {"status": LABELS.get(pulled.row.status, pulled.row.status)}


@confirmed(
    title=_("Revoke their grants"),
    warning=_("Users who passed with one of these have to confirm their face again, at once."),
    right="revoke",
)
@database.repeated
def revoke_grants(row: FaceAuthentication, *, by: AbstractBaseUser, now: datetime) -> Text:
    with database.atomic():
        granted = FaceChallenge.objects.filter(authentication_id=row.pk).granted_once()
        used = granted.filter(state=FaceChallenge.State.CONSUMED).count()
        revoked = revocation.revoke(row, reason="staff", now=now)
        audit_log.note("revoked", by=by, about=row, now=now, grants=revoked, used=used)
    if revoked:
        return ngettext("%d grant revoked.", "%d grants revoked.", revoked) % revoked
    return _("Already used; the revocation is recorded.") if used else _("No grant to revoke.")


@confirmed(
    title=_("Anonymize at the provider"),
    warning=_(
        "This cannot be undone. Their grants are revoked. The applicant and the identity "
        "verification with its video stay at the provider: erase the user to end those."
    ),
    right="anonymize",
)
def anonymize(row: FaceAuthentication, *, by: AbstractBaseUser, now: datetime) -> Text:
    if row.erased_at is not None:
        return _("Already anonymized.")
    if not row.provider_id:
        return _("Not yet created at the provider.")
    erasure.anonymize(row, now=now)
    audit_log.note("anonymized", by=by, about=row, now=now)
    return _("Anonymized at the provider. Its grants are revoked.")


@confirmed(
    title=_("Process again"),
    warning=_("The provider is asked about the authentication that each of these events names."),
    right="reprocess",
)
def reprocess(event: WebhookEvent, *, by: AbstractBaseUser, now: datetime) -> Text:
    if not event.provider_id:
        return _("The event names no authentication.")
    webhook_events.reopen(event, now=now)
    webhook_events.process(event.pk, now=now)
    audit_log.note("reprocessed", by=by, about=event, now=now)
    event.refresh_from_db()
    return _("Now: %(state)s.") % {"state": event.get_state_display()}


@confirmed(
    title=_("End these exemptions"),
    warning=_("From now on these users have to pass face checks."),
    right="change",
)
@database.repeated
def end_exemptions(row: FaceExemption, *, by: AbstractBaseUser, now: datetime) -> Text:
    with database.atomic():
        ended = exemptions.revoke(row, now=now)
        audit_log.note("exemption_ended", by=by, about=row, now=now)
    return _("Ended.") if ended else _("Already ended.")


@face_required_action()
@confirmed(
    title=_("Lift lock-out"),
    warning=_("These users were locked out because another person may be impersonating them."),
    right="lift",
)
@database.repeated
def lift(lockout: Lockout, *, by: AbstractBaseUser, now: datetime) -> Text:
    with database.atomic():
        in_force = Lockout.objects.in_force(user_id=lockout.user_id, now=now)
        lifted = in_force.filter(pk=lockout.pk).update(lifted_at=now)
        audit_log.note("lockout_lifted", by=by, about=lockout, now=now)
    return _("The user can try again.") if lifted else _("Already ended.")
