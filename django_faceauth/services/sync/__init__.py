"""Authentications as the provider knows them."""
