"""`manage.py faceauth_erase USER`."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from django_faceauth.models import Applicant, Erasure
from tests.provider_double import answers, breaks

pytestmark = [pytest.mark.database, pytest.mark.django_db]


def erase(person, *options):
    call_command("faceauth_erase", person.user.username, *options)


def counts(capsys):
    """Return how many were erased, are waiting, and were refused."""
    return [int(number) for number in re.findall(r"\d+", capsys.readouterr().out)]


@pytest.fixture
def types(monkeypatch):
    """Have somebody sit at the keyboard."""

    def types(text):
        monkeypatch.setattr("builtins.input", lambda prompt: text)

    return types


def test_it_warns_and_asks_first(person, capsys, types):
    """V-08."""
    types("yes")

    erase(person)

    assert capsys.readouterr().err
    assert not Applicant.objects.exists()


@pytest.mark.parametrize("answer", ["no", "", "y"])
def test_anything_but_yes_is_no(person, types, answer):
    types(answer)

    with pytest.raises(CommandError):
        erase(person)

    assert Applicant.objects.exists()
    assert not Erasure.objects.exists()


def test_it_erases_all_here_and_at_the_provider(person, capsys):
    """Also more than one batch."""
    for _ in range(7):
        person.passes()
        person.clock.shift(24 * 3600)

    erase(person, "--no-input")

    assert counts(capsys) == [7, 0, 0]
    assert Erasure.objects.get().reason == "request"
    assert not Applicant.objects.exists()


def test_what_the_provider_does_not_do_waits_or_is_an_error(people, provider, capsys):
    waiting, rejected = people(), people()
    waiting.passes()
    rejected.passes()
    provider.troubles.append(breaks())
    erase(waiting, "--no-input")
    assert counts(capsys) == [0, 1, 0]

    provider.troubles.append(answers(400))
    with pytest.raises(CommandError):
        erase(rejected, "--no-input")
    assert counts(capsys) == [0, 0, 1]


# -- who is meant


@pytest.mark.parametrize("name", ["nobody", "0", "9" * 40, "-1", "١٢٣", ""])
def test_nobody_is_erased_for_a_name_that_nobody_has(person, name):
    with pytest.raises(CommandError):
        call_command("faceauth_erase", "--no-input", "--", name)

    assert Applicant.objects.exists()


@pytest.mark.parametrize("name", ["{pk}", "own key"])
def test_a_primary_key_names_a_user_too(person, name):
    if name == "own key":
        User.objects.update(username=str(person.user.pk))

    call_command("faceauth_erase", str(person.user.pk), "--no-input")

    assert not Applicant.objects.exists()


def test_a_name_that_is_the_key_of_another_is_refused(people):
    """Erasing the wrong user cannot be undone."""
    two = people(name=str(people().user.pk))
    assert User.objects.count() == 2

    with pytest.raises(CommandError):
        erase(two, "--no-input")

    assert Applicant.objects.count() == 2
