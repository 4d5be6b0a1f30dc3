"""Test runner of the bank."""

from __future__ import annotations

from typing import Any

from django.test.runner import DiscoverRunner


class DemoRunner(DiscoverRunner):
    """Runs with DEBUG, because the settings are for a simulator on this machine."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "debug_mode": True})
