"""What was measured, against what, and how to measure two things so that they compare."""

from __future__ import annotations

import gc
import resource
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import TypeVar

Item = TypeVar("Item")

#: Makes so many inputs for one batch; not timed.
Prepare = Callable[[int], Sequence[Item]]
#: Does the work with one of them; timed.
Run = Callable[[Item], object]
#: Gets what the work returned; not timed.
After = Callable[[object], object]


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table; `value` is what is held against the budget, if there is one."""

    what: str
    ours: str
    reference: str = ""
    value: float | None = None
    most: float | None = None
    least: float | None = None

    @property
    def is_over(self) -> bool:
        """Whether a budget is broken."""
        if self.value is None:
            return False
        too_much = self.most is not None and self.value > self.most
        return too_much or (self.least is not None and self.value < self.least)

    @property
    def cells(self) -> tuple[str, ...]:
        """What the table shows."""
        value = "" if self.value is None else f"{self.value:.2f}"
        bounds = [
            f"{sign} {bound:g}"
            for sign, bound in (("<=", self.most), (">=", self.least))
            if bound is not None
        ]
        verdict = ("over" if self.is_over else "ok") if bounds and value else ""
        return (self.what, self.ours, self.reference, value, " ".join(bounds), verdict)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two things that are compared."""

    prepare: Prepare
    run: Run
    after: After

    def batch(self, size: int) -> float:
        """Return the seconds that one item took, in a batch of `size`."""
        items, run = self.prepare(size), self.run
        gc.collect()
        gc.disable()
        begun = perf_counter()
        done = [run(item) for item in items]
        seconds = perf_counter() - begun
        gc.enable()
        for one in done:
            self.after(one)
        return seconds / size


def compare(
    what: str, ours: Side, reference: Side, *, batches: int, size: int, most: float | None = None
) -> Figure:
    """Run both in turns, so that whatever else the machine does meets both.

    The ratio is the median of those of neighbouring batches.
    """
    for side in (ours, reference):
        side.batch(size)  # warms up
    pairs = [_pair(ours, reference, size, number % 2) for number in range(batches)]
    return Figure(
        what,
        milliseconds(median(mine for mine, _ in pairs)),
        milliseconds(median(theirs for _, theirs in pairs)),
        median(mine / theirs for mine, theirs in pairs),
        most=most,
    )


def milliseconds(seconds: float) -> str:
    """Return a time as people read it."""
    return f"{seconds * 1000:.3f} ms"


def peak() -> float:
    """Return the most memory that this process ever held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _pair(ours: Side, reference: Side, size: int, turn: int) -> tuple[float, float]:
    if turn:
        theirs = reference.batch(size)
        return ours.batch(size), theirs
    mine = ours.batch(size)
    return mine, reference.batch(size)
