"""The API and the permission class for Django REST framework."""
