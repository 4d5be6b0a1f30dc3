"""Users and their applicants."""
