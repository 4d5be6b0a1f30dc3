"""Rows that are written once: no update, no deletion through the ORM (L-03)."""

from __future__ import annotations

from typing import Any, NoReturn, TypeVar

from django.db import models

from django_faceauth.models.database import Row, Rows

Kept = TypeVar("Kept", bound=models.Model)


class AppendOnlyError(TypeError):
    """Somebody tried to change or to delete what is only ever added to."""


class AppendOnlyQuerySet(Rows[Kept]):
    """A queryset that reads and adds.

    What goes with the row that it hangs on (a cascade), and what retention purges, uses the
    base manager.
    """

    def update(self, **_values: Any) -> NoReturn:
        """Refuse: history is not edited."""
        raise AppendOnlyError(f"{self.model._meta.object_name} is append-only")

    def bulk_update(self, *_args: Any, **_options: Any) -> NoReturn:
        """Refuse: history is not edited."""
        raise AppendOnlyError(f"{self.model._meta.object_name} is append-only")

    def delete(self) -> NoReturn:
        """Refuse: history is not deleted."""
        raise AppendOnlyError(f"{self.model._meta.object_name} is append-only")


class AppendOnly(Row):
    """A row that is written once."""

    objects = AppendOnlyQuerySet.as_manager()  # type: ignore[misc]  # as Row declares it

    class Meta:
        abstract = True
        default_permissions = ("view",)

    def save(self, *args: Any, **options: Any) -> None:
        """Add the row; raise `AppendOnlyError` if it is there already."""
        if not self._state.adding:
            raise AppendOnlyError(f"{self._meta.object_name} is append-only")
        super().save(*args, **{**options, "force_insert": True})

    def delete(self, *_args: Any, **_options: Any) -> NoReturn:
        """Refuse: history is not deleted."""
        raise AppendOnlyError(f"{self._meta.object_name} is append-only")
