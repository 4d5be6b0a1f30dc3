"""What the package decides and does; doors call these, and these call each other downwards."""

from __future__ import annotations
