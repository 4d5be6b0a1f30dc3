"""The dashboard: outcomes, reasons, times and stuck work."""

from __future__ import annotations

import re
from collections import namedtuple
from datetime import timedelta
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from django.test import override_settings
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_faceauth.admin.dashboard import (
    BASE,
    LEFT,
    LOWEST_PART,
    MOST_DATES,
    OUTCOMES,
    RIGHT,
    WINDOWS,
    chart,
)
from django_faceauth.models import FaceAuthentication, WebhookEvent
from django_faceauth.response_codes import MEANINGS
from django_faceauth.statuses import LABELS
from tests.sweeping import sweep_for
from tests.user_driver import scripted

pytestmark = pytest.mark.database

SVG = re.compile(r"<svg class=\"faceauth-(?:chart|spark)\".*?</svg>", re.S)
Figure = namedtuple("Figure", ["name", "value", "hint", "url", "fix"])


@pytest.fixture
def reader(staff):
    """A member of staff who may view authentications, and no fraud codes."""
    return staff("reader")


def page(who, **query):
    response = who.opens("dashboard", **query)
    assert response.status_code == 200
    return response.content.decode()


def figures(who):
    return [Figure(*figure) for figure in who.opens("dashboard").context["figures"]]


# -- what it says


def test_outcomes_are_drawn_and_listed(reader, people):
    """Each outcome has a pattern of its own: colours are not needed, nor scripts, nor names."""
    people(name="zelda").passes("/statements/")
    people().passes("/statements/", "no_camera")

    html = page(reader)

    assert f"March 1, 2026: {LABELS['approved']} 1, {LABELS['retry_required']} 1" in html
    assert "61203" in html
    assert "zelda" not in html  # L-02
    drawn = re.findall(r'<rect class="faceauth-bar faceauth-bar-(\w+)" x=', html)
    assert drawn == ["approved", "retry_required"]
    table = re.search(r"<tbody>(.*?)</tbody>", html, re.S)[1]
    first = re.search(r"<tr>(.*?)</tr>", table)[1]
    assert re.findall(r">([^<>]+)<", first) == ["March 1, 2026", "1", "0", "1", "0", "0"]
    patterns = re.findall(r'<pattern id="([\w-]+)".*?</pattern>', html)
    shapes = re.findall(r"<pattern [^>]*>(?:<rect[^>]*>)(.*?)</pattern>", html)
    swatches = re.findall(r'faceauth-swatch.*?fill="url\(#([\w-]+)\)"', html)
    assert patterns == swatches
    assert len(set(patterns)) == len(set(shapes)) == 5
    content = html.partition('id="content-main"')[2].partition('id="footer"')[0]
    assert content
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=|javascript:", content)


@pytest.mark.parametrize("language", ["en", "de", "ar", "fr"])
def test_charts_are_pictures_with_a_name_in_every_language(reader, people, language):
    """A comma for a point would break a picture."""
    people().passes("/statements/", "no_camera")
    with override_settings(LANGUAGE_CODE=language, USE_THOUSAND_SEPARATOR=True):
        html = page(reader)

    charts = SVG.findall(html)
    assert len(charts) == 2
    for svg in charts:
        picture = ElementTree.fromstring(svg)
        named = {element.get("id") for element in picture if element.tag in {"title", "desc"}}
        assert picture.get("role") == "img"
        assert set(picture.get("aria-labelledby").split()) == named
        for value in re.findall(r'\s(?:x|y|x1|x2|y1|y2|width|height)="([^"]*)"', svg):
            float(value)
    assert ('dir="rtl"' in html) == (language == "ar")


# -- the chart

numbers = st.integers(0, 10**9)


def drawn(rows):
    """Return the chart of these counts."""
    texts = [str(number) for number in range(len(rows))]
    return chart(list(zip(texts, rows, strict=True)), texts)


# A busy machine may take seconds for the first example.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(*[numbers] * len(OUTCOMES)), min_size=1, max_size=90))
def test_every_part_lies_within_the_chart(rows):
    """Whatever the numbers are: none outside, and none beside the one that it stands on."""
    found = drawn(rows)

    assert 1 <= len(found["dates"]) <= MOST_DATES
    assert found["dates"][0][1] == str(len(rows) - 1)
    for row, bar in zip(rows, found["bars"], strict=True):
        assert len(bar["parts"]) == sum(map(bool, row))
        assert LEFT <= bar["x"] <= bar["x"] + found["width"] <= RIGHT
        for _name, y, height in bar["parts"]:
            assert 0 <= y <= y + height <= BASE + 0.2
        for (_below, y, _height), (_above, top, height) in pairwise(bar["parts"]):
            assert abs(top + height - y) < 0.2


