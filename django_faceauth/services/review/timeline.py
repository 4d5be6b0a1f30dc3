"""The history of one authentication, from all tables."""

from __future__ import annotations

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

#: The moments of a challenge, by field.
MOMENTS: Final[tuple[tuple[str, Promise], ...]] = (
    ("created_at", _("Check requested")),
    ("started_at", _("Attempt requested")),
    ("returned_at", _("Return from the camera page")),
    ("verified_at", _("Face captured (anchor)")),
    ("granted_at", _("Access granted")),
    ("session_rotated_at", _("User returned")),
    ("consumed_at", _("Grant used")),
    ("revoked_at", _("Grant revoked")),
    ("reported_at", _("User reported: this was not me")),
)


@dataclass(frozen=True, slots=True)
class Happening:
    """An event of a timeline; `status` is the one that it brought."""

    at: datetime
    what: str | Promise
    source: str | Promise
    detail: str = ""
    status: str = ""


def of(authentication: FaceAuthentication) -> list[Happening]:
    """Return the events of an authentication, oldest first, in six statements."""
    site, provider = _("the site"), _("the provider")
    events = [
        Happening(
            change.at, _("Status"), change.get_source_display(), change.previous, change.status
        )
        for change in StatusChange.objects.filter(authentication_id=authentication.pk)
    ]
    for attempt in authentication.attempts.all():
        created, number = attempt.created_at, attempt.provider_id
        events.append(Happening(created, _("Attempt created"), site, number, attempt.status))
        if attempt.capture_not_after:
            events.append(Happening(attempt.capture_not_after, _("Face captured by"), provider))
    if authentication.provider_id:
        for event in WebhookEvent.objects.filter(provider_id=authentication.provider_id):
            detail = f"{event.type} · {event.get_state_display()}"
            events.append(Happening(event.received_at, _("Webhook"), provider, detail))
    for challenge in FaceChallenge.objects.filter(authentication_id=authentication.pk)[:1]:
        details = {
            "created_at": challenge.action,
            "granted_at": challenge.method,
            "revoked_at": challenge.reason,
        }
        for name, what in MOMENTS:
            at = getattr(challenge, name)
            if at is not None:
                events.append(Happening(at, what, _("the gate"), details.get(name, "")))
    for verdict in authentication.verdicts.select_related("reviewer"):
        reviewer = str(verdict.reviewer) if verdict.reviewer else _("staff")
        detail = ": ".join(filter(None, [str(verdict.get_finding_display()), verdict.note]))
        events.append(Happening(verdict.at, _("Verdict"), reviewer, detail))
    entries = AuditEntry.objects.filter(subject=audit_log.subject_of(authentication))
    # A verdict has a row of its own, with more in it.
    for entry in entries.exclude(event=AuditEntry.Event.VERDICT).select_related("by"):
        events.append(Happening(entry.at, entry.get_event_display(), entry.author))
    return sorted(events, key=lambda event: event.at)
