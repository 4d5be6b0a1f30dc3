"""Consent, erasure, export and retention."""
