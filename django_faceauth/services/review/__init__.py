"""Reviews by staff, and reports by users."""
