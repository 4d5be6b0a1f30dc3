"""Sessions, grants and what they approve."""
