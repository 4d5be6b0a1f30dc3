"""A local simulator of the provider."""
