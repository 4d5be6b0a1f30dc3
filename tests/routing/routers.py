"""Routers as sites have them."""

from __future__ import annotations

import random
from typing import Any


class Ours:
    """Puts every table into a database that is not `default`."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "ours"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "ours"

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == "ours"


class Late:
    """Reads from a replica, as Django's documentation shows, which never hears of anything.

    Sites keep their sessions and users out of that; nothing else is.
    """

    def db_for_read(self, model: Any, **hints: Any) -> str:
        is_ours = model._meta.app_label.startswith("faceauth")
        return random.choice(["replica"]) if is_ours else "default"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return True
