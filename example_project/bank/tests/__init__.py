"""What the bank promises its customers, tested with the kit of the package."""

from __future__ import annotations
