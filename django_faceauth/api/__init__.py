"""The API: `path("face/api/", include("django_faceauth.api.urls"))`, and a permission class.

The only importer of Django REST framework, which comes with `django-faceauth[api]`.
"""
