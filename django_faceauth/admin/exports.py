"""Exports of lists as files, written while they are read."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, cast

from django.conf import settings
from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Count, Max, Min, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone, translation
from django.utils.http import content_disposition_header
from django.utils.text import get_valid_filename
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from django_faceauth.admin.base import COUNTED, sees_fraud
from django_faceauth.admin.staff_actions import Action, confirmation
from django_faceauth.models import FaceAuthentication
from django_faceauth.response_codes import FRAUD
from django_faceauth.services import audit_log, unexpected_errors
from django_faceauth.services.grants.formatting import visible

COLUMNS: Final = (
    *("provider_id", "user", "applicant_id", "user_journey_id", "environment", "action"),
    *("status", "response_codes", "risk_labels", "state", "reason"),
    *("created_at", "modified_on", "synced_at", "erased_at"),
)

#: Rows that are read at once.
CHUNK: Final = 500

#: Where a spreadsheet may find a formula: at the start of a cell, or of what it takes for one when
#: it splits lines at other separators or trims them. Some read full-width characters as well.
FORMULA: Final = re.compile("(?:^|(?<=[\\s;,|\"'`]))(?=[=+\\-@\t\uff1d\uff0b\uff0d\uff20])")

Facts = dict[str, Any]
Writer = Callable[[Iterable[Facts], Facts], Iterator[str]]


def _exporter(name: str, title: Any, kind: str, write: Writer) -> Action:
    """Make an action that sends the chosen rows as a file."""
    extension = name.removeprefix("export_")

    @admin.action(description=title, permissions=["export"])
    def action(
        model_admin: ModelAdmin[Any], request: HttpRequest, rows: QuerySet[FaceAuthentication]
    ) -> HttpResponse | StreamingHttpResponse:
        if "confirmed" not in request.POST:
            warning = _(
                "The file holds personal data: names of users, and results of their face checks. "
                "Keep it where others cannot read it, and delete it when it is no longer needed."
            )
            context = confirmation(model_admin, request, name, title, warning)
            context |= {"count": rows.order_by()[:COUNTED].count(), "counted": COUNTED}
            return TemplateResponse(request, "admin/faceauth/confirm.html", context)
        by, now = cast(AbstractBaseUser, request.user), timezone.now()  # staff, says the admin
        # The file has the rows that are counted, and none that comes while it is written.
        rows = rows.filter(pk__lte=rows.order_by("-pk").values_list("pk", flat=True).first() or 0)
        held = rows.aggregate(rows=Count("pk"), oldest=Min("created_at"), newest=Max("created_at"))
        entry = audit_log.note(
            "exported",
            by=by,
            now=now,
            format=extension,
            **held,
            columns=", ".join(COLUMNS),
            fraud_codes=sees_fraud(request),
            filters=_filters(model_admin, request),
        )
        about = {
            "about": str(model_admin.opts.verbose_name_plural),
            "exported_at": now,
            "exported_by": by.get_username(),
            **entry.details,
        }
        lines = write(_facts(rows, with_fraud=sees_fraud(request)), about)
        response = StreamingHttpResponse(lines, content_type=kind)
        # A CSV file has no place for it but its name: programs take the first line for columns.
        file = f"face-authentications_{now:%Y%m%dT%H%M%SZ}_{by.get_username()}_{held['rows']}-rows"
        file = get_valid_filename(f"{file}.{extension}")
        response["Content-Disposition"] = content_disposition_header(True, file)
        response["Cache-Control"] = "no-store, private"
        return response

    action.__name__ = name
    return action


class _Line:
    """A file that returns what is written to it."""

    def write(self, line: str) -> str:
        return line


def _filters(model_admin: ModelAdmin[Any], request: HttpRequest) -> str:
    """Return the filters of the list in the language of the site, without what may name a user."""
    with translation.override(settings.LANGUAGE_CODE):
        changelist = model_admin.get_changelist_instance(request)
        used = [
            f"{spec.title}: {choice['display']}"
            for spec in changelist.filter_specs
            for choice in list(spec.choices(changelist))[1:]  # the first is "All"
            if choice["selected"]
        ]
        used += [gettext("a search")] if changelist.query else []
        used += [gettext("a selection")] if request.POST.get("select_across") != "1" else []
    return ", ".join(used)


def _as_csv(facts: Iterable[Facts], _about: Facts) -> Iterator[str]:
    writer = csv.writer(_Line(), quoting=csv.QUOTE_ALL)
    yield writer.writerow(COLUMNS)
    for row in facts:
        cells = (" ".join(map(str, one)) if isinstance(one, list) else one for one in row.values())
        # Each on one line and without a formula.
        yield writer.writerow([FORMULA.sub("'", visible(str(cell or ""))) for cell in cells])


def _as_json(facts: Iterable[Facts], about: Facts) -> Iterator[str]:
    yield json.dumps(about, cls=DjangoJSONEncoder, indent=1)[:-2] + ',\n "face_authentications": ['
    before = "\n"
    for row in facts:
        yield before + json.dumps(row)
        before = ",\n"
    yield "\n]}\n"


def _facts(rows: QuerySet[FaceAuthentication], *, with_fraud: bool) -> Iterator[Facts]:
    # A chunk at a time: not every database has a cursor that reads as it goes.
    rows = rows.select_related("user", "challenge").order_by("-pk")
    chunk = list(rows[:CHUNK])
    while chunk:
        for row in chunk:
            facts: Facts = {}
            for name in COLUMNS:
                try:
                    value = _value(row, name, with_fraud=with_fraud)
                except Exception as error:
                    unexpected_errors.note(error, f"authentication={row.pk} {name}")
                    value = None
                facts[name] = value.isoformat() if hasattr(value, "isoformat") else value
            yield facts
        chunk = list(rows.filter(pk__lt=chunk[-1].pk)[:CHUNK])


def _value(row: FaceAuthentication, column: str, *, with_fraud: bool) -> Any:
    match column:
        case "user":
            return row.user.get_username()
        case "action" | "state" | "reason":
            return getattr(getattr(row, "challenge", None), column, "")
        case "response_codes":
            return [code for code in row.codes if with_fraud or code not in FRAUD]
        case "risk_labels":
            return row.risk_labels if with_fraud else []
    return getattr(row, column)


export_csv: Final = _exporter("export_csv", _("Export as CSV"), "text/csv; charset=utf-8", _as_csv)
export_json: Final = _exporter("export_json", _("Export as JSON"), "application/json", _as_json)
