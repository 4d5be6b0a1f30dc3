"""Health, diagnosis and statistics."""
