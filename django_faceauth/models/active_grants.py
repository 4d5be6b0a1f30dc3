"""Active grants of a session, in one SQL statement.

Written by hand: every request to a gated page waits for it, and the ORM takes ten times as long
to build it (`benchmarks/gate.py`). Subqueries in place of joins, because PostgreSQL plans them
sooner; the few rows are compared and sorted in Python.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final, NamedTuple

from django.db import connections, router

from django_faceauth.models.authentication import FaceAuthentication
from django_faceauth.models.challenge import FACE, FaceChallenge
from django_faceauth.models.enrolment import Applicant
from django_faceauth.statuses import AuthenticationStatus

STATEMENT: Final = """
SELECT held.id, held.handle, held.action, held.binding_digest, held.method,
  (SELECT status FROM {authentication} WHERE id = held.authentication_id AND erased_at IS NULL),
  (SELECT applicant_id FROM {authentication} WHERE id = held.authentication_id),
  (SELECT applicant_id FROM {applicant} WHERE user_id = held.user_id),
  held.is_same_network, held.verified_at, held.granted_at, held.session_rotated_at
FROM {challenge} held
WHERE held.session_digest IN ({places}) AND held.user_id = %s AND held.action = %s
  AND held.state = 'granted' AND held.verified_at > %s
"""


class Grant(NamedTuple):
    """A granted challenge, with the columns that the gate needs."""

    pk: int
    handle: str
    user_id: Any
    action: str
    binding_digest: str
    method: str
    is_same_network: bool | None
    verified_at: datetime
    granted_at: datetime | None
    session_rotated_at: datetime | None

    def __str__(self) -> str:
        return f"challenge {self.pk}"


def standing(*, user_id: Any, digests: Sequence[str], action: str, since: datetime) -> list[Grant]:
    """Return the active grants of a session for `action` anchored after `since`, newest first.

    A grant by a face counts only while the provider's approval and the user's enrolment are
    unchanged; a grant in another way depends on the site alone.
    """
    # A replica may not have received a revocation yet.
    connection = connections[router.db_for_write(FaceChallenge)]
    user = FaceChallenge._meta.get_field("user").get_db_prep_value(user_id, connection)
    moment = connection.ops.adapt_datetimefield_value(since)
    with connection.cursor() as cursor:
        statement = _statement(connection.alias, len(digests))
        cursor.execute(statement, [*digests, user, action, moment])
        rows = cursor.fetchall()
    column = FaceChallenge._meta.get_field("verified_at").cached_col
    converters = connection.ops.get_db_converters(column)
    grants = []
    for row in rows:
        pk, handle, row_action, digest, method, status, face_of, applicant, same, *moments = row
        is_backed = (
            status == AuthenticationStatus.APPROVED
            and face_of == applicant
            and applicant is not None
        )
        # Compared here: some databases match "Payout" with "payout", "Approved" with "approved".
        if row_action == action and (method != FACE or is_backed):
            for convert in converters:
                moments = [convert(value, column, connection) for value in moments]
            is_same = None if same is None else bool(same)  # an integer, but on PostgreSQL
            grants.append(Grant(pk, handle, user_id, row_action, digest, method, is_same, *moments))
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
