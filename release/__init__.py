"""`python -m release`: makes what is published of one version, from its tag."""

from __future__ import annotations