@pytest.mark.parametrize(
    ("highest", "lines"),
    [
        (0, [0, 1, 2]),
        (1, [0, 1, 2]),
        (3, [0, 2, 4]),
        (10, [0, 5, 10]),
        (11, [0, 10, 20]),
        (301, [0, 200, 400]),
        (501, [0, 300, 600]),
    ],
)
def test_lines_stand_at_round_numbers(highest, lines):
    found = drawn([(highest, 0, 0, 0, 0), (highest * 10**6, 1, 0, 0, 0)])
    assert all(bar["parts"][-1][2] >= LOWEST_PART for bar in found["bars"] if bar["parts"])
    assert [value for _y, value in drawn([(highest, 0, 0, 0, 0)])["lines"]] == lines


# -- the window


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        *((str(days), days) for days in WINDOWS),
        *((other, 7) for other in ("", "0", "8", "-1", "9" * 50, "%00", "7.0", "<b>", "\u0667")),
    ],
)
def test_a_window_can_be_chosen(reader, asked, shown):
    html = page(reader, days=asked)

    assert f'<option value="{shown}" selected>' in html
    assert "<b>" not in html
    rows = re.search(r"<tbody>(.*?)</tbody>", html, re.S)[1].count("<tr>")
    assert rows == (24 if shown == 1 else shown)


# -- fraud


def test_fraud_codes_are_for_those_who_may_see_them(staff, reader, people):
    """V-12."""
    people(scripted("62321")).passes("/statements/")

    hidden, shown = page(reader), page(staff("reviewer"))

    assert "62321" not in hidden
    assert str(MEANINGS[62321]) not in hidden
    assert '<th scope="row">' in hidden
    assert "62321" in shown
    assert str(MEANINGS[62321]) in shown


# -- health


def test_the_cost_of_a_check_is_shown(reader, people):
    people().passes("/statements/")

    (cost,) = (figure for figure in figures(reader) if "Reads and writes" in figure.name)

    assert cost.value == "2.0 + 2.0"
    assert "1 % of the account" in cost.hint


def test_each_bad_figure_links_to_its_rows_and_says_the_cure(reader, people):
    """(F-62): a row that is stuck in each way, beside others that are not."""
    rows = [people() for _ in range(4)]
    for row in rows:
        row.is_handed_over(row.is_asked("/statements/"))
    now = timezone.now()
    for number in range(3):
        WebhookEvent.objects.create(
            event_id=f"evt_{number}",
            received_at=now,
            due_at=now - timedelta(minutes=6) if number else now,
        )
    here = FaceAuthentication.objects.all()
    here.update(created_at=now - timedelta(hours=2), next_poll_at=now)
    here.filter(user=rows[0].user).update(next_poll_at=now - timedelta(minutes=6))
    here.filter(user=rows[1].user).update(status="invented_tomorrow")
    here.filter(user=rows[2].user).update(
        status="checks_in_progress", last_change_at=now - timedelta(minutes=61)
    )

    bad = [figure for figure in figures(reader) if figure.fix]

    assert [figure.value for figure in bad] == ["2", "1", "1", "1"]
    for figure in bad:
        shown = reader.browser.get(figure.url)
        assert str(shown.context["cl"].result_count) == figure.value
        assert figure.fix
        assert figure.url in page(reader).replace("&amp;", "&")


def test_ordinary_use_needs_no_attention(reader, person, people):
    """(F-62): also when a user has left the camera page."""
    assert {figure.value for figure in figures(reader)} == {"\N{EN DASH}", "0", "0 %"}
    person.visitor.open(person.is_handed_over(person.is_asked("/statements/")))
    person.clock.shift(5)
    sweep_for(person.clock, timedelta(hours=3))

    assert [figure.name for figure in figures(reader) if figure.fix] == []

    people().passes("/statements/")
    median, percentile, *_ = figures(reader)
    assert median.value == percentile.value
    assert median.value.endswith(" s")
    assert "1" in median.hint
