"""What type checkers say about code that uses the package: `make types` runs them over it."""

from __future__ import annotations
