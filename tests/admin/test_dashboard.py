"""The dashboard: outcomes, reasons, times and stuck work."""

from __future__ import annotations

import re
from collections import namedtuple
from datetime import timedelta
from html import unescape
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from django.test import override_settings
from django.utils import timezone
from django.utils.html import escape
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
from django_faceauth.models import FaceAuthentication, ProviderRateLimit, WebhookEvent
from django_faceauth.response_codes import MEANINGS
from django_faceauth.statuses import LABELS
from tests.sweeping import sweep_for
from tests.user_driver import scripted
from tests.webhook_deliveries import deliver, event

pytestmark = pytest.mark.database

Figure = namedtuple("Figure", ["name", "value", "hint", "url", "rows", "fix"])


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
    cells = ["March 1, 2026", "1", "none", "1", "none", "none"]
    assert re.findall(r">([^<>]+)<", first) == cells
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

    svg = re.search(r'<svg class="faceauth-chart".*?</svg>', html, re.S)[0]
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


def links_of(html):
    """Return the links of the page to lists, by what they say."""
    content = html.partition('id="content-main"')[2]
    found = re.findall(r'<a href="([^"?]*/faceauth/[^"]*)">([^<]*)</a>', content)
    return [(unescape(url), text) for url, text in found]


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
    ProviderRateLimit.objects.update(pause="no_access", paused_until=now + timedelta(minutes=1))

    bad = [figure for figure in figures(reader) if figure.fix]

    assert [figure.rows for figure in bad] == [1, 2, 1, 1, 1]
    html = page(reader)
    for figure in bad:
        assert (figure.url, figure.value) in links_of(html)
        assert escape(str(figure.fix)) in html


@pytest.mark.parametrize("days", ["1", "7"])
def test_every_number_links_to_as_many_rows(reader, people, days):
    """Every figure, total, cell of the table and reason; what has no rows says so."""
    for script in ("10000", "62321", "61402A10000"):
        person = people(scripted(script))
        start = person.is_asked("/statements/")
        person.proves(start)
        if "A" in script:
            person.proves(start)
    people().passes("/statements/", "no_camera")
    deliver(event(person.authentication))
    WebhookEvent.objects.create(event_id="evt_1", received_at=timezone.now(), due_at=timezone.now())
    WebhookEvent.objects.filter(event_id="evt_1").update(created_on=timezone.now())
    FaceAuthentication.objects.create(user=person.user, created_at=timezone.now())

    response = reader.opens("dashboard", days=days)

    html, context = response.content.decode(), response.context
    shown = [Figure(*figure) for figure in context["figures"]]
    expected = [(figure.url, figure.rows) for figure in shown if figure.rows]
    expected += [(url, total) for *_rest, total, url in context["totals"] if total]
    expected += [(url, count) for _date, row in context["rows"] for count, url in row if count]
    expected += [(url, count) for _code, _meaning, count, url in context["reasons"]]
    assert {url for url, _text in links_of(html)} == {url for url, _count in expected}
    for url, count in expected:
        assert reader.browser.get(url).context["cl"].result_count == count, url
    without = sum(not figure.rows for figure in shown)
    assert html.count("No rows") == without > 0
    assert {"Time to a result, median", "Webhook delay, median", "Backlog of events"} <= {
        figure.name for figure in shown if figure.rows
    }


def test_links_are_for_those_who_may_view_the_rows(staff):
    WebhookEvent.objects.create(event_id="evt_1", received_at=timezone.now(), due_at=timezone.now())
    officer = staff("staff")
    officer.is_given("view_faceauthentication")

    html = page(officer)

    assert "/webhookevent/?" not in html
    assert "You may not view these rows." in html


@pytest.mark.parametrize(
    "figure",
    [
        "",
        "approved",
        "approved x y",
        "nonsense 2026-03-01T00:00 2026-03-02T00:00",
        "approved 0001-01-01T00:00+23:00 9999-12-31T23:59-23:00",
        f"{'9' * 30} 2026-03-01T00:00 2026-03-02T00:00",
        "delayed 2026-03-01T00:00 2026-03-02T00:00",
        "62321 2026-03-01T00:00+00:00 2026-03-02T00:00+00:00",
    ],
)
def test_a_figure_that_there_is_not_has_no_rows(reader, people, figure):
    """Nor one that would tell who has which fraud code (V-12)."""
    people(scripted("62321")).passes("/statements/")

    shown = reader.opens("faceauthentication_changelist", figure=figure)

    assert shown.context["cl"].result_count == (0 if figure else 1)
    assert reader.opens("webhookevent_changelist", figure="61402 " + figure).status_code == 200


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
    cost, share = (figure for figure in figures(reader) if "eads" in figure.name)
    assert (cost.value, share.value, cost.rows, share.rows) == ("2.0 + 2.0", "1 %", 1, 1)
