"""The one statement of an open gate.

By hand: every request to a gated page waits for it, and the ORM takes ten times as long to
say the same (`benchmarks/gate.py`). Look-ups in place of joins, because PostgreSQL plans them
sooner; and what few rows are found is compared and sorted here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final

from django.db import connections, router

from django_faceauth.models.authentication import FaceAuthentication
from django_faceauth.models.challenge import FACE, FaceChallenge
from django_faceauth.models.enrolment import Applicant
from django_faceauth.statuses import AuthenticationStatus

STATEMENT: Final = """
SELECT asked.id, asked.handle, asked.action, asked.binding_digest, asked.method,
  (SELECT status FROM {authentication} WHERE id = asked.authentication_id AND erased_at IS NULL),
  (SELECT applicant_id FROM {authentication} WHERE id = asked.authentication_id),
  (SELECT applicant_id FROM {applicant} WHERE user_id = asked.user_id),
  asked.verified_at, asked.granted_at, asked.session_rotated_at
FROM {challenge} asked
WHERE asked.session_digest IN ({places}) AND asked.user_id = %s AND asked.action = %s
  AND asked.state = 'granted' AND asked.verified_at > %s
"""


@dataclass(frozen=True, slots=True)
class Grant:
    """A granted challenge, with the columns that the gate needs."""

    pk: int
    handle: str
    user_id: Any
    action: str
    binding_digest: str
    method: str
    verified_at: datetime
    granted_at: datetime | None
    session_rotated_at: datetime | None

    def __str__(self) -> str:
        return f"challenge {self.pk}"


def standing(*, user_id: Any, digests: Sequence[str], action: str, since: datetime) -> list[Grant]:
    """Return the grants of a session for `action` by their anchor, the newest first.

    Only those that the provider and the site's own enrolment still stand behind;
    behind what was granted in another way stands the site alone. Anchors lie after `since`.
    """
    # A replica may not have heard of a revocation yet.
    connection = connections[router.db_for_write(FaceChallenge)]
    asker = FaceChallenge._meta.get_field("user").get_db_prep_value(user_id, connection)
    moment = connection.ops.adapt_datetimefield_value(since)
    with connection.cursor() as cursor:
        statement = _statement(connection.alias, len(digests))
        cursor.execute(statement, [*digests, asker, action, moment])
        rows = cursor.fetchall()
    grants = [_grant(row, user_id, connection) for row in rows if _stands(row, action)]
    return sorted(grants, key=lambda grant: grant.verified_at, reverse=True)


@cache
def _statement(alias: str, digests: int) -> str:
    quote = connections[alias].ops.quote_name
    return STATEMENT.format(
        authentication=quote(FaceAuthentication._meta.db_table),
        applicant=quote(Applicant._meta.db_table),
        challenge=quote(FaceChallenge._meta.db_table),
        places=", ".join(["%s"] * digests),
    )


def _stands(row: tuple[Any, ...], action: str) -> bool:
    _pk, _handle, named, _digest, method, status, asked_for, applicant = row[:8]
    # Compared here: some databases take "Payout" for "payout", and "Approved" for "approved".
    if named != action:
        return False
    is_backed = status == AuthenticationStatus.APPROVED and asked_for == applicant
    return bool(method != FACE or (is_backed and applicant is not None))


def _grant(row: tuple[Any, ...], user_id: Any, connection: Any) -> Grant:
    pk, handle, action, digest, method, *_backing, verified_at, granted_at, session_rotated_at = row
    moments = (
        _moment(value, connection) for value in (verified_at, granted_at, session_rotated_at)
    )
    return Grant(pk, handle, user_id, action, digest, method, *moments)


def _moment(value: Any, connection: Any) -> Any:
    column = FaceChallenge._meta.get_field("verified_at").cached_col
    for convert in connection.ops.get_db_converters(column):
        value = convert(value, column, connection)
    return value
