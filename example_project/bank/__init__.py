"""A small bank that shows the features of the package."""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("celery"):  # only with `make demo-full`
    from bank.celery import app as celery_app

    __all__ = ["celery_app"]
