"""Payouts over plain HTTP, without JavaScript."""

from __future__ import annotations

import re

import pytest

from tests.example.customer import Customer
from tests.server import manage

pytestmark = pytest.mark.enable_socket

#: Leaves 600 euros to Alice.
ALREADY_SPENT = """
from bank.models import Payout, User
from django.utils import timezone

alice = User.objects.get(username="alice")
Payout.objects.create(
    user=alice, payee="x", amount=3600, state="executed", executed_at=timezone.now()
)
"""


@pytest.fixture
def frank(bank):
    """Somebody whom the camera knows."""
    return Customer(bank, "frank")


def drafts(customer, payee="Ms. Quay", amount="112.50"):
    """Write a payout down and return its page."""
    return customer.submits(customer.opens("/payout/"), payee=payee, amount=amount)


def approves(customer, draft, outcome="same_person"):
    """Ask for a draft to be sent, show a face, and return the page that this leads to."""
    return customer.answers(customer.submits(draft, to="/send/"), outcome)


def edits(customer, draft, **fields):
    return customer.submits(customer.opens(f"{draft.url}edit/"), **fields)


def is_draft(page):
    return any("/send/" in form.action for form in page.forms)


def is_receipt(page):
    return re.search(r"/payout/\d+/$", page.url) is not None and not is_draft(page)


def test_a_draft_is_written_down_without_a_face(frank):
    draft = drafts(frank, payee="Mr. Ebb")
    assert "To Mr. Ebb" in frank.opens("/payout/").text
    assert "Mr. Ebb" not in frank.shows_face("/statements/").text

    changed = edits(frank, draft, payee="Mr. Flow")
    assert changed.url == draft.url
    assert "Mr. Flow" in changed.text

    gone = frank.submits(changed, to="/delete/")
    assert "Mr. Flow" not in gone.text
    assert frank.opens(draft.url).status == 404


def test_a_change_that_was_taken_back_does_not_revive_an_approval(frank):
    draft = drafts(frank)
    asked = approves(frank, draft)
    edits(frank, draft, amount="113.50")
    frank.submits(asked)
    edits(frank, draft, amount="112.50")

    again = frank.submits(asked)

    assert "/face/start/" in again.url
    assert is_draft(frank.opens(draft.url))


def test_what_was_sent_stays(frank):
    draft = drafts(frank)
    form = frank.opens(f"{draft.url}edit/")
    frank.submits(approves(frank, draft))

    changed = frank.submits(form, amount="113.50")
    deleted = frank.submits(draft, to="/delete/")

    for page in (changed, deleted):
        assert is_receipt(page)
        assert "113.50" not in page.text


def test_a_payout_belongs_to_its_user(bank, frank):
    alice = Customer(bank, "alice")
    draft = drafts(frank)
    token = alice.opens("/payout/").forms[-1].fields["csrfmiddlewaretoken"]

    def all_closed():
        pages = [alice.opens(draft.url), alice.opens(f"{draft.url}edit/")]
        for form in ("/send/", "/delete/"):
            pages.append(alice.submits(draft, to=form, csrfmiddlewaretoken=token))
        return {page.status for page in pages} == {404}

    draft = frank.opens(draft.url)
    assert all_closed()
    frank.submits(approves(frank, draft))
    assert all_closed()


def test_a_payout_is_at_most_the_balance(bank, vault):
    alice = Customer(bank, "alice")
    manage(vault, "shell", "-c", ALREADY_SPENT)
    first, second = drafts(alice, amount="400.00"), drafts(alice, amount="400.00")
    assert is_receipt(alice.submits(approves(alice, first)))

    refused = alice.submits(approves(alice, second))

    assert is_draft(refused)
    assert drafts(alice, amount="200.01").url.endswith("/payout/")
