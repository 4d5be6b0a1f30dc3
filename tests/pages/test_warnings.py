"""What people are told when it looks as if somebody else had tried (C-06, TH-06)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.template.loader import render_to_string
from django.utils import timezone, translation

from django_faceauth.models import FaceAttempt, Lockout
from django_faceauth.services import limits
from django_faceauth.services.notifications import WarningKind
from tests.pages.test_report import OPERATOR
from tests.user_driver import scripted

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _notices(settings):
    settings.FACEAUTH_NOTICES = True
    settings.FACEAUTH_SITE_URL = "https://bank.example"
    settings.ADMINS = [OPERATOR]
    with translation.override("en"):
        yield


def with_address(person):
    type(person.user).objects.filter(pk=person.user.pk).update(email="somebody@example.com")
    person.user.refresh_from_db()
    return person


def warning_subject(what):
    context = {"what": what, "site": "bank.example"}
    return render_to_string("faceauth/warning_subject.txt", context).strip()


@pytest.fixture
def commits(django_capture_on_commit_callbacks):
    """Do something, and what is told after its commit."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


def test_a_decline_with_a_fraud_code(people, commits):
    """Without a word of why (V-12)."""
    person = with_address(people(scripted("62321")))

    with commits():
        person.passes()

    (sent,) = mail.outbox
    assert sent.to == ["somebody@example.com"]
    assert sent.subject == warning_subject(WarningKind.DECLINED)
    assert "/face/report/" not in sent.body
    assert not {"62321", "fraud", "mismatch"} & set(sent.body.lower().split())


def test_signs_of_duress_are_for_the_operator_alone(people, commits, settings, caplog):
    """TH-06: whoever forces them may read their mails. The site is told in any case."""
    settings.FACEAUTH_NOTICES = False
    person = with_address(people(scripted("62403")))

    with commits():
        person.passes()

    (sent,) = mail.outbox
    assert sent.to == ["operator@bank.example"]
    assert str(person.user.pk) in re.findall(r"\d+", sent.body)
    assert person.user.username not in sent.body
    assert "duress:" in caplog.text


def test_an_approval_from_a_new_network(person, commits):
    with_address(person).passes()
    FaceAttempt.objects.update(network="0" * 32)
    person.clock.shift(3600)
    mail.outbox.clear()

    with commits():
        person.passes()

    subjects = [sent.subject for sent in mail.outbox]
    assert warning_subject(WarningKind.NETWORK) in subjects


@pytest.mark.parametrize(
    ("reason", "count"),
    [
        (Lockout.Reason.DECLINED, 1),
        (Lockout.Reason.REVIEWED, 1),
        (Lockout.Reason.REPORTED, 0),  # they asked for it themselves
    ],
)
def test_a_lockout(person, commits, reason, count):
    now = timezone.now()

    with commits():
        limits.lock(
            with_address(person).user.pk, reason=reason, until=now + timedelta(hours=1), now=now
        )

    assert len(mail.outbox) == count
    assert all(sent.subject == warning_subject(WarningKind.LOCKED) for sent in mail.outbox)


@pytest.mark.parametrize("change", ["no address", "no notices"])
def test_nobody_is_warned_who_cannot_or_shall_not_be(people, commits, settings, change):
    settings.FACEAUTH_NOTICES = change != "no notices"
    person = people(scripted("62321"))
    if change == "no notices":
        with_address(person)

    with commits():
        person.passes()

    assert mail.outbox == []
