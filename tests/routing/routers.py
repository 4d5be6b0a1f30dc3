"""Database routers of sites."""

from __future__ import annotations

import random
from typing import Any


class Ours:
    """Put every table into a database other than `default`."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "ours"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "ours"

    def allow_relation(self, first: Any, second: Any, **hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == "ours"


class Late:
    """Read our tables from a replica that never receives anything."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        is_ours = model._meta.app_label.startswith("faceauth")
        return random.choice(["replica"]) if is_ours else "default"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"

    def allow_relation(self, first: Any, second: Any, **hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return True


class AllLate(Late):
    """Read every table from it."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "replica"
