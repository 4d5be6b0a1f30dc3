"""Send signals after commit."""

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
    """Send and log `signal` after commit; Django logs the errors of receivers."""
    database.on_commit(partial(_send, signal, sender, facts), robust=True)


def _send(signal: Signal, sender: type, facts: Mapping[str, Any]) -> None:
    # Rows are logged by their primary keys, never by name.
    values = {name: fact.pk if isinstance(fact, Model) else fact for name, fact in facts.items()}
    text = " ".join(f"{name}={value}" for name, value in values.items())
    logger.info("%s %s", NAMES[id(signal)], text)
    signal.send_robust(sender=sender, **facts)
