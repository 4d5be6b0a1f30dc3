"""What moves money: a draft is written down, approved as it stands, and sent once."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.contrib.auth.models import User
from django.db.models import Sum
from django.shortcuts import get_object_or_404

from bank.models import Payout
from django_faceauth.gate import Face, Money

#: What everybody starts with.
SAVINGS: Final = Decimal("4200.00")


class AlreadySent(Exception):
    """The payout is no draft any more."""


class NotEnoughMoney(Exception):
    """The balance has become smaller than the draft."""


def balance_of(user: User) -> Decimal:
    """Return what a customer can spend; drafts cost nothing."""
    spent: Decimal | None = Payout.objects.of(user).executed().aggregate(all=Sum("amount"))["all"]
    return SAVINGS - (spent or 0)


def locked(user: User, pk: int) -> Payout:
    """Return a draft of that customer, which nobody else changes until the transaction ends.

    Raises `AlreadySent`, and `Http404` for a payout that is not theirs.
    """
    payout = get_object_or_404(Payout.objects.of(user).select_for_update(), pk=pk)
    if not payout.is_draft:
        raise AlreadySent
    return payout


def facts_of(payout: Payout) -> dict[str, Any]:
    """Return what is approved of a payout.

    Its number makes two payouts of the same amount to the same payee two approvals.
    """
    return {
        "payee": payout.payee,
        "amount": Money(payout.amount, "EUR"),
        "payout_number": str(payout.pk),
    }


def execute(user: User, pk: int, face: Face, *, now: datetime) -> Payout:
    """Send a draft, and note on it by whose leave.

    Call it in the transaction in which the approval is used up: raises `AlreadySent` and
    `NotEnoughMoney`, and then the approval is as good as before.
    """
    User.objects.select_for_update().get(pk=user.pk)  # all payouts share one balance
    payout = locked(user, pk)
    if payout.amount > balance_of(user):
        raise NotEnoughMoney
    payout.state = Payout.State.EXECUTED
    payout.executed_at = now
    payout.face_challenge = face.challenge
    payout.face_method = face.method
    payout.face_verified_at = face.verified_at
    payout.save()
    return payout
