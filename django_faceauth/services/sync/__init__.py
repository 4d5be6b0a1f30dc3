"""Synchronise authentications with the provider."""
