"""Client of the provider's API, without models or sessions."""

from __future__ import annotations
