"""A local provider that answers as its documentation says."""
