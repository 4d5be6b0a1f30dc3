"""The bank as an app."""

from __future__ import annotations

from django.apps import AppConfig


class BankConfig(AppConfig):
    """Users who report "this was not me" are logged out everywhere."""

    name = "bank"

    def ready(self) -> None:
        """Connect the receiver, which needs the models."""
        from django_faceauth.sign_out import sign_out_on_report
        from django_faceauth.signals import locked_out

        locked_out.connect(sign_out_on_report)
