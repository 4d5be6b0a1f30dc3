"""Lists as files, written while they are read."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, cast

from django.contrib.admin import ModelAdmin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.contenttypes.models import ContentType
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from django_faceauth.admin.actions import Action, described, question
from django_faceauth.admin.base import COUNTED, sees_fraud
from django_faceauth.models import FaceAuthentication
from django_faceauth.response_codes import FRAUD
from django_faceauth.services import audit_log, unexpected_errors
from django_faceauth.services.grants.formatting import visible

#: Rows that are read at once.
CHUNK: Final = 500

COLUMNS: Final = (
    *("provider_id", "user", "applicant_id", "user_journey_id", "environment", "action"),
    *("status", "response_codes", "risk_labels", "state", "reason"),
    *("created_at", "modified_on", "synced_at", "erased_at"),
)
#: Where a spreadsheet may find a formula: at the start of a cell, or of what it takes for one when
#: it splits lines at other separators or trims them. Some read full-width characters as well.
FORMULA: Final = re.compile("(?:^|(?<=[\\s;,|\"'`]))(?=[=+\\-@\t\uff1d\uff0b\uff0d\uff20])")


class _Line:
    """A file that gives back what is written to it."""

    def write(self, line: str) -> str:
        return line


def exporter(name: str, *, title: str | Promise, kind: str, extension: str, lines: Any) -> Action:
    """Make an action that sends the chosen rows as a file."""

    def action(
        desk: ModelAdmin[Any], request: HttpRequest, rows: QuerySet[FaceAuthentication]
    ) -> HttpResponse | StreamingHttpResponse:
        if "confirmed" not in request.POST:
            count = rows.order_by()[:COUNTED].count()
            context = question(desk, request, name, title=title, warning=WARNING)
            context |= {"count": count, "counted": COUNTED}
            return TemplateResponse(request, "admin/faceauth/confirm.html", context)
        count = rows.count()
        by = cast(AbstractBaseUser, request.user)  # staff, says the admin
        audit_log.note("exported", by=by, now=timezone.now(), format=extension, rows=count)
        _log(desk, by, f"{title}: {count}")
        facts = _facts(rows, with_fraud=sees_fraud(request))
        response = StreamingHttpResponse(lines(facts), content_type=kind)
        response["Content-Disposition"] = f'attachment; filename="faceauth.{extension}"'
        response["Cache-Control"] = "no-store, private"
        return response

    return described(name, title=title, right="export")(action)


def _log(desk: ModelAdmin[Any], by: AbstractBaseUser, message: str) -> None:
    """Leave one entry in the admin's own log for the file, and none for each of its rows."""
    LogEntry.objects.create(
        user_id=by.pk,
        content_type=ContentType.objects.get_for_model(desk.model),
        object_repr=str(desk.opts.verbose_name_plural),
        action_flag=CHANGE,
        change_message=message,
    )


def _as_csv(facts: Iterable[dict[str, Any]]) -> Iterator[str]:
    writer = csv.writer(_Line(), quoting=csv.QUOTE_ALL)
    yield writer.writerow(COLUMNS)
    for row in facts:
        yield writer.writerow([_cell(row[name]) for name in COLUMNS])


def _as_json(facts: Iterable[dict[str, Any]]) -> Iterator[str]:
    before = "[\n"
    for row in facts:
        yield before + json.dumps(row)
        before = ",\n"
    yield "\n]\n" if before != "[\n" else "[]\n"


def _facts(rows: QuerySet[FaceAuthentication], *, with_fraud: bool) -> Iterator[dict[str, Any]]:
    for row in _newest_first(rows.select_related("user", "challenge").order_by("-pk")):
        yield {name: _read(row, name, with_fraud) for name in COLUMNS}


def _newest_first(rows: QuerySet[FaceAuthentication]) -> Iterator[FaceAuthentication]:
    """Yield rows a part at a time: not every database has a cursor that reads as it goes."""
    part = list(rows[:CHUNK])
    while part:
        yield from part
        part = list(rows.filter(pk__lt=part[-1].pk)[:CHUNK])


def _read(row: FaceAuthentication, name: str, with_fraud: bool) -> Any:
    if reader := READERS.get(name):
        try:
            return reader(row, with_fraud)
        except Exception as error:
            unexpected_errors.note(error, f"authentication={row.pk} {name}")
            return None
    value = getattr(row, name)
    return value.isoformat() if hasattr(value, "isoformat") else value


def _codes(row: FaceAuthentication, with_fraud: bool) -> list[int]:
    return [code for code in row.codes if with_fraud or code not in FRAUD]


def _of_challenge(name: str) -> Callable[[FaceAuthentication, bool], str]:
    return lambda row, _with_fraud: getattr(getattr(row, "challenge", None), name, "")


READERS: Final[dict[str, Callable[[FaceAuthentication, bool], Any]]] = {
    "user": lambda row, _with_fraud: row.user.get_username(),
    "response_codes": _codes,
    "risk_labels": lambda row, with_fraud: row.risk_labels if with_fraud else [],
    "action": _of_challenge("action"),
    "state": _of_challenge("state"),
    "reason": _of_challenge("reason"),
}


def _cell(value: Any) -> str:
    """Return a value for a spreadsheet, on one line and without a formula."""
    text = " ".join(map(str, value)) if isinstance(value, list) else str(value or "")
    return FORMULA.sub("'", visible(text))


WARNING: Final = _(
    "The file holds personal data: names of users, and what became of their face checks. Keep it "
    "where others cannot read it, and delete it when it has done its work."
)

export_csv: Final = exporter(
    "export_csv",
    title=_("Export as CSV"),
    kind="text/csv; charset=utf-8",
    extension="csv",
    lines=_as_csv,
)
export_json: Final = exporter(
    "export_json",
    title=_("Export as JSON"),
    kind="application/json",
    extension="json",
    lines=_as_json,
)
