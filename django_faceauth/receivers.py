"""What we do when Django says that something happened."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest

from django_faceauth.services import grants


@receiver(user_logged_in)
def on_login(request: HttpRequest | None = None, **_kwargs: Any) -> None:
    """Prepare the session; some log-ins, of tests and tools, have none."""
    if request is not None and hasattr(request, "session"):
        grants.prepare(request)
