"""A small bank that asks for a face before it opens what matters."""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("celery"):  # the plain demo does without
    from bank.celery import app as celery_app

    __all__ = ["celery_app"]
