"""`manage.py faceauth_link FILE.csv`."""

from __future__ import annotations

import re
import sys
from io import BytesIO, TextIOWrapper

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from django_faceauth.models import Applicant, AuditEntry
from django_faceauth.simulator.models import StoredApplicant
from tests.provider_double import answers

pytestmark = [pytest.mark.database, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def _known(db):
    """Two applicants at the provider."""
    for number in (1, 2):
        StoredApplicant.objects.create(id=f"aplt_{number}", document={})


@pytest.fixture
def link(tmp_path):
    def link(text, *options, encoding="utf-8"):
        path = tmp_path / "people.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        call_command("faceauth_link", str(path), *options)

    return link


@pytest.fixture
def anna(people):
    return people(None, name="anna")


@pytest.fixture
def bert(people):
    return people(None, name="bert")


def counts(capsys):
    """Return how many users were linked, and how many were before."""
    return [int(number) for number in re.findall(r"\d+", capsys.readouterr().out)]


def linked():
    return dict(Applicant.objects.values_list("user__username", "applicant_id"))


@pytest.mark.parametrize("header", ["", "user,applicant_id\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_it_links_by_name_and_by_key(link, anna, bert, header, encoding, capsys):
    bert.user.username = "Ярина"
    bert.user.save()
    text = f"{header}anna,aplt_1\n\n{bert.user.pk}, aplt_2\r\n"
    link(text, "--dry-run", encoding=encoding)
    assert counts(capsys) == [2, 0]
    assert linked() == {}

    link(text, encoding=encoding)

    assert linked() == {"anna": "aplt_1", "Ярина": "aplt_2"}
    assert counts(capsys) == [2, 0]
    assert AuditEntry.objects.get(event="linked").details == {"users": 2}

    link(header + "Ярина,aplt_2", encoding=encoding)
    assert counts(capsys) == [0, 1]


def test_it_reads_from_a_pipe(anna, monkeypatch):
    stdin = TextIOWrapper(BytesIO(b"\xef\xbb\xbfanna,aplt_1\n"))
    monkeypatch.setattr(sys, "stdin", stdin)

    call_command("faceauth_link", "-")

    assert linked() == {"anna": "aplt_1"}
    assert not stdin.buffer.closed


PROBLEMS = {
    "no such user": "unknown,aplt_3",
    "another kind of id": "bert,fav_3",
    "a prefix alone": "bert,aplt_",
    "a path": "bert,aplt_3/../4",
    "no applicant": "bert",
    "too many columns": "bert,aplt_3,more",
    "a user twice": "anna,aplt_3",
    "an applicant twice": "bert,aplt_1",
    "an applicant of another user": "bert,aplt_held",
    "a user with another applicant": "carl,aplt_3",
    "the name of one and the key of another": "{bert},aplt_3",
}


@pytest.mark.parametrize("dry_run", [[], ["--dry-run"]])
def test_with_one_problem_no_user_is_linked(link, people, anna, bert, dry_run, capsys):
    """The message names the line, and nothing of what it contains (L-02)."""
    people("aplt_held", name="carl")
    people(None, name=str(bert.user.pk))
    for what, row in PROBLEMS.items():
        line = row.format(bert=bert.user.pk)

        with pytest.raises(CommandError):
            link(f"user,applicant_id\nanna,aplt_1\n{line}\n", *dry_run)

        assert linked() == {"carl": "aplt_held"}, what
        (problem,) = capsys.readouterr().err.splitlines()
        assert "3" in problem, what
        user, _comma, applicant = line.partition(",")
        assert user.isdecimal() or user not in problem, what
        assert applicant in {"", "aplt_"} or applicant not in problem, what


def test_all_problems_are_told_in_the_order_of_the_lines(link, anna, capsys):
    lines = [f"unknown{number},aplt_{number}" for number in range(1200)]

    with pytest.raises(CommandError, match="1200"):
        link("\n".join(lines))

    told = capsys.readouterr().err.splitlines()
    assert [int(re.search(r"\d+", line)[0]) for line in told] == list(range(1, 1201))


@pytest.mark.parametrize("text", [b"\xff\xfe", b"anna,aplt_1\n\xe4nna,aplt_2", b'anna,"aplt_1\n'])
def test_other_files_than_csv_in_utf_8_are_refused(link, anna, text, tmp_path):
    with pytest.raises(CommandError):
        link(text)
    with pytest.raises(CommandError):
        call_command("faceauth_link", str(tmp_path / "missing.csv"))

    assert linked() == {}


def test_a_collision_with_another_process_links_no_user(link, anna, bert, people):
    """The applicant is taken between the comparison and the writing."""
    carl = people(None, name="carl")

    def links_first(execute, sql, params, many, context):
        if sql.startswith("INSERT") and "applicant" in sql and not taken:
            taken.append(True)
            Applicant.objects.create(user=carl.user, applicant_id="aplt_2")
        return execute(sql, params, many, context)

    taken = []
    with connection.execute_wrapper(links_first), pytest.raises(CommandError):
        link("anna,aplt_1\nbert,aplt_2")

    assert "anna" not in linked()


# -- one user, and what the provider knows


def test_it_links_one_user(anna, bert, capsys):
    call_command("faceauth_link", "anna", "aplt_1")
    call_command("faceauth_link", str(bert.user.pk), "aplt_2")

    assert linked() == {"anna": "aplt_1", "bert": "aplt_2"}
    assert counts(capsys) == [1, 0, 1, 0]


@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_one_user_with_a_problem_is_not_linked(people, anna, bert, options):
    people("aplt_1", name="carl")
    for user, applicant_id in (
        *(("anna", wrong) for wrong in ("aplt_unknown", "fav_1", "aplt_", "aplt_1/../2")),
        *(("unknown", "aplt_1"), ("bert", "aplt_1"), ("carl", "aplt_2")),
    ):
        with pytest.raises(CommandError, match="1 problem"):
            call_command("faceauth_link", user, applicant_id, *options)

        assert linked() == {"carl": "aplt_1"}, (user, applicant_id)


@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_what_the_provider_does_not_know_is_a_problem(link, anna, bert, provider, options, capsys):
    with pytest.raises(CommandError, match="1 problem"):
        link("anna,aplt_1\nbert,aplt_unknown\n", *options)

    assert "line 2" in capsys.readouterr().err
    assert linked() == {}
    assert provider.calls == ["GET /applicants/aplt_1", "GET /applicants/aplt_unknown"]


def test_the_provider_need_not_be_asked(link, anna, bert, provider):
    link("anna,aplt_unknown\n", "--no-check")
    call_command("faceauth_link", "bert", "aplt_other", "--no-check")

    assert linked() == {"anna": "aplt_unknown", "bert": "aplt_other"}
    assert provider.calls == []


@pytest.mark.parametrize("status", [401, 403, 429, 500])
def test_a_provider_that_is_away_is_said_and_links_no_user(link, anna, provider, status):
    provider.troubles.extend([answers(status)] * 9)
    with pytest.raises(CommandError, match="cannot be asked"):
        link("anna,aplt_1\n")

    assert linked() == {}
