"""Keeping the logs of our HTTP library quiet while a bearer link is used.

It writes the path and query of each request at level DEBUG, and of some at WARNING (V-01).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

NAMES: Final = ("connection", "connectionpool", "poolmanager", "response", "util.retry")

_thread = threading.local()


@contextmanager
def unlogged() -> Iterator[None]:
    """Let the library log nothing of what this thread does in this block."""
    _thread.is_quiet = True
    try:
        yield
    finally:
        _thread.is_quiet = False


class _Unless(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002 - all or none
        return not getattr(_thread, "is_quiet", False)


# Once and for all: a filter that came and went would be missed by threads in between.
for _name in NAMES:
    logging.getLogger(f"urllib3.{_name}").addFilter(_Unless())
