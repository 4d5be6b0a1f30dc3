"""The fixtures of the plugin, also where this tree was installed before it had one."""

from __future__ import annotations

from decimal import Decimal
from itertools import count

import pytest
from django.contrib.auth.models import User
from django.test import Client

from django_faceauth.pytest_plugin import faceauth, faceauth_simulator
from tests.site.models import Payment

__all__ = ["faceauth", "faceauth_simulator"]

_numbers = count(1)


@pytest.fixture
def users(db):
    """A maker of users who are not enrolled."""
    return lambda: User.objects.create_user(f"user{next(_numbers)}", password="pass word")


@pytest.fixture
def user(users):
    """A user who is not enrolled."""
    return users()


@pytest.fixture
def client(user):
    """A browser in which that user is logged in."""
    browser = Client()
    browser.force_login(user)
    return browser


@pytest.fixture
def payment(user):
    """12.50 euros of that user to Anna."""
    return Payment.objects.create(user=user, payee="Anna", amount=Decimal("12.50"))
