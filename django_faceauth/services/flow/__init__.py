"""The steps of one challenge."""
