"""`manage.py faceauth_export USER`."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command

pytestmark = [pytest.mark.database, pytest.mark.django_db]


def export(capsys, *arguments):
    call_command("faceauth_export", *arguments)
    written = capsys.readouterr()
    assert written.err == ""
    return json.loads(written.out)


def test_it_writes_json_and_nothing_else(person, capsys):
    """V-09."""
    person.passes()

    told = export(capsys, person.user.username)

    assert told["user"]["name"] == person.user.username
    assert {one["kind"] for one in told["held"]} >= {"faceauth.applicant", "faceauth.consent"}


def test_fraud_codes_are_told_when_it_is_said(person, capsys):
    """V-12."""
    person.passes(outcome="someone_else")

    assert '"code": 62' not in json.dumps(export(capsys, person.user.username))
    told = export(capsys, str(person.user.pk), "--with-fraud-codes")

    assert '"code": 62' in json.dumps(told)


def test_nobody_is_not_exported(person, capsys):
    with pytest.raises(CommandError):
        export(capsys, "nobody", "--no-input")
