"""Balances, movements and payments."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple

from django.contrib.auth.models import User
from django.db.models import Sum
from django.shortcuts import get_object_or_404
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bank.models import Payout
from django_faceauth.gate import Face, Money


class Movement(NamedTuple):
    """One line of a statement; `url` is that of the receipt, if there is one."""

    at: datetime
    title: str | Promise
    amount: Decimal
    url: str = ""


#: Days before a customer joined the demo, and what happened then.
SAMPLES: Final = (
    (2, _("From savings account"), Decimal("641.00")),
    (4, _("Restaurant"), Decimal("-31.00")),
    (7, _("Refund, bookshop"), Decimal("24.50")),
    (9, _("Interest"), Decimal("1.25")),
    (13, _("Train ticket"), Decimal("-39.90")),
    (16, _("Electricity"), Decimal("-48.50")),
    (19, _("Groceries"), Decimal("-62.35")),
    (21, _("Rent"), Decimal("-780.00")),
    (22, _("Salary"), Decimal("2650.00")),
    (30, _("Opening balance"), Decimal("1845.00")),
)
#: The balance of each customer before their first payout.
SAVINGS: Final = sum((amount for _days, _title, amount in SAMPLES), Decimal(0))
LINES: Final = 10

#: Payouts below this amount need no approval, until a customer has sent so much in a day.
SMALL: Final = Decimal(50)
SMALL_PER_DAY: Final = Decimal(150)


class AlreadySent(Exception):
    """The payout is not a draft any more."""


class NotEnoughMoney(Exception):
    """The balance is smaller than the payout."""


def balance_of(user: User) -> Decimal:
    """Return the balance of a customer, which drafts do not change."""
    spent: Decimal | None = Payout.objects.of(user).executed().aggregate(all=Sum("amount"))["all"]
    return SAVINGS - (spent or 0)


def movements_of(user: User) -> list[Movement]:
    """Return the latest movements of a customer, newest first."""
    sent = [
        Movement(
            payout.executed_at or payout.created_at,
            gettext("To %(payee)s") % {"payee": payout.payee},
            -payout.amount,
            payout.get_absolute_url(),
        )
        for payout in Payout.objects.of(user).executed()[:LINES]
    ]
    samples = [
        Movement(user.date_joined - timedelta(days), title, amount)
        for days, title, amount in SAMPLES
    ]
    return [*sent, *samples][:LINES]


def locked(user: User, pk: int) -> Payout:
    """Return a draft of a customer, locked until the transaction ends.

    Raises `AlreadySent`, and `Http404` for a payout that is not theirs.
    """
    payout = get_object_or_404(Payout.objects.of(user).select_for_update(), pk=pk)
    if not payout.is_draft:
        raise AlreadySent
    return payout


def needs_approval(payout: Payout, *, now: datetime) -> bool:
    """Return whether a payout needs an approval of its customer."""
    sent = Payout.objects.of(payout.user).executed().filter(face_method="")
    today: Decimal | None = sent.filter(executed_at__gt=now - timedelta(days=1)).aggregate(
        all=Sum("amount")
    )["all"]
    return payout.amount >= SMALL or payout.amount + (today or 0) > SMALL_PER_DAY


def locked_needs_approval(user: User, pk: int, *, now: datetime) -> bool:
    """Return `needs_approval` of a draft, which cannot change until the transaction ends.

    The customer is locked first: two small payouts at once must not both be the last one of the
    day without an approval.
    """
    lock_balance(user)
    draft = Payout.objects.of(user).drafts().select_for_update().filter(pk=pk).first()
    return draft is None or needs_approval(draft, now=now)


def lock_balance(user: User) -> None:
    """Lock a customer until the transaction ends: all payouts share one balance."""
    User.objects.select_for_update().get(pk=user.pk)


def facts_of(payout: Payout) -> dict[str, Any]:
    """Return the details that an approval of a payout is bound to.

    With the number, two payouts of the same amount to the same payee need two approvals.
    """
    return {
        "payee": payout.payee,
        "amount": Money(payout.amount, "EUR"),
        "payout_number": str(payout.pk),
    }


def execute(user: User, pk: int, face: Face | None, *, now: datetime) -> Payout:
    """Send a draft, and record its approval if it needed one.

    Call it in the transaction that consumes the approval: when this raises `AlreadySent` or
    `NotEnoughMoney`, the approval can still be used.
    """
    lock_balance(user)
    payout = locked(user, pk)
    if payout.amount > balance_of(user):
        raise NotEnoughMoney
    payout.state = Payout.State.EXECUTED
    payout.executed_at = now
    if face is not None:
        payout.face_challenge = face.challenge
        payout.face_method = face.method
        payout.face_verified_at = face.verified_at
    payout.save()
    return payout
