"""Telling those who listen, once what they are told is committed."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from django.db.models import Model
from django.dispatch import Signal

from django_faceauth import signals
from django_faceauth.models import database

logger = logging.getLogger(__name__)

NAMES: Final[Mapping[int, str]] = {
    id(signal): name for name, signal in vars(signals).items() if isinstance(signal, Signal)
}


def send_on_commit(signal: Signal, *, sender: type, **facts: Any) -> None:
    """Send `signal` after commit; receivers that raise are logged by Django (D-12).

    Each is a line of the log too, which names rows by their number (L-01, L-02).
    """
    database.on_commit(partial(_send, signal, sender, facts), robust=True)


def _send(signal: Signal, sender: type, facts: Mapping[str, Any]) -> None:
    told = {name: fact.pk if isinstance(fact, Model) else str(fact) for name, fact in facts.items()}
    what = NAMES[id(signal)]
    logger.info("%s %s", what, " ".join(f"{name}={fact}" for name, fact in told.items()))
    signal.send_robust(sender=sender, **facts)
