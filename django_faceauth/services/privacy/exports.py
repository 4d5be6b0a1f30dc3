"""Export all personal data held about a user.

Secrets of open sessions are named without their values. So are fraud codes and what follows
from them, unless the site decides otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Field, Model, Q
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from django_faceauth import models
from django_faceauth.conf import conf
from django_faceauth.messages import Text
from django_faceauth.response_codes import FRAUD
from django_faceauth.services import audit_log, unexpected_errors

Json = dict[str, Any]

PROVIDER: Final = _("the provider")
SITE: Final = _("the site")
USER: Final = _("the user")
STAFF: Final = _("staff of the site")
SHARED: Final = (PROVIDER, STAFF)

#: Instead of a period of `FACEAUTH_RETENTION`: rows that go when the rate limits forget them.
RATE_LIMITS: Final = "rate_limits"

#: The columns that are withheld, of any model, and why.
DIGEST: Final = _("A digest that only this site can verify.")
WITHHELD: Final[Mapping[str, Text]] = {
    "session_digest": _("A secret digest that would identify the session."),
    "binding_digest": DIGEST,
    "dedup_key": _("Prevents two open challenges for the same thing."),
    "network": DIGEST,
}
#: The columns that identify other users.
OTHER_USERS: Final = frozenset({"reviewer", "author", "by"})

NOT_TOLD: Final = _("Withheld: result of fraud detection.")
STILL_OPEN: Final = _("Withheld while the challenge is open.")

FRAUD_REASONS: Final = frozenset({models.ReviewCase.Reason.FRAUD, models.ReviewCase.Reason.DURESS})


@dataclass(frozen=True, slots=True)
class DataCategory:
    """The rows of one model about one user.

    `owned_by` makes the condition for a user's primary key; `kept` names a period of
    `FACEAUTH_RETENTION`, is `RATE_LIMITS`, or is empty for as long as the account.
    """

    model: type[Model]
    owned_by: Callable[[Any], Q]
    source: tuple[Text, ...]
    kept: str = ""
    recipients: tuple[Text, ...] = (STAFF,)


def _of_user(user_id: Any) -> Q:
    return Q(user=user_id)


def _of_authentication(user_id: Any) -> Q:
    return Q(authentication__user=user_id)


def _of_events(user_id: Any) -> Q:
    applicants = models.Applicant.objects.filter(user_id=user_id)
    events = Q(applicant_id__in=applicants.values("applicant_id"))
    for model in (models.FaceAuthentication, models.IdentityVerification):
        known = model._base_manager.filter(user_id=user_id).exclude(provider_id=None)
        events |= Q(provider_id__in=known.values("provider_id"))
    return events


def _of_tasks(user_id: Any) -> Q:
    return Q(erasure__who=str(user_id))


# One table, so that a test notices a model that is missing from it.
CATEGORIES: Final = (
    DataCategory(models.Applicant, _of_user, (SITE,), "", SHARED),
    DataCategory(models.IdentityVerification, _of_user, (PROVIDER, SITE), "", SHARED),
    DataCategory(models.FaceAuthentication, _of_user, (PROVIDER, SITE), "flows", SHARED),
    DataCategory(models.FaceAttempt, _of_authentication, (PROVIDER, USER), "flows", SHARED),
    DataCategory(models.StatusChange, _of_authentication, (PROVIDER,), "flows"),
    DataCategory(models.FaceChallenge, _of_user, (SITE, USER), "flows"),
    DataCategory(models.ReviewCase, _of_authentication, (SITE,), "flows"),
    DataCategory(models.Verdict, _of_authentication, (SITE,), "flows"),
    DataCategory(models.FaceExemption, _of_user, (SITE,), "flows"),
    DataCategory(models.AttemptRequest, _of_user, (USER,), RATE_LIMITS),
    DataCategory(models.Lockout, _of_user, (SITE, USER), "limits"),
    DataCategory(models.WebhookEvent, _of_events, (PROVIDER,), "tombstones"),
    DataCategory(models.Consent, lambda pk: Q(user=pk) | Q(who=str(pk)), (USER,), "consents"),
    DataCategory(models.Erasure, lambda pk: Q(who=str(pk)), (USER, SITE), "consents"),
    DataCategory(models.ErasureTask, _of_tasks, (SITE, PROVIDER), "consents", SHARED),
    DataCategory(models.AuditEntry, _of_user, (SITE,), "audit"),
)


def export(
    user: AbstractBaseUser,
    *,
    by: AbstractBaseUser | None = None,
    now: datetime,
    with_fraud_codes: bool = False,
    tell: Callable[[int], object] = int,
) -> Json:
    """Return all that is held about a user, in values that `DjangoJSONEncoder` takes.

    Calls `tell(1)` after each category of data. Adds an entry to the audit log that says what
    the export held; `by` is who asked for it, None for a command.
    """
    sections = []
    for category in CATEGORIES:
        rows = category.model._base_manager.filter(category.owned_by(user.pk)).order_by("pk")
        sections.append(_section(category, list(rows), user, with_fraud_codes))
        tell(1)
    held = [section for section in sections if section["rows"]]
    values = (value for section in held for row in section["rows"] for value in row.values())
    # Not when something is due or ends.
    moments = [value for value in values if isinstance(value, datetime) and value <= now]
    count = sum(len(section["rows"]) for section in held)
    oldest, newest = min(moments, default=None), max(moments, default=None)
    audit_log.note(
        "exported_user",
        by=by,
        about=user,
        now=now,
        rows=count,
        categories=", ".join(str(section["meaning"]) for section in held),
        oldest=oldest,
        newest=newest,
        fraud_codes=with_fraud_codes,
    )
    return {
        "about": _("All data about the face checks of a user"),
        "user": {"id": str(user.pk), "name": user.get_username()},
        "made_at": now,
        "made_by": USER if by is not None and by.pk == user.pk else STAFF,
        "row_count": count,
        "oldest": oldest,
        "newest": newest,
        "fraud_codes": _("included") if with_fraud_codes else NOT_TOLD,
        "held": sections,
    }


def _section(
    category: DataCategory, rows: list[Any], user: AbstractBaseUser, with_fraud_codes: bool
) -> Json:
    meta = category.model._meta
    columns = [column for column in meta.concrete_fields if column.name not in WITHHELD]
    return {
        "kind": meta.label_lower,
        "meaning": meta.verbose_name_plural,
        "source": category.source,
        "recipients": category.recipients,
        "kept_for": _kept_for(category.kept),
        "fields": {
            column.name: format_lazy("{}: {}", column.verbose_name, column.help_text)
            if column.help_text
            else column.verbose_name
            for column in columns
        },
        "not_told": {
            column.name: WITHHELD[column.name]
            for column in meta.concrete_fields
            if column.name in WITHHELD
        },
        "rows": [
            {column.name: _value(row, column, user, with_fraud_codes) for column in columns}
            for row in rows
        ],
    }


def _kept_for(kept: str) -> Text:
    if not kept:
        return _("as long as the account")
    if kept == RATE_LIMITS:
        return _("for the longest period of the rate limits, at least a day")
    period = conf.RETENTION[kept]
    if period is None:
        return _("without a limit")
    return format_lazy(
        ngettext_lazy("{days} day after its end", "{days} days after its end", period.days),
        days=period.days,
    )


def _value(
    row: Model, column: Field[Any, Any], user: AbstractBaseUser, with_fraud_codes: bool
) -> Any:
    try:
        value = getattr(row, column.attname)
        if column.name in OTHER_USERS:
            if value in {None, ""}:
                return None
            return USER if str(value) == str(user.pk) else _("staff")
        if column.name == "handle" and getattr(row, "is_open", False):
            return STILL_OPEN
        return value if with_fraud_codes else _without_fraud(column.name, value)
    except Exception as error:
        unexpected_errors.note(error, f"{row._meta.model_name}={row.pk} {column.name}")
        return _("Could not be read. Please contact support.")


def _without_fraud(name: str, value: Any) -> Any:
    """Return the value of a column, of any model, without results of fraud detection."""
    if name == "risk_labels":
        return NOT_TOLD if value else value
    if name == "code":
        return NOT_TOLD if value in FRAUD else value
    if name == "reasons":
        return [NOT_TOLD if reason in FRAUD_REASONS else reason for reason in value]
    if name == "response_codes":
        return [NOT_TOLD if entry["code"] in FRAUD else entry for entry in value]
    return value
