"""The simulator's memory."""

from __future__ import annotations

from django.db import models


class StoredCase(models.Model):
    """One face authentication with its attempts, as a document."""

    id = models.CharField(primary_key=True, max_length=64)
    document = models.JSONField()

    def __str__(self) -> str:
        return self.id
