"""What this package costs, as ratios against the least that would do: `python -m benchmarks`."""

from __future__ import annotations
