"""What we do when Django says that something happened.

The gate depends on none of it: it compares the session, the password, the user and the
applicant at every request. Here the rows learn of it too, for whoever reads them.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db import transaction
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from django_faceauth.services import grants


@receiver(user_logged_in)
def on_login(request: HttpRequest | None = None, **_kwargs: Any) -> None:
    """Prepare the session; some log-ins, of tests and tools, have none."""
    if request is not None and hasattr(request, "session"):
        grants.prepare(request)


@receiver(user_logged_out)
def on_logout(
    request: HttpRequest | None = None, user: AbstractBaseUser | None = None, **_kwargs: Any
) -> None:
    """End what was asked in the session that is about to end."""
    if request is None or user is None or not hasattr(request, "session"):
        return
    with transaction.atomic():
        grants.end_session(request, now=timezone.now())


@receiver(post_save, sender=get_user_model())
def on_save_of_user(instance: AbstractBaseUser, **_kwargs: Any) -> None:
    """End what somebody was granted who may not log in any more."""
    if instance.is_active or instance.pk is None:
        return
    with transaction.atomic():
        grants.end_all(instance.pk, reason="deactivated", now=timezone.now())
