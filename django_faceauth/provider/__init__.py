"""Client of the provider's API, without models or sessions."""
