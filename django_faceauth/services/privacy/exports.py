"""Telling a person all that is held about them (V-09): everything of theirs, nobody else's.

Secrets of open sessions are named, not told. So are fraud codes and what follows from them
(V-12), unless the site decides otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Field, Model
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from django_faceauth.conf import conf
from django_faceauth.models import (
    FaceAttempt,
    FaceAuthentication,
    FaceChallenge,
    ReviewCase,
    WebhookEvent,
)
from django_faceauth.response_codes import FRAUD
from django_faceauth.services import audit_log, unexpected_errors
from django_faceauth.services.privacy import holdings
from django_faceauth.services.privacy.holdings import COUNTED, HOLDINGS, DataCategory, Text

Json = dict[str, Any]

NOT_TOLD: Final = _("Not told: what fraud detection found.")
#: In place of a value that is not what it should be.
UNREADABLE: Final = _("Could not be read: please ask the site.")
STILL_OPEN: Final = _("Not told while the question is open.")
FRAUD_COLUMNS: Final[Mapping[type[Model], frozenset[str]]] = {
    FaceAuthentication: frozenset({"response_codes", "code", "risk_labels"}),
    FaceAttempt: frozenset({"response_codes"}),
    ReviewCase: frozenset({"reasons"}),
}
FRAUD_REASONS: Final = frozenset({ReviewCase.Reason.FRAUD, ReviewCase.Reason.DURESS})


#: How many kinds of things `export` goes through.
KINDS: Final = len(HOLDINGS) + 1


def export(
    user: AbstractBaseUser,
    *,
    now: datetime,
    with_fraud_codes: bool = False,
    tell: Callable[[int], object] = int,
) -> Json:
    """Return all that is held about a user, in values that `DjangoJSONEncoder` takes.

    `tell` hears of each kind of things. Leaves an entry in the audit log.
    """
    held = []
    for section in _held(user, with_fraud_codes):
        held.append(section)
        tell(1)
    told = {
        "user": {"id": str(user.pk), "name": user.get_username()},
        "made_at": now,
        "fraud_codes": _("included") if with_fraud_codes else NOT_TOLD,
        "held": held,
    }
    audit_log.note("exported_user", by=None, about=user, now=now, with_fraud_codes=with_fraud_codes)
    return told


def _held(user: AbstractBaseUser, with_fraud_codes: bool) -> Iterator[Json]:
    subjects = [audit_log.subject_of(user)]
    for holding in HOLDINGS:
        rows = list(holding.rows(user.pk).order_by("pk"))
        subjects += [audit_log.subject_of(row) for row in rows if not isinstance(row, WebhookEvent)]
        yield _section(holding, rows, user, with_fraud_codes)
    log = holdings.log_of(subjects)
    yield _section(log, list(log.rows(user.pk)), user, with_fraud_codes)


def _section(
    holding: DataCategory, rows: list[Model], user: AbstractBaseUser, with_fraud_codes: bool
) -> Json:
    meta = holding.model._meta
    columns = [field for field in meta.concrete_fields if field.name not in holding.left_out]
    return {
        "kind": meta.label_lower,
        "meaning": meta.verbose_name_plural,
        "source": holding.source,
        "recipients": holding.recipients,
        "kept_for": _kept_for(holding),
        "fields": {column.name: _meaning(column) for column in columns},
        "not_told": dict(holding.left_out),
        "rows": [
            {
                column.name: _readable(holding, row, column, user, with_fraud_codes)
                for column in columns
            }
            for row in rows
        ],
    }


def _kept_for(holding: DataCategory) -> Text:
    if not holding.kept:
        return _("as long as the account")
    if holding.kept == COUNTED:
        return _("as long as the limits look back, at least a day")
    period: timedelta | None = conf.RETENTION[holding.kept]
    if period is None:
        return _("for ever")
    return format_lazy(
        ngettext_lazy("{days} day after its end", "{days} days after its end", period.days),
        days=period.days,
    )


def _meaning(column: Field[Any, Any]) -> Text:
    if not column.help_text:
        return column.verbose_name
    return format_lazy("{}: {}", column.verbose_name, column.help_text)


def _readable(
    holding: DataCategory,
    row: Model,
    column: Field[Any, Any],
    user: AbstractBaseUser,
    with_fraud_codes: bool,
) -> Any:
    try:
        return _value(holding, row, column, user, with_fraud_codes)
    except Exception as error:
        unexpected_errors.note(error, f"{row._meta.model_name}={row.pk} {column.name}")
        return UNREADABLE


def _value(
    holding: DataCategory,
    row: Model,
    column: Field[Any, Any],
    user: AbstractBaseUser,
    with_fraud_codes: bool,
) -> Any:
    value = getattr(row, column.attname)
    if column.name in holding.others:
        return _role(value, user)
    if isinstance(row, FaceChallenge) and column.name == "handle" and row.is_open:
        return STILL_OPEN
    if not with_fraud_codes and column.name in FRAUD_COLUMNS.get(holding.model, ()):
        return _harmless(column.name, value)
    return value


def _role(value: Any, user: AbstractBaseUser) -> Text | None:
    """Say who somebody is without saying who."""
    if value in {None, ""}:
        return None
    return _("the person") if str(value) == str(user.pk) else _("staff")


def _harmless(name: str, value: Any) -> Any:
    """Return what may be told of a column that may speak of fraud."""
    if name == "risk_labels":
        return NOT_TOLD if value else value
    if name == "code":
        return NOT_TOLD if value in FRAUD else value
    if name == "reasons":
        return [NOT_TOLD if reason in FRAUD_REASONS else reason for reason in value]
    return [NOT_TOLD if entry["code"] in FRAUD else entry for entry in value]
