"""Business logic, called by gates, views, commands and tasks."""

from __future__ import annotations
