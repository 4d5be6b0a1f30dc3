"""Admin actions on rows, each confirmed by staff and logged.

The provider is never called in a transaction: the audit entry is written once it has answered,
or has not.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from django.contrib import admin, messages
from django.contrib.admin import ModelAdmin, helpers
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, ngettext_lazy

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
#: Acts on one row, with `by` and `now`; returns whether it changed it, and the result in words.
Work = Callable[..., tuple[bool, Text]]

#: More rows at once than this would keep the browser waiting, and the provider busy.
MOST: Final = 100
#: More rows than this are not named, but counted.
MOST_NAMED: Final = 20


def confirmed(
    *,
    title: Any,
    warning: Text,
    button: Any,
    right: str,
    moment: str = "created_at",
    is_final: bool = False,
) -> Callable[[Work], Action]:
    """Make an admin action of a function that is called with each row, `by` and `now`.

    Staff see the rows, with their users and dates, and the warning first, and afterwards the
    result of each row. `button` is a plural text; the button is red if the action `is_final`.
    `moment` names the date of a row. The action takes the permission that
    `has_<right>_permission` of the admin checks.
    """

    def decorate(work: Work) -> Action:
        @admin.action(description=title, permissions=[right])
        def action(
            model_admin: ModelAdmin[Any], request: HttpRequest, rows: QuerySet[Any]
        ) -> HttpResponse:
            chosen = list(rows[: MOST + 1])
            too_many = len(chosen) > MOST
            named = [(getattr(row, "user", ""), getattr(row, moment), row) for row in chosen]
            context = {
                **confirmation(model_admin, request, work.__name__, title, warning),
                # Exactly the rows that are shown, also if the list has more when staff confirm.
                "selected": [str(row.pk) for row in chosen],
                "across": "0",
                "rows": named[:MOST_NAMED],
                "more": len(named[MOST_NAMED:]),
                "button": button % len(chosen),
                "is_final": is_final,
                "too_many": too_many,
                "most": MOST,
            }
            if "confirmed" in request.POST and not too_many:
                context["outcomes"] = outcomes = [
                    (*facts, *_outcome(work, facts[-1], model_admin, request, title))
                    for facts in named
                ]
                done = [str(user or row) for user, _at, row, changed, _text in outcomes if changed]
                if done:
                    values = {"action": button % len(done), "users": ", ".join(dict.fromkeys(done))}
                    messages.success(request, _("%(action)s: done for %(users)s.") % values)
            return TemplateResponse(request, "admin/faceauth/confirm.html", context)

        action.__name__ = work.__name__
        return action

    return decorate


def confirmation(
    model_admin: ModelAdmin[Any], request: HttpRequest, name: str, title: Text, warning: Text
) -> dict[str, Any]:
    """Return the context of the page that asks staff to confirm."""
    request.current_app = model_admin.admin_site.name
    return {
        **model_admin.admin_site.each_context(request),
        "title": title,
        "button": title,
        "warning": warning,
        "opts": model_admin.opts,
        "media": model_admin.media,
        "action": name,
        "checkbox": helpers.ACTION_CHECKBOX_NAME,
        "selected": request.POST.getlist(helpers.ACTION_CHECKBOX_NAME),
        "across": request.POST.get("select_across", "0"),
        "here": request.get_full_path(),
    }


def _outcome(
    work: Work, row: Model, model_admin: ModelAdmin[Any], request: HttpRequest, title: Text
) -> tuple[bool | None, Text]:
    """Return what `work` returns, with None if it failed."""
    try:
        is_changed, text = work(row, by=request.user, now=timezone.now())
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
            return None, _("Failed: %(kind)s, request %(id)s.") % values
        return None, _("Failed: %(kind)s.") % {"kind": kind}
    model_admin.log_change(request, row, f"{title}: {text}")
    return is_changed, text


@confirmed(
    title=_("Sync with the provider"),
    warning=_("The provider is asked about each of these, one after the other."),
    button=ngettext_lazy("Sync %d face authentication", "Sync %d face authentications"),
    right="sync",
)
def sync_now(row: FaceAuthentication, *, by: AbstractBaseUser, now: datetime) -> tuple[bool, Text]:
    if not row.provider_id:
        return False, _("Not yet created at the provider.")
    before = row.status
    try:
        pulled = finish.refresh(row, source=StatusChange.Source.ADMIN, now=now)
    finally:
        audit_log.note("synced", by=by, about=row, now=now)
    if pulled is None:
        return False, _("Another process is asking just now. Try again in a moment.")
    if pulled.row.status == before:
        return True, _("No change.")
    label = LABELS.get(pulled.row.status, pulled.row.status)
    return True, _("Now: %(status)s.") % {"status": label}


@confirmed(
    title=_("Revoke grants"),
    warning=_("Users who passed with one of these have to confirm their face again, at once."),
    button=ngettext_lazy(
        "Revoke the grants of %d face authentication",
        "Revoke the grants of %d face authentications",
    ),
    right="revoke",
    is_final=True,
)
@database.repeated
def revoke_grants(
    row: FaceAuthentication, *, by: AbstractBaseUser, now: datetime
) -> tuple[bool, Text]:
    with database.atomic():
        granted = FaceChallenge.objects.filter(authentication_id=row.pk).granted_once()
        used = granted.filter(state=FaceChallenge.State.CONSUMED).count()
        revoked = revocation.revoke(row, reason="staff", now=now)
        audit_log.note("revoked", by=by, about=row, now=now, grants=revoked, used=used)
    if revoked:
        return True, ngettext("%d grant revoked.", "%d grants revoked.", revoked) % revoked
    return False, _("Already used; the revocation is recorded.") if used else _("No grant.")


@confirmed(
    title=_("Anonymize at the provider"),
    warning=_(
        "Their grants are revoked. The applicant and the identity verification with its video "
        "stay at the provider: erase the user to end those."
    ),
    button=ngettext_lazy("Anonymize %d face authentication", "Anonymize %d face authentications"),
    right="anonymize",
    is_final=True,
)
def anonymize(row: FaceAuthentication, *, by: AbstractBaseUser, now: datetime) -> tuple[bool, Text]:
    if row.erased_at is not None:
        return False, _("Already anonymized.")
    if not row.provider_id:
        return False, _("Not yet created at the provider.")
    erasure.anonymize(row, now=now)
    audit_log.note("anonymized", by=by, about=row, now=now)
    return True, _("Anonymized at the provider. Its grants are revoked.")


@confirmed(
    title=_("Process again"),
    warning=_("The provider is asked about the authentication that each of these events names."),
    button=ngettext_lazy("Process %d event again", "Process %d events again"),
    right="reprocess",
    moment="received_at",
)
def reprocess(event: WebhookEvent, *, by: AbstractBaseUser, now: datetime) -> tuple[bool, Text]:
    if not event.provider_id:
        return False, _("The event names no authentication.")
    webhook_events.reopen(event, now=now)
    webhook_events.process(event.pk, now=now)
    audit_log.note("reprocessed", by=by, about=event, now=now)
    event.refresh_from_db()
    return True, _("Now: %(state)s.") % {"state": event.get_state_display()}


@confirmed(
    title=_("End exemptions"),
    warning=_("From now on these users have to pass face checks."),
    button=ngettext_lazy("End %d exemption", "End %d exemptions"),
    right="change",
    is_final=True,
)
@database.repeated
def end_exemptions(row: FaceExemption, *, by: AbstractBaseUser, now: datetime) -> tuple[bool, Text]:
    with database.atomic():
        ended = exemptions.revoke(row, now=now)
        if ended:
            audit_log.note("exemption_ended", by=by, about=row, now=now)
    return ended, _("Ended.") if ended else _("Already ended.")


@face_required_action()
@confirmed(
    title=_("Lift lock-outs"),
    warning=_("These users were locked out because another person may be impersonating them."),
    button=ngettext_lazy("Lift %d lock-out", "Lift %d lock-outs"),
    right="lift",
    moment="started_at",
    is_final=True,
)
@database.repeated
def lift(lockout: Lockout, *, by: AbstractBaseUser, now: datetime) -> tuple[bool, Text]:
    with database.atomic():
        in_force = Lockout.objects.in_force(user_id=lockout.user_id, now=now)
        lifted = in_force.filter(pk=lockout.pk).update(lifted_at=now)
        if lifted:
            audit_log.note("lockout_lifted", by=by, about=lockout, now=now)
    return bool(lifted), _("Lifted.") if lifted else _("Already ended.")
