"""The provider, locally: a Django app that answers as the provider's documentation says."""
