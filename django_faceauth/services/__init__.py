"""Business logic, called by gates, views, commands and tasks."""
