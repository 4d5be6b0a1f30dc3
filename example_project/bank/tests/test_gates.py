"""Tests for the gates of all URLs."""

from __future__ import annotations

from django.test import SimpleTestCase

from django_faceauth.testing import FaceAuthTestMixin

#: URLs that send and change nothing by themselves.
OPEN = ("overview", "payout*", "app", "login", "logout", "set_language", "api-*", "admin:*")


class GateTests(FaceAuthTestMixin, SimpleTestCase):
    """A new view fails here unless it has a gate or is listed as open."""

    def test_gated_urls(self) -> None:
        """Payments, statements, settings and the links between users and applicants."""
        self.assertGated("payout_send", "api-payout-send", methods=["POST"], action="payout")
        self.assertGated("statements")
        self.assertGated("settings", action="settings")
        self.assertGated("passkey", action="passkey")
        self.assertGated("admin:faceauth_applicant_*", methods=["POST"])

    def test_other_urls(self) -> None:
        """All URLs are gated but those that are listed as open."""
        self.assertGated("/", except_=OPEN)
