"""The courier of a running server: a thread per process that sleeps until something is due.

It starts when the first webhook has been committed: `urls` sees to that. Without
`FACEAUTH_SIMULATOR_WEBHOOK_URL` there never is one, and so there is no thread.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from django.db import connections
from django.utils import timezone

from django_faceauth.simulator import webhook_sender

logger = logging.getLogger(__name__)

SHORTEST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 30.0
AFTER_TROUBLE: Final = 5.0


class Rounds:
    """Delivers what is due, again and again, until the process ends."""

    def __init__(self, send: webhook_sender.Send = webhook_sender.over_http) -> None:
        self._send = send
        self._bell = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_on = True

    def wake(self) -> None:
        """Look now, in the thread, which is started if it does not run yet."""
        with self._lock:
            if not self._is_on:
                return
            # After a fork the thread is that of the other process.
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._walk, name="faceauth", daemon=True)
                self._thread.start()
        self._bell.set()

    @contextmanager
    def by_hand(self) -> Iterator[None]:
        """Have no thread for a while: tests call `webhook_sender.deliver_due` themselves."""
        was_on = self._is_on
        self._stop()
        try:
            yield
        finally:
            self._is_on = was_on

    def _stop(self) -> None:
        with self._lock:
            self._is_on = False
            thread, self._thread = self._thread, None
        self._bell.set()
        if thread:
            thread.join()

    def _walk(self) -> None:
        while self._is_on:
            self._bell.wait(self._round())
            # Whoever rings between these two lines is served by the next turn.
            self._bell.clear()

    def _round(self) -> float | None:
        """Deliver what is due; return how many seconds there is nothing to do, None: for ever."""
        try:
            return self._deliver()
        except Exception as error:
            # A database that is locked or away comes back; whatever it was, try again.
            logger.warning("webhooks could not be delivered: %s", type(error).__name__)
            return AFTER_TROUBLE

    def _deliver(self) -> float | None:
        try:
            webhook_sender.deliver_due(timezone.now(), self._send)
            return pause_until(webhook_sender.due_on(), timezone.now())
        finally:
            connections.close_all()


def pause_until(due_on: datetime | None, now: datetime) -> float | None:
    """Return how many seconds to sleep, None: until something happens."""
    if due_on is None:
        return None
    return min(max((due_on - now).total_seconds(), SHORTEST_PAUSE), LONGEST_PAUSE)


rounds: Final = Rounds()


def wake(**_kwargs: Any) -> None:
    """Have this process look after what waits."""
    rounds.wake()
