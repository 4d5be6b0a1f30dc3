"""Log lines of the gate, for auditors."""

from __future__ import annotations

import logging

import pytest

from django_faceauth.services.grants import identity
from django_faceauth.testing import exempted

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


def test_no_line_has_personal_data_or_secrets(log, people, owes):
    """L-02."""
    person = people(name=f"{CANARY}@example.com")
    payment = owes(person, payee=CANARY, amount="4711.11")
    page = person.proves(person.is_asked(f"/pay/{payment.pk}/", "post", data={"note": CANARY}))
    person.confirms(page)
    exempted(person.user, action="payout", reason=CANARY)
    person.browser.get("/payout/")

    output = "\n".join(log())
    assert "reason=exempt action=payout basis=exemption" in output
    secret = person.browser.session[identity.SESSION_KEY]
    for text in (CANARY, "4711", person.challenge.handle, secret, "http://", "sk_sbox"):
        assert text not in output
