"""Face re-authentication for sensitive Django pages."""

from __future__ import annotations

__version__ = "0.1.0"
