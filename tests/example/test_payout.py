"""Payouts over plain HTTP, without JavaScript."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from django_faceauth.messages import NOT_DONE
from tests.example.customer import Customer, Page
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
def frank(bank: str) -> Customer:
    """Somebody whom the camera knows."""
    return Customer(bank, "frank")


def drafts(customer: Customer, payee: str = "Ms. Quay", amount: str = "12.50") -> Page:
    """Write a payout down and return its page."""
    return customer.submits(customer.opens("/payout/"), payee=payee, amount=amount)


def approves(customer: Customer, draft: Page, outcome: str = "same_person") -> Page:
    """Ask for a draft to be sent, show a face, and return the page that this leads to."""
    return customer.answers(customer.submits(draft, to="/send/"), outcome)


def edits(customer: Customer, draft: Page, **fields: str) -> Page:
    return customer.submits(customer.opens(f"{draft.url}edit/"), **fields)


def is_draft(page: Page) -> bool:
    return any("/send/" in form.action for form in page.forms)


def is_receipt(page: Page) -> bool:
    return re.search(r"/payout/\d+/$", page.url) is not None and not is_draft(page)


def test_a_payout_from_the_form_to_the_receipt(frank: Customer) -> None:
    """What was written down is what is asked about, and what is sent."""
    draft = drafts(frank)
    start = frank.submits(draft, to="/send/")
    asked = frank.answers(start)
    receipt = frank.submits(asked)

    assert re.search(r"/payout/\d+/$", draft.url)
    for page in (draft, start, asked, receipt):
        assert "Ms. Quay" in page.text, page.url
        assert "12.50" in page.text, page.url
    assert "/face/continue/" in asked.url
    assert receipt.url == draft.url
    assert is_receipt(receipt)
    handle = asked.forms[-1].fields["face_challenge"]
    assert handle[:8] in receipt.text  # the reference of the approval
    assert handle not in receipt.text


def test_a_draft_is_written_down_without_a_face(frank: Customer) -> None:
    """It costs nothing, is on no statement, and can be found again, changed and thrown away."""
    draft = drafts(frank, payee="Mr. Ebb")
    assert "To Mr. Ebb" in frank.opens("/payout/").text
    assert "Mr. Ebb" not in frank.shows_face("/statements/").text

    changed = edits(frank, draft, payee="Mr. Flow")
    assert changed.url == draft.url
    assert "Mr. Flow" in changed.text

    gone = frank.submits(changed, to="/delete/")
    assert "Mr. Flow" not in gone.text
    assert frank.opens(draft.url).status == 404


def test_what_was_changed_after_the_approval_is_not_sent(frank: Customer) -> None:
    """The approval was for something else; the draft as it is now can be approved anew."""
    draft = drafts(frank)
    asked = approves(frank, draft)
    changed = edits(frank, draft, amount="13.50")

    refused = frank.submits(asked)

    assert refused.status == 409
    assert str(NOT_DONE["changed"].title) in refused.text
    assert changed.url in [frank.opens(link).url for link in refused.links if "/send/" in link]
    assert is_draft(frank.opens(draft.url))
    receipt = frank.submits(approves(frank, changed))
    assert "13.50" in receipt.text
    assert is_receipt(receipt)


def test_a_change_that_was_taken_back_does_not_revive_an_approval(frank: Customer) -> None:
    draft = drafts(frank)
    asked = approves(frank, draft)
    edits(frank, draft, amount="13.50")
    frank.submits(asked)
    edits(frank, draft, amount="12.50")

    again = frank.submits(asked)

    assert "/face/start/" in again.url
    assert is_draft(frank.opens(draft.url))


def test_sent_twice_is_sent_once(frank: Customer) -> None:
    """The second click leads to the receipt of the first, and no face is asked for."""
    draft = drafts(frank, payee="Prof. Tide")
    asked = approves(frank, draft)
    frank.submits(asked)

    from_the_last_page = frank.submits(asked)
    from_the_review = frank.submits(draft, to="/send/")

    for again in (from_the_last_page, from_the_review):
        assert again.url == draft.url
        assert is_receipt(again)
    assert frank.shows_face("/statements/").text.count("To Prof. Tide") == 1


def test_what_was_sent_stays(frank: Customer) -> None:
    """Nobody changes a receipt, also not with a page that was open before."""
    draft = drafts(frank)
    form = frank.opens(f"{draft.url}edit/")
    frank.submits(approves(frank, draft))

    changed = frank.submits(form, amount="13.50")
    deleted = frank.submits(draft, to="/delete/")

    for page in (changed, deleted):
        assert is_receipt(page)
        assert "13.50" not in page.text


def test_two_equal_payouts_are_two_approvals(frank: Customer) -> None:
    """A face that was shown for one does not send the other."""
    first, second = drafts(frank), drafts(frank)
    asked = approves(frank, first)

    start = frank.submits(second, to="/send/")
    assert "/face/start/" in start.url

    assert frank.submits(asked).url == first.url
    assert is_draft(frank.opens(second.url))


def test_a_payout_is_nobody_elses(bank: str, frank: Customer) -> None:
    """Others are told nothing, not even that it is there, draft or receipt."""
    alice = Customer(bank, "alice")
    draft = drafts(frank)
    token = alice.opens("/payout/").forms[-1].fields["csrfmiddlewaretoken"]

    def all_closed() -> bool:
        pages = [alice.opens(draft.url), alice.opens(f"{draft.url}edit/")]
        for form in ("/send/", "/delete/"):
            pages.append(alice.submits(draft, to=form, csrfmiddlewaretoken=token))
        return {page.status for page in pages} == {404}

    draft = frank.opens(draft.url)
    assert all_closed()
    frank.submits(approves(frank, draft))
    assert all_closed()


@pytest.mark.parametrize("amount", ["0", "500.01"])
def test_an_amount_has_its_limits(frank: Customer, amount: str) -> None:
    """The form says so, before any face is asked for."""
    page = drafts(frank, amount=amount)

    assert page.url.endswith("/payout/")


def test_nobody_sends_more_than_they_have(bank: str, vault: Path) -> None:
    """Not by one payout, and not by two that were each affordable."""
    alice = Customer(bank, "alice")
    manage(vault, "shell", "-c", ALREADY_SPENT)
    first, second = drafts(alice, amount="400.00"), drafts(alice, amount="400.00")
    assert is_receipt(alice.submits(approves(alice, first)))

    refused = alice.submits(approves(alice, second))

    assert is_draft(refused)
    assert drafts(alice, amount="200.01").url.endswith("/payout/")


def test_staff_see_what_was_sent_and_on_whose_leave(bank: str, frank: Customer) -> None:
    """The admin lists the payout with the challenge."""
    asked = approves(frank, drafts(frank, payee="Ms. Wharf"))
    handle = asked.forms[-1].fields["face_challenge"]
    frank.submits(asked)

    listed = Customer(bank, "admin").opens("/admin/bank/payout/")

    assert "Ms. Wharf" in listed.text
    assert handle in listed.text
