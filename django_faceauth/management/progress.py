"""Progress bar in a terminal, nothing in a pipe.

Needs the extra `progress`; without it there is no bar.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

try:
    from tqdm import tqdm
except ImportError:  # pragma: no cover - the suite has it; tests hide it in a process of its own
    tqdm = None  # type: ignore[assignment,misc]


@contextmanager
def bar(total: int, unit: str) -> Iterator[Callable[[int], object]]:
    """Show a bar on the standard error of a terminal; yield a function that advances it."""
    if tqdm is None:
        yield int
        return
    # None: only in a terminal.
    with tqdm(total=total, unit=f" {unit}", disable=None if total else True, leave=False) as shown:
        yield shown.update
