"""The history of one authentication, from all tables."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple

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
from django_faceauth.services.grants.formatting import visible
from django_faceauth.statuses import LABELS

#: Events so soon after the first one of a line stand in that line.
FOLDED: Final = timedelta(seconds=1)

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


class Happening(NamedTuple):
    """An event of a timeline; `status` is the one that it brought, `state` the one after it."""

    at: datetime
    what: str | Promise
    source: str | Promise
    detail: str | Promise = ""
    status: str | Promise = ""
    state: str | Promise = ""


def lines(authentication: FaceAuthentication) -> list[list[Happening]]:
    """Return the events of an authentication by second, oldest first."""
    lines: list[list[Happening]] = []
    state: str | Promise = ""
    for event in of(authentication):
        state = event.status or state
        if not lines or event.at - lines[-1][0].at >= FOLDED:
            lines.append([])
        lines[-1].append(event._replace(state=state))
    return lines


def of(authentication: FaceAuthentication) -> list[Happening]:
    """Return the events of an authentication, oldest first, in six statements."""
    site, provider = _("the site"), _("the provider")
    asked: list[Happening] = []
    events: list[Happening] = []
    for change in StatusChange.objects.filter(authentication_id=authentication.pk):
        labels = [LABELS.get(name, name) for name in (change.previous, change.status)]
        events.append(Happening(change.at, _("Status"), change.get_source_display(), *labels))
    for attempt in authentication.attempts.all():
        created, number = attempt.created_at, attempt.provider_id
        events.append(Happening(created, _("Attempt created"), site, number))
        if attempt.capture_not_after:
            events.append(Happening(attempt.capture_not_after, _("Face captured by"), provider))
    if authentication.provider_id:
        for event in WebhookEvent.objects.filter(provider_id=authentication.provider_id):
            events.append(Happening(event.received_at, _("Webhook"), provider, visible(event.type)))
    for challenge in FaceChallenge.objects.filter(authentication_id=authentication.pk)[:1]:
        details = {
            "created_at": challenge.action,
            "granted_at": challenge.method,
            "revoked_at": challenge.reason,
        }
        moments = dict(MOMENTS)
        if challenge.granted_at is None:
            moments["revoked_at"] = _("Closed to other methods")
        for name, what in moments.items():
            at = getattr(challenge, name)
            if at is not None:
                group = asked if name in {"created_at", "started_at"} else events
                group.append(Happening(at, what, _("the gate"), details.get(name, "")))
    for verdict in authentication.verdicts.select_related("reviewer"):
        reviewer = visible(str(verdict.reviewer)) if verdict.reviewer else _("staff")
        words = filter(None, [str(verdict.get_finding_display()), visible(verdict.note)])
        events.append(Happening(verdict.at, _("Verdict"), reviewer, ": ".join(words)))
    entries = AuditEntry.objects.filter(subject=audit_log.subject_of(authentication))
    # A verdict has a row of its own, with more in it.
    for entry in entries.exclude(event=AuditEntry.Event.VERDICT).select_related("by"):
        events.append(Happening(entry.at, entry.get_event_display(), entry.author))
    return sorted([*asked, *events], key=lambda event: event.at)
