"""A small bank that asks for a face before it opens what matters."""

from __future__ import annotations
