"""What a finding means is told once: by the doctor and by the reference, in the same words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from django_faceauth import checks
from django_faceauth.explanations import EXPLANATIONS, known_as
from django_faceauth.services import diagnosis, symptoms
from tests.test_docs import DOCS

PAGE = (DOCS / "reference/checks.md").read_text()
SECTIONS = dict(re.findall(r"^### `([^`]+)`\n(.*?)(?=^##|\Z)", PAGE, re.M | re.S))
CHECKS = [path.read_text() for path in sorted(Path(checks.__file__).parent.glob("*.py"))]


def ids_in(source: str) -> set[str]:
    return set(re.findall(r'id="(faceauth\.\w+)"', source))


def flat(text: str) -> str:
    """Return a text without its breaks: the pages have one sentence a line."""
    return " ".join(text.split())


def test_every_check_is_explained_and_nothing_else():
    explained = {known for known in EXPLANATIONS if known.startswith("faceauth.")}

    assert explained == set().union(*map(ids_in, CHECKS))


def test_whatever_the_doctor_looks_at_is_explained_and_nothing_else():
    source = "".join(Path(part.__file__).read_text() for part in (diagnosis, symptoms))
    looked_at = set(re.findall(r'(?:ok|warning|problem|explained)\(\s*"(\w+)"', source))

    assert {known for known in EXPLANATIONS if not known.startswith("faceauth.")} == looked_at


def test_the_reference_has_them_in_this_order():
    assert list(SECTIONS) == list(EXPLANATIONS)


@pytest.mark.parametrize("known", EXPLANATIONS)
def test_the_reference_has_the_same_words(known):
    meaning, why, fix, page = (flat(part) for part in SECTIONS[known].strip().split("\n\n"))
    told = EXPLANATIONS[known]

    assert meaning == told.meaning
    assert why == f"*Why it matters:* {told.why}"
    assert fix == f"*What to do:* {told.fix}"
    assert re.fullmatch(rf"\*Read on:\* \[docs/{told.page}\]\(\S+\)", page)


@pytest.mark.parametrize("known", EXPLANATIONS)
def test_there_is_more_to_read(known):
    (link,) = re.findall(r"\*Read on:\* \[\S+\]\((\S+)\)", SECTIONS[known])
    target = DOCS / EXPLANATIONS[known].page

    assert (DOCS / "reference" / link).resolve() == target
    assert target.exists()


def test_what_only_a_deployment_is_told_says_so():
    """By the function that yields it."""
    parts = re.split(r"^@(?=check)", "".join(CHECKS), flags=re.M)
    of_deployment = [part for part in parts if part.startswith("check_of_deployment\n")]
    say_so = {known for known, told in EXPLANATIONS.items() if "With `--deploy`" in told.meaning}

    assert set().union(*map(ids_in, of_deployment)) == say_so


@pytest.mark.parametrize("part", CHECKS)
def test_errors_and_warnings_are_named_as_what_they_are(part):
    for kind, known in re.findall(
        r'yield (Error|Remark)\((?:(?!yield).)*?id="faceauth\.(\w)', part, re.S
    ):
        assert known == {"Error": "E", "Remark": "W"}[kind]


# -- as the doctor tells them


@pytest.mark.parametrize("typed", ["E004", "e004", "faceauth.E004", " FACEAUTH.e004 "])
def test_one_can_be_asked_for(typed, capsys):
    """Nothing is looked at: there is no database here."""
    call_command("faceauth_doctor", explain=typed)

    told = EXPLANATIONS["faceauth.E004"]
    assert capsys.readouterr().out.splitlines() == [
        "faceauth.E004",
        f"  What it means: {told.meaning}",
        f"  Why it matters: {told.why}",
        f"  What to do: {told.fix}",
        f"  Read on: docs/{told.page}",
    ]


def test_what_the_doctor_looks_at_can_be_asked_for_too(capsys):
    call_command("faceauth_doctor", "--explain", "sweeps")

    assert EXPLANATIONS["sweeps"].fix in capsys.readouterr().out


@pytest.mark.parametrize("typed", ["E999", "nothing", "faceauth.", "faceauth.sweep"])
def test_an_id_that_is_none_is_answered_with_those_that_are(typed):
    assert known_as(typed) is None
    with pytest.raises(CommandError) as refusal:
        call_command("faceauth_doctor", "--explain", typed)

    assert refusal.value.returncode == 1
    assert all(known in str(refusal.value) for known in EXPLANATIONS)
