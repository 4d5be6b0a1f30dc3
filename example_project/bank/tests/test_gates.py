"""Which addresses ask for a face, and which may do without."""

from __future__ import annotations

from django.test import SimpleTestCase

from django_faceauth.testing import FaceAuthTestMixin

#: Nothing is sent or changed at these without a draft being approved later, or a login.
OPEN = ("overview", "payout*", "app", "login", "logout", "set_language", "api-*", "admin:*")


class GateTests(FaceAuthTestMixin, SimpleTestCase):
    """Whoever adds a view that needs a gate and forgets it fails here."""

    def test_money_is_sent_on_a_face_alone(self) -> None:
        """From the page as from the API; reading where it went takes one too."""
        self.assertGated("payout_send", "api-payout-send", methods=["POST"], action="payout")
        self.assertGated("statements")

    def test_account_is_changed_on_a_face_alone(self) -> None:
        """Whoever controls the e-mail address controls the account."""
        self.assertGated("settings", action="settings")

    def test_people_are_enrolled_on_a_face_of_staff(self) -> None:
        """Whoever says who somebody is at the provider can let anybody in."""
        self.assertGated("admin:faceauth_applicant_*", methods=["POST"])

    def test_new_pages_are_gated_unless_they_are_listed_here(self) -> None:
        """All addresses but those that were thought about."""
        self.assertGated("/", except_=OPEN)
