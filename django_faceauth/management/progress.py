"""How far a long command is: a bar in a terminal, nothing in a pipe.

Needs the extra `progress`; without it there is no bar.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

try:
    from tqdm import tqdm
except ImportError:  # pragma: no cover - the suite has it; tests hide it in a process of its own
    tqdm = None  # type: ignore[assignment,misc]

#: Tells how many more are done.
Step = Callable[[int], object]


@contextmanager
def bar(total: int, unit: str) -> Iterator[Step]:
    """Show a bar on the standard error of a terminal while the block runs; give its steps."""
    if tqdm is None:
        yield int
        return
    # None: only where somebody looks at it.
    with tqdm(total=total, unit=f" {unit}", disable=None if total else True, leave=False) as shown:
        yield shown.update
