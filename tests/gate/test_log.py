"""Log lines of the gate, for auditors."""

from __future__ import annotations

import logging

import pytest
from django.utils import timezone, translation

from django_faceauth.services.grants import identity, revocation
from django_faceauth.testing import exempted
from tests.site.models import Payment

CANARY = "Canary"


@pytest.fixture
def log(caplog, transactional_db):
    """The lines of our loggers, from INFO on."""
    caplog.set_level(logging.INFO, logger="django_faceauth")
    return lambda: [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("django_faceauth")
    ]


def test_the_history_of_an_approval_is_logged(log, person, owes):
    """By number and reason (L-01)."""
    payment = owes(person, payee=CANARY)
    page = person.proves(person.is_asked(f"/pay/{payment.pk}/", "post"))
    person.confirms(page)
    person.confirms(page)

    pk = person.challenge.pk
    lines = [line for line in log() if not line.startswith(("status_changed", "webhook"))]
    assert lines == [
        "gate decision=challenge reason=not_shown action=pay basis=None",
        f"start challenge={pk}",
        f"challenge_granted challenge={pk}",
        f"gate decision=allow reason=fresh action=pay basis=challenge {pk}",
        "gate decision=deny reason=used action=pay basis=None",
    ]


def test_revocations_and_changed_data_are_logged(log, person, owes):
    """L-01."""
    payment = owes(person)
    page = person.proves(person.is_asked(f"/pay/{payment.pk}/", "post"))
    Payment.objects.update(amount=99)
    person.confirms(page)
    invalid = person.challenge.pk
    person.passes("/statements/")
    revocation.end_all(person.user.pk, reason="staff", now=timezone.now())

    assert f"sequence_fail challenge={invalid}" in log()
    assert f"gate decision=deny reason=changed action=pay basis=challenge {invalid}" in log()
    assert f"challenge_revoked challenge={person.challenge.pk} reason=staff executed=('',)" in log()


def test_an_exemption_is_logged_by_its_number(log, person, owes):
    """L-01."""
    row = exempted(person.user, action="pay", reason=CANARY)
    with translation.override("de"):
        person.browser.post(f"/pay/{owes(person).pk}/")

    assert f"gate decision=allow reason=exempt action=pay basis=exemption {row.pk}" in log()
    assert CANARY not in "".join(log())


def test_no_line_has_personal_data_or_secrets(log, people, owes):
    """L-02."""
    person = people(name=f"{CANARY}@example.com")
    payment = owes(person, payee=CANARY, amount="4711.11")
    page = person.proves(person.is_asked(f"/pay/{payment.pk}/", "post", data={"note": CANARY}))
    person.confirms(page)

    output = "\n".join(log())
    secret = person.browser.session[identity.SESSION_KEY]
    for text in (CANARY, "4711", person.challenge.handle, secret, "http://", "sk_sbox"):
        assert text not in output
