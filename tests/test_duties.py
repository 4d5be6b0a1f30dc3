"""What the templates for lawyers must say, and what no code of ours may do."""

from __future__ import annotations

import re

import pytest

from django_faceauth.conf import RETENTION
from django_faceauth.provider.client import Client
from tests.test_docs import DOCS

NOTICE = (DOCS / "explanation/data-protection-notice.md").read_text()
ASSESSMENT = (DOCS / "explanation/impact-assessment.md").read_text()


@pytest.mark.parametrize(
    ("heading", "words"),
    [
        ("Who is responsible", "controller"),
        ("Who else is involved", "processor"),
        ("What for, and on which ground", "consent"),
        ("What is kept, and how long", "90 days"),
        ("Transfers to other countries", "EEA"),
        ("Decisions by machines, and people who look at them", "review by a person"),
        ("Your rights", "withdraw"),
    ],
)
def test_the_notice_names_what_the_law_asks_for(heading, words):
    """V-05: controller, processor, purpose, retention, transfers, human review, rights."""
    section = NOTICE.partition(f"## {heading}\n")[2].partition("\n## ")[0]

    assert words in section


@pytest.mark.parametrize("article", [15, 16, 17, 18, 20, 21, 22])
def test_the_notice_names_each_right(article):
    """V-05."""
    assert re.search(rf"Articles? (\d+ and )?{article}\b", NOTICE)


def test_the_notice_has_the_periods_of_the_defaults():
    """V-05, V-06."""
    for name in ("events", "tombstones", "flows"):
        assert f"{int(RETENTION[name].removesuffix('d'))} days" in NOTICE
    assert "three years" in NOTICE


@pytest.mark.parametrize(
    "words",
    ["One to one only", "no two users are ever compared", "Annex III", "recital 15", "Article 35"],
)
def test_the_assessment_draws_the_boundary(words):
    """V-11."""
    assert words in ASSESSMENT


def test_the_assessment_has_a_list_for_the_processor():
    """V-11."""
    section = ASSESSMENT.partition("## Checklist for the processor")[2].partition("\n## ")[0]

    assert section.count("- [ ]") >= 8


def test_no_call_searches_or_compares_people():
    """V-11: each is about one authentication of one applicant."""
    calls = {name for name in vars(Client) if not name.startswith("_")}

    assert calls == {
        "anonymize_authentication",
        "create_attempt",
        "create_authentication",
        "fetch_image",
        "get_attempt",
        "get_authentication",
        "list_attempts",
        "list_assets",
        "renew_token",
    }
