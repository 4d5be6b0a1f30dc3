"""A year of a site in a few statements: authentications, and all that hangs on them."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db import connection

from django_faceauth.models import (
    FaceAttempt,
    FaceAuthentication,
    FaceChallenge,
    StatusChange,
    WebhookEvent,
)

#: What hangs on others first.
TABLES = (WebhookEvent, FaceChallenge, StatusChange, FaceAttempt, FaceAuthentication)

#: One user for so many authentications.
EACH = 10
YEAR = 365 * 24 * 3600

#: How each database says: so many seconds ago.
AGO = {
    "postgresql": "now() - ({0}) * interval '1 second'",
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || ({0}) || ' seconds')",
    "mysql": "DATE_SUB(UTC_TIMESTAMP(6), INTERVAL ({0}) SECOND)",
}
#: Four of five are approved; the rest in equal parts.
STATUS = (
    "CASE WHEN n % 5 > 0 THEN 'approved' WHEN n % 15 = 0 THEN 'declined' "
    "WHEN n % 15 = 5 THEN 'retry_required' ELSE 'refused' END"
)
CODE = (
    "CASE WHEN n % 5 > 0 THEN 10000 WHEN n % 15 = 0 THEN 62321 "
    "WHEN n % 15 = 5 THEN 61203 ELSE 63001 END"
)


def write(count: int) -> None:
    """Write so many authentications, evenly over a year, and what hangs on each.

    An attempt, three steps, a challenge and an event.
    """
    users = User.objects.bulk_create(
        (User(username=f"customer{number}") for number in range(count // EACH)), batch_size=1000
    )
    _Year(count, min(user.pk for user in users), len(users)).write()
    _tidy_up()


def clear() -> None:
    """Take all of it away again."""
    with connection.cursor() as cursor:
        for model in TABLES:
            cursor.execute(f"DELETE FROM {_table(model)}")  # noqa: S608 - a table of ours
    User.objects.filter(username__startswith="customer").delete()
    _tidy_up()


class _Year:
    """Rows by number: the first is a minute old, the last a year."""

    def __init__(self, count: int, first_user: int, users: int) -> None:
        self.count = count
        self.user = f"{first_user} + n % {users}"
        self.second = YEAR / count
        number = "CAST(SUBSTR(provider_id, 5) AS DECIMAL)"
        self.rows = f"(SELECT id, {number} AS n FROM {_table(FaceAuthentication)})"  # noqa: S608

    def write(self) -> None:
        """Write them, table by table."""
        shared = {"user_id": self.user, "created_at": self._ago(0)}
        self._insert(
            FaceAuthentication,
            **shared,
            provider_id=_joined("'fav_'", "n"),
            applicant_id=_joined("'aplt_'", self.user),
            user_journey_id="'usj_aaaaaaaaaaaaaaaaaaaaaaaaaa'",
            environment="'sandbox'",
            status=STATUS,
            response_codes=_as_json(_joined("'[{\"code\": '", CODE, "'}]'")),
            code=CODE,
            risk_labels="'[]'",
            updated_at=self._ago(-40),
            last_change_at=self._ago(-40),
            poll_count="2",
        )
        self._hang(
            FaceAttempt,
            provider_id=_joined("'fatp_'", "n"),
            status="'completed'",
            response_codes="'[]'",
            created_at=self._ago(0),
            capture_not_before=self._ago(0),
            network="''",
        )
        steps = (("''", "'pending'", 0), ("'pending'", "'checks_in_progress'", -30))
        for previous, status, at in (*steps, ("'checks_in_progress'", STATUS, -40)):
            told = {"previous": previous, "status": status, "source": "'webhook'"}
            self._hang(StatusChange, **told, at=self._ago(at))
        self._hang(
            FaceChallenge,
            **shared,
            handle=_joined("'handle_'", "n"),
            session_digest="'digest'",
            action="'payout'",
            binding_digest="''",
            snapshot="'{}'",
            snapshot_order="'[]'",
            max_age="300",
            next_url="'/'",
            resume_url="''",
            return_url="''",
            state="'expired'",
            reason="''",
            method="'face'",
        )
        self._insert(
            WebhookEvent,
            event_id=_joined("'evt_'", "n"),
            type="'face_authentication_checks_completed'",
            provider_id=_joined("'fav_'", "n"),
            applicant_id="''",
            created_on=self._ago(-40),
            received_at=self._ago(-42),
            state="'processed'",
            tries="1",
            error="''",
            size="512",
        )

    def _ago(self, seconds: int) -> str:
        """Return the moment so many seconds before that of row `n`; the first is the newest."""
        return AGO[connection.vendor].format(f"{seconds} + 60 + n * {self.second}")

    def _hang(self, model: Any, **values: str) -> None:
        """Insert a row for each authentication."""
        self._into(model, self.rows, {"authentication_id": "found.id", **values})

    def _insert(self, model: Any, **values: str) -> None:
        """Insert as many rows as there are authentications."""
        self._into(model, "(SELECT n FROM numbers)", values)

    def _into(self, model: Any, rows: str, values: dict[str, str]) -> None:
        columns = ", ".join(map(connection.ops.quote_name, values))
        with connection.cursor() as cursor:
            if connection.vendor == "mysql":
                cursor.execute("SET SESSION max_recursive_iterations = 2000000")
            cursor.execute(
                f"INSERT INTO {_table(model)} ({columns}) "  # noqa: S608 - no value is foreign
                "WITH RECURSIVE numbers (n) AS "
                "(SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < %s) "
                f"SELECT {', '.join(values.values())} FROM {rows} found".replace("% ", "%% "),
                [self.count],
            )


def _table(model: Any) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _joined(*parts: str) -> str:
    if connection.vendor == "mysql":
        return f"CONCAT({', '.join(parts)})"
    return " || ".join(f"({part})" for part in parts)


def _as_json(text: str) -> str:
    return f"({text})::jsonb" if connection.vendor == "postgresql" else text


def _tidy_up() -> None:
    """Do what a database that has run for a while has done by itself."""
    commands = {"postgresql": "VACUUM ANALYZE {0}", "mysql": "ANALYZE TABLE {0}"}
    with connection.cursor() as cursor:
        for model in TABLES:
            cursor.execute(commands.get(connection.vendor, "ANALYZE {0}").format(_table(model)))
