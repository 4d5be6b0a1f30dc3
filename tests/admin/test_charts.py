"""Where the parts of a chart lie."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_faceauth.admin import charts

numbers = st.integers(0, 10**9)


@pytest.mark.parametrize(
    ("value", "top"),
    [(0, 1), (1, 1), (2, 2), (3, 4), (5, 5), (6, 10), (10, 10), (11, 20), (301, 400), (501, 1000)],
)
def test_an_axis_ends_at_a_round_number(value, top):
    assert charts.ceiling(value) == top


@pytest.mark.parametrize(
    ("top", "lines"),
    [
        (1, [0, 1]),
        (2, [0, 1, 2]),
        (5, [0, 1, 2, 3, 4, 5]),
        (10, [0, 2, 4, 6, 8, 10]),
        (20, [0, 5, 10, 15, 20]),
        (100, [0, 25, 50, 75, 100]),
    ],
)
def test_lines_stand_at_whole_numbers(top, lines):
    assert charts.steps(top) == lines


@given(st.lists(st.tuples(numbers, numbers, numbers), min_size=1, max_size=90))
def test_every_part_lies_within_the_picture(rows):
    """Whatever the numbers are: no part outside, and none beside the one that it stands on."""
    series = [(f"s{number}", [row[number] for row in rows]) for number in range(3)]
    texts = [str(number) for number in range(len(rows))]

    chart = charts.stacked(series, labels=texts, titles=texts)

    assert len(chart.bars) == len(rows)
    assert 1 <= len(chart.dates) <= charts.MOST_DATES
    for row, bar in zip(rows, chart.bars, strict=True):
        assert len(bar.parts) == sum(map(bool, row))
        for part in bar.parts:
            assert charts.LEFT <= part.x <= part.x + part.width <= charts.WIDTH
            assert 0 <= part.y <= part.y + part.height <= charts.HEIGHT - charts.BOTTOM + 0.2
        for below, above in pairwise(bar.parts):
            assert above.x == below.x
            assert abs(above.y + above.height - below.y) < 0.2


def test_the_highest_bar_reaches_its_line():
    chart = charts.stacked([("a", [10, 5])], labels=["x", "y"], titles=["", ""])

    high, low = (bar.parts[0] for bar in chart.bars)

    assert high.y == chart.lines[-1].at == charts.TOP
    assert low.height == pytest.approx(high.height / 2, abs=0.1)


def test_one_among_a_million_can_be_seen():
    chart = charts.stacked([("a", [10**6]), ("b", [1])], labels=["x"], titles=[""])

    assert chart.bars[0].parts[1].height == charts.LOWEST


def test_the_newest_always_has_its_date():
    texts = [str(number) for number in range(90)]

    chart = charts.stacked([("a", [1] * 90)], labels=texts, titles=texts)

    assert chart.dates[-1].text == "89"


@given(st.lists(numbers, max_size=90))
def test_a_small_line_stays_in_its_box(values):
    spark = charts.spark(values)

    points = [tuple(map(float, point.split(","))) for point in spark.points.split()]
    assert len(points) == len(values)
    assert all(0 <= x <= spark.width and 0 <= y <= spark.height for x, y in points)
