"""Telling those who listen, once what they are told is committed."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import Signal


def announce(signal: Signal, *, sender: type, **facts: Any) -> None:
    """Send `signal` after commit; receivers that raise are logged by Django (D-12)."""
    send = partial(signal.send_robust, sender=sender, **facts)
    transaction.on_commit(send, robust=True)
