"""A payout is sent as it was approved, once, and not otherwise."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Final

from django.contrib.auth.models import User
from django.test import Client, TestCase, override_settings
from django.urls import reverse
from rest_framework_simplejwt.tokens import AccessToken

from bank import transfers
from bank.models import Payout
from django_faceauth.testing import FaceAuthTestMixin

AMOUNT: Final = Decimal("40.00")


class PayoutTests(FaceAuthTestMixin, TestCase):
    """What a customer can do with a draft."""

    def setUp(self) -> None:
        """Let a customer write one down."""
        self.anna = User.objects.create_user("anna")
        self.client.force_login(self.anna)
        self.draft = Payout.objects.create(user=self.anna, payee="Ms. Quay", amount=AMOUNT)
        self.send = reverse("payout_send", args=[self.draft.pk])

    def is_sent(self) -> bool:
        """Tell what became of the draft."""
        self.draft.refresh_from_db()
        return not self.draft.is_draft

    def test_sent_on_a_face_for_just_this(self) -> None:
        """Once: a second press finds a receipt."""
        facts = transfers.facts_of(self.draft)
        challenge = self.face_shown(self.client, action="payout", binding=facts, ago=60)

        self.client.post(self.send)

        self.assertTrue(self.is_sent())
        self.assertEqual(self.draft.face_challenge, challenge.handle)
        again = self.client.post(self.send, follow=True)
        self.assertContains(again, "Nothing was sent a second time")

    def test_changed_after_the_face(self) -> None:
        """What was approved is not what is there."""
        facts = transfers.facts_of(self.draft)
        self.face_shown(self.client, action="payout", binding=facts)
        self.client.post(reverse("payout_edit", args=[self.draft.pk]), {"payee": "Me", "amount": 9})

        asked = self.assertFaceAsked(self.client.post(self.send), action="payout")

        self.assertEqual(asked.snapshot["payee"], "Me")
        self.assertFalse(self.is_sent())

    def test_face_was_shown_too_long_ago(self) -> None:
        """Three minutes are over."""
        facts = transfers.facts_of(self.draft)
        self.face_shown(self.client, action="payout", binding=facts, ago=180)

        self.assertFaceAsked(self.client.post(self.send))
        self.assertFalse(self.is_sent())

    def test_open_statements_send_no_money(self) -> None:
        """A face for one thing is none for another."""
        self.face_shown(self.client)
        self.assertEqual(self.client.get(reverse("statements")).status_code, 200)

        self.assertFaceAsked(self.client.post(self.send), action="payout")

    def test_draft_of_somebody_else(self) -> None:
        """There is no such draft, so that nobody is asked for a face."""
        mallory = User.objects.create_user("mallory")
        self.face_shown(self.client, user=mallory)

        self.assertEqual(self.client.post(self.send).status_code, 404)

    def test_more_money_than_there_is(self) -> None:
        """The approval is as good as before, and nothing was sent."""
        self.draft.amount = transfers.SAVINGS + 1
        self.draft.save()
        facts = transfers.facts_of(self.draft)
        challenge = self.face_shown(self.client, action="payout", binding=facts)

        told = self.client.post(self.send, follow=True)

        self.assertContains(told, "Your balance is too small")
        challenge.refresh_from_db()
        self.assertEqual(challenge.state, "granted")

    def test_whole_way(self) -> None:
        """From the button, past the camera, to the button."""
        self.enrolled(self.anna)

        page = self.show_face(self.send, method="post")
        self.assertContains(page, "Ms. Quay")
        self.assertFalse(self.is_sent())
        self.faceauth_simulator.confirm(self.client, page)

        self.assertTrue(self.is_sent())

    def test_whole_way_of_somebody_else(self) -> None:
        """Another face, and then one too many."""
        self.enrolled(self.anna)
        self.faceauth_simulator.decides(self.anna, "declined")
        with override_settings(FACEAUTH_RATE_LIMITS={"lockout": (2, "30m")}):
            for _ in range(2):
                self.show_face(self.send, method="post")
            refused = self.show_face(self.send, method="post", outcome="approved")

        self.assertEqual(refused.status_code, 429)
        self.assertFalse(self.is_sent())


class ApiTests(FaceAuthTestMixin, TestCase):
    """The same, for programs with a token."""

    def setUp(self) -> None:
        """Let a customer log in from an app."""
        self.anna = User.objects.create_user("anna")
        self.enrolled(self.anna)
        self.app = Client(headers={"authorization": f"Bearer {AccessToken.for_user(self.anna)}"})
        draft = Payout.objects.create(user=self.anna, payee="Ms. Quay", amount=AMOUNT)
        self.send = reverse("api-payout-send", args=[draft.pk])

    def test_refusal_is_answered(self) -> None:
        """The app sends the handle along, and nobody else can."""
        challenge = self.face_shown(self.app.post(self.send), ago=20)

        self.assertEqual(self.app.post(self.send).status_code, 401)
        sent = self.app.post(self.send, headers={"Face-Challenge": challenge.handle})
        self.assertEqual(json.loads(sent.content)["state"], "executed")

    def test_whole_way(self) -> None:
        """What the app gets in the end is the receipt."""
        receipt = self.show_face(self.send, method="post", client=self.app)

        self.assertEqual(json.loads(receipt.content)["state"], "executed")


class StatementTests(FaceAuthTestMixin, TestCase):
    """One face opens the statements for a while."""

    def setUp(self) -> None:
        """Let a customer log in."""
        self.anna = User.objects.create_user("anna")
        self.client.force_login(self.anna)
        self.page = reverse("statements")

    def test_closed_by_an_audit(self) -> None:
        """The provider changes its mind, and the page is closed at once."""
        challenge = self.face_shown(self.client)
        self.assertEqual(self.client.get(self.page).status_code, 200)

        told = self.faceauth_simulator.changes_mind(challenge)

        self.assertEqual(told.status_code, 200)
        self.assertFaceAsked(self.client.get(self.page))

    def test_people_who_cannot_show_a_face(self) -> None:
        """Staff exempt them at the counter; whoever is not enrolled is told whom to ask."""
        self.assertEqual(self.client.get(self.page).status_code, 403)

        self.exempted(self.anna)

        self.assertEqual(self.client.get(self.page).status_code, 200)
