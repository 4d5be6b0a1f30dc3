"""Tests of the bank, with the testing kit of the package."""

from __future__ import annotations
