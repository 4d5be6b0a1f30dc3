"""Everything that happened around one authentication, in one column."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from django_faceauth.models import (
    AuditEntry,
    FaceAuthentication,
    FaceChallenge,
    StatusChange,
    WebhookEvent,
)
from django_faceauth.services import audit_log

#: What the moments of a challenge are called.
MOMENTS: Final[tuple[tuple[str, Promise], ...]] = (
    ("created_at", _("The gate asked")),
    ("started_at", _("An attempt was asked for")),
    ("returned_at", _("The user came back")),
    ("verified_at", _("Face shown (anchor)")),
    ("granted_at", _("The gate opened")),
    ("session_rotated_at", _("The browser came through")),
    ("consumed_at", _("Used up, once")),
    ("revoked_at", _("Taken back")),
    ("reported_at", _("The user said: that was not me")),
)


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing at one moment; `source` is who told or did it, `status` the status it brought."""

    at: datetime
    what: str | Promise
    source: str | Promise
    detail: str = ""
    status: str = ""


def of(authentication: FaceAuthentication) -> list[Happening]:
    """Return what happened, the oldest first: six statements, however much that is."""
    found = [
        *_changes(authentication),
        *_attempts(authentication),
        *_deliveries(authentication),
        *_question(authentication),
        *_verdicts(authentication),
        *_entries(authentication),
    ]
    return sorted(found, key=lambda happening: happening.at)


def _changes(row: FaceAuthentication) -> Iterator[Happening]:
    for change in StatusChange.objects.filter(authentication_id=row.pk):
        source = change.get_source_display()
        yield Happening(change.at, _("Status"), source, change.previous, change.status)


def _attempts(row: FaceAuthentication) -> Iterator[Happening]:
    for attempt in row.attempts.all():
        made = attempt.created_at
        yield Happening(made, _("Attempt made"), _("the site"), attempt.provider_id, attempt.status)
        if attempt.capture_not_after:
            yield Happening(attempt.capture_not_after, _("Face shown by then"), _("the provider"))


def _deliveries(row: FaceAuthentication) -> Iterator[Happening]:
    events = WebhookEvent.objects.filter(provider_id=row.provider_id) if row.provider_id else ()
    for event in events:
        detail = f"{event.type} · {event.get_state_display()}"
        yield Happening(event.received_at, _("Webhook"), _("the provider"), detail)


def _question(row: FaceAuthentication) -> Iterator[Happening]:
    challenge = FaceChallenge.objects.filter(authentication_id=row.pk).first()
    for name, what in MOMENTS:
        at = getattr(challenge, name, None)
        if at is not None:
            yield Happening(at, what, _("the gate"), _detail_of(challenge, name))


def _detail_of(challenge: FaceChallenge | None, name: str) -> str:
    if challenge is None or name not in {"created_at", "revoked_at"}:
        return ""
    return challenge.action if name == "created_at" else challenge.reason


def _verdicts(row: FaceAuthentication) -> Iterator[Happening]:
    for verdict in row.verdicts.select_related("reviewer"):
        who = str(verdict.reviewer) if verdict.reviewer else _("staff")
        detail = ": ".join(filter(None, [str(verdict.get_finding_display()), verdict.note]))
        yield Happening(verdict.at, _("Verdict"), who, detail)


def _entries(row: FaceAuthentication) -> Iterator[Happening]:
    about = AuditEntry.objects.filter(subject=audit_log.subject_of(row)).select_related("by")
    # A verdict has a row of its own, with more in it.
    for entry in about.exclude(event=AuditEntry.Event.VERDICT):
        yield Happening(entry.at, entry.get_event_display(), entry.author)
