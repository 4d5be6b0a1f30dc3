"""How the tests of the bank are run."""

from __future__ import annotations

from typing import Any

from django.test.runner import DiscoverRunner


class DemoRunner(DiscoverRunner):
    """Runs tests as the demo runs, with DEBUG: its settings are for a simulator on this machine."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "debug_mode": True})
