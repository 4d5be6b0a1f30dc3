"""The provider's API as typed values. Knows nothing of models, users or sessions."""

from __future__ import annotations
