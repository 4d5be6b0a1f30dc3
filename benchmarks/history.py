"""A year of authentications with everything that belongs to them."""

from __future__ import annotations

from datetime import timedelta
from itertools import cycle

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Max
from django.utils import timezone

from django_faceauth.models import (
    AttemptRequest,
    AuditEntry,
    FaceAttempt,
    FaceAuthentication,
    FaceChallenge,
    ReviewCase,
    StatusChange,
    WebhookEvent,
)

#: Authentications written row by row; more are copies of these.
FEW = 1_000
#: Parents first.
MODELS = (
    *(User, FaceAuthentication, FaceAttempt, StatusChange, FaceChallenge, WebhookEvent),
    AuditEntry,
)
APPROVED = [("approved", 10000)] * 4
OUTCOMES = [*APPROVED, ("declined", 62321), *APPROVED, ("refused", 63001)]


def write(count: int, *, with_details: bool = True) -> None:
    """Write finished authentications evenly over a year, ten of each user."""
    users = User.objects.bulk_create(User(username=f"customer{n}") for n in range(FEW // 10))
    rows = FaceAuthentication.objects.bulk_create(
        FaceAuthentication(
            user=users[number % len(users)],
            provider_id=f"fav_{number}",
            applicant_id=f"aplt_{number % len(users)}",
            user_journey_id="usj_" + "a" * 26,
            environment="sandbox",
            status=status,
            response_codes=[{"code": code}],
            code=code,
            poll_count=2,
        )
        for number, (status, code) in zip(range(FEW), cycle(OUTCOMES), strict=False)
    )
    now = timezone.now()
    for number, row in enumerate(rows, start=1):
        row.created_at = now - number * timedelta(days=365) / FEW
        row.last_change_at = row.created_at + timedelta(seconds=40)
    FaceAuthentication.objects.bulk_update(rows, ["created_at", "last_change_at"])
    if with_details:
        _write_details(rows)
    _copy_all(count // FEW - 1)
    _analyze()


def clear() -> None:
    """Delete all of it, and what other parts have left."""
    with connection.cursor() as cursor:
        for model in (AttemptRequest, ReviewCase, *reversed(MODELS[1:])):
            cursor.execute(f"DELETE FROM {model._meta.db_table}")  # noqa: S608 - a table of ours
        cursor.execute("DELETE FROM auth_user WHERE username LIKE 'customer%'")
    _analyze()


def _write_details(rows: list[FaceAuthentication]) -> None:
    """Write an attempt, three steps, a challenge, an event and an audit entry of each."""
    FaceAttempt.objects.bulk_create(
        FaceAttempt(
            authentication=row,
            provider_id=f"fatp_{row.pk}",
            status="completed",
            created_at=row.created_at,
            capture_not_before=row.created_at,
        )
        for row in rows
    )
    StatusChange.objects.bulk_create(
        StatusChange(
            authentication=row,
            previous=previous,
            status=status,
            source="webhook",
            at=row.created_at + timedelta(seconds=seconds),
        )
        for row in rows
        for seconds, previous, status in (
            (0, "", "pending"),
            (20, "pending", "checks_in_progress"),
            (40, "checks_in_progress", row.status),
        )
    )
    FaceChallenge.objects.bulk_create(
        FaceChallenge(
            authentication=row,
            user_id=row.user_id,
            handle=f"handle_{row.pk}",
            session_digest="digest",
            action="payout",
            max_age=300,
            next_url="/",
            state="expired",
            created_at=row.created_at,
        )
        for row in rows
    )
    WebhookEvent.objects.bulk_create(
        WebhookEvent(
            event_id=f"evt_{row.pk}",
            type="face_authentication_checks_completed",
            provider_id=row.provider_id or "",
            created_on=row.last_change_at,
            received_at=row.last_change_at + timedelta(seconds=2),
            state="processed",
            tries=1,
            size=512,
        )
        for row in rows
    )
    AuditEntry.objects.bulk_create(
        AuditEntry(
            at=row.created_at,
            event="synced" if number % 10 else "revoked",
            user_id=row.user_id,
            subject=f"faceauth.faceauthentication:{row.pk}",
        )
        for number, row in enumerate(rows)
    )


def _copy_all(times: int) -> None:
    """Copy every row in the database, with keys and names of its own."""
    step = max(model._default_manager.aggregate(last=Max("pk"))["last"] or 0 for model in MODELS)
    for model in MODELS if times else ():
        columns = {}
        for field in model._meta.concrete_fields:
            column = connection.ops.quote_name(field.column)
            columns[column] = column
            if field.primary_key or field.is_relation:
                columns[column] += f" + n * {step}"
            elif field.column in {"username", "handle", "event_id", "provider_id"}:
                columns[column] += " || '_' || n"
        table = connection.ops.quote_name(model._meta.db_table)
        only = "WHERE username LIKE 'customer%%'" if model is User else ""
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {table} ({', '.join(columns)}) "  # noqa: S608 - no value is foreign
                "WITH RECURSIVE numbers (n) AS "
                "(SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < %s) "
                f"SELECT {', '.join(columns.values())} FROM {table}, numbers {only}",
                [times],
            )


def _analyze() -> None:
    """Do what a database that has run for a while has done by itself."""
    command = "VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE"
    with connection.cursor() as cursor:
        for model in MODELS:
            cursor.execute(f"{command} {model._meta.db_table}")
