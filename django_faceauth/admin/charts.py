"""Where the parts of a chart lie: numbers for a template that draws SVG. No HTML here.

A chart is so wide and so high in units of its own; it is drawn from left to right in every
language, as clocks and calendars of numbers are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 640
HEIGHT: Final = 220
#: Room for the numbers at the left, a little air, and room for the dates below.
LEFT: Final = 44
RIGHT: Final = 18
TOP: Final = 10
BOTTOM: Final = 26

#: About so many dates have room next to each other.
MOST_DATES: Final = 8
#: How many lines stand above each other, the best number first.
LINES: Final = (4, 5, 2, 1)
#: A bar takes so much of its place, and is no wider than that.
SHARE: Final = 0.8
WIDEST: Final = 40.0
#: What is there can be seen, however little it is.
LOWEST: Final = 1.5

SPARK_WIDTH: Final = 160
SPARK_HEIGHT: Final = 28


@dataclass(frozen=True, slots=True)
class Part:
    """One rectangle of a bar; `name` is that of its series."""

    name: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """The parts that stand on each other at one date, and what they say."""

    title: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """A line or a date at the edge, and its text."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars, the lines behind them, and the dates below."""

    bars: tuple[Bar, ...]
    lines: tuple[Mark, ...]
    dates: tuple[Mark, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    base: int = HEIGHT - BOTTOM


@dataclass(frozen=True, slots=True)
class Spark:
    """A small line: how one number went."""

    points: str
    width: int = SPARK_WIDTH
    height: int = SPARK_HEIGHT


def stacked(
    series: Sequence[tuple[str, Sequence[int]]], *, labels: Sequence[str], titles: Sequence[str]
) -> Chart:
    """Return bars of several series, the first at the bottom.

    `labels` are the dates as they are written below, `titles` what each bar has to say.
    """
    sums = [sum(numbers) for numbers in zip(*(values for _name, values in series), strict=True)]
    top = ceiling(max(sums, default=0))
    place = (WIDTH - LEFT - RIGHT) / max(len(labels), 1)
    columns = [Bar(title, _parts(series, index, place, top)) for index, title in enumerate(titles)]
    every = -(-len(labels) // MOST_DATES)
    dates = [
        Mark(_middle(index, place), label)
        for index, label in enumerate(labels)
        if (len(labels) - 1 - index) % every == 0  # the newest always has its date
    ]
    lines = [Mark(_height(value, top), str(value)) for value in steps(top)]
    return Chart(tuple(columns), tuple(lines), tuple(dates))


def spark(values: Sequence[int]) -> Spark:
    """Return how a number went, from nothing to its own highest."""
    highest, last = max(values, default=0) or 1, max(len(values) - 1, 1)
    points = (
        f"{1 + index * (SPARK_WIDTH - 2) / last:.1f},"
        f"{SPARK_HEIGHT - 2 - value * (SPARK_HEIGHT - 4) / highest:.1f}"
        for index, value in enumerate(values)
    )
    return Spark(" ".join(points))


def ceiling(value: int) -> int:
    """Return the round number that an axis ends at: 1, 2 or 5 times a power of ten, or 4."""
    size = 1
    while size * 10 < value:
        size *= 10
    return next(size * factor for factor in (1, 2, 4, 5, 10) if size * factor >= value)


def steps(top: int) -> list[int]:
    """Return the numbers beside an axis: whole ones, from nothing to the top."""
    count = next(count for count in LINES if top % count == 0)
    return [top * number // count for number in range(count + 1)]


def _parts(
    series: Sequence[tuple[str, Sequence[int]]], index: int, place: float, top: int
) -> tuple[Part, ...]:
    parts, width, base = [], min(place * SHARE, WIDEST), float(HEIGHT - BOTTOM)
    for name, values in series:
        if values[index]:
            height = max(values[index] / top * (HEIGHT - BOTTOM - TOP), LOWEST)
            base -= height
            left = _middle(index, place) - width / 2
            parts.append(Part(name, *(round(number, 1) for number in (left, base, width, height))))
    return tuple(parts)


def _middle(index: int, place: float) -> float:
    return round(LEFT + (index + 0.5) * place, 1)


def _height(value: int, top: int) -> float:
    return round(HEIGHT - BOTTOM - value / top * (HEIGHT - BOTTOM - TOP), 1)
