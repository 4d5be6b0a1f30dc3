"""Payments that wait for an approval."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.person import Person
from tests.site.models import Payment


@pytest.fixture
def owes(db: None) -> Callable[..., Payment]:
    """A maker of payments that a person wants to make."""
    return _owes


def _owes(person: Person, payee: str = "Anna", amount: str = "12.50", **more: Any) -> Payment:
    return Payment.objects.create(user=person.user, payee=payee, amount=Decimal(amount), **more)


@pytest.fixture
def payment(person: Person) -> Payment:
    """12.50 euros to Anna."""
    return _owes(person)
