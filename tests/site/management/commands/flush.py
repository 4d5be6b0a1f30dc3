"""The command by which Django empties the database after a test that commits."""

from __future__ import annotations

from typing import Any, Final

from django.core.management.color import no_style
from django.core.management.commands import flush
from django.db import connections

#: What `migrate` fills. Django would empty and fill them again, which takes ten times as long
#: as all the rest.
KEPT: Final = {"auth_permission", "django_content_type"}


class Command(flush.Command):
    """Empties all tables but those that `migrate` has filled."""

    def handle(self, **options: Any) -> None:
        """Flush one database."""
        connection = connections[options["database"]]
        there = connection.introspection.django_table_names(only_existing=True, include_views=False)
        statements = connection.ops.sql_flush(
            no_style(),
            [table for table in there if table not in KEPT],
            reset_sequences=options["reset_sequences"],
            allow_cascade=options["allow_cascade"],
        )
        connection.ops.execute_sql_flush(statements)
