"""Time and statements of the package as ratios: `python -m benchmarks`."""

from __future__ import annotations
