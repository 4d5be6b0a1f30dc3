"""Tests for payouts and statements."""

from __future__ import annotations

import json
import re
from decimal import Decimal

from django.contrib.auth.models import User
from django.core import mail
from django.test import Client, TestCase, override_settings
from django.urls import reverse
from django.utils import timezone
from rest_framework_simplejwt.tokens import AccessToken

from bank import transfers
from bank.models import Payout
from django_faceauth.testing import FaceAuthTestMixin


class PayoutCase(FaceAuthTestMixin, TestCase):
    """A logged-in customer with a draft."""

    def setUp(self) -> None:
        self.anna = User.objects.create_user("anna")
        self.client.force_login(self.anna)
        self.draft = Payout.objects.create(
            user=self.anna, payee="Ms. Quay", amount=Decimal("140.00")
        )
        self.details = transfers.facts_of(self.draft)
        self.edit, self.delete, self.send = (
            reverse(f"payout_{name}", args=[self.draft.pk]) for name in ("edit", "delete", "send")
        )
        self.api_send = reverse("api-payout-send", args=[self.draft.pk])

    def assert_sent(self, is_sent: bool = True) -> None:
        self.draft.refresh_from_db()
        self.assertEqual(not self.draft.is_draft, is_sent)


class PayoutTests(PayoutCase):
    def test_sent_once(self) -> None:
        """A face that approves this draft sends it once."""
        challenge = self.face_shown(self.client, action="payout", binding=self.details, ago=60)

        self.client.post(self.send)

        self.assert_sent()
        self.assertEqual(self.draft.face_challenge, challenge.handle)
        self.assertContains(self.client.post(self.send, follow=True), "was not sent again")

    def test_changed_after_approval(self) -> None:
        """A change makes the approval worthless."""
        self.face_shown(self.client, action="payout", binding=self.details)
        self.client.post(self.edit, {"payee": "Me", "amount": 99})

        challenge = self.assertFaceAsked(self.client.post(self.send), action="payout")

        self.assertEqual(challenge.snapshot["payee"], "Me")
        self.assert_sent(False)

    def test_change_that_was_taken_back(self) -> None:
        """It does not revive an approval that did not match."""
        challenge = self.face_shown(self.client, action="payout", binding=self.details)
        button = {"face_challenge": challenge.handle}
        self.client.post(self.edit, {"payee": "Me", "amount": "140.00"})
        self.assertEqual(self.client.post(self.send, button).status_code, 409)
        self.client.post(self.edit, {"payee": "Ms. Quay", "amount": "140.00"})

        self.assertFaceAsked(self.client.post(self.send, button), action="payout")
        self.assert_sent(False)

    def test_draft(self) -> None:
        """It is changed and deleted without a face."""
        changed = self.client.post(self.edit, {"payee": "Mr. Flow", "amount": 9}, follow=True)

        self.assertContains(changed, "Mr. Flow")
        self.assertContains(self.client.get(reverse("payout")), "Mr. Flow")
        self.client.post(self.delete)
        self.assertFalse(Payout.objects.exists())

    def test_receipt(self) -> None:
        """It is neither changed nor deleted."""
        self.face_shown(self.client, action="payout", binding=self.details)
        self.client.post(self.send)

        for url in (self.edit, self.delete):
            page = self.client.post(url, {"payee": "Mr. Flow", "amount": 9}, follow=True)
            self.assertContains(page, "Ms. Quay")
            self.assertNotContains(page, self.send)

    def test_approval_expires(self) -> None:
        """An approval counts for three minutes."""
        self.face_shown(self.client, action="payout", binding=self.details, ago=180)

        self.assertFaceAsked(self.client.post(self.send))
        self.assert_sent(False)

    def test_open_statements_send_no_money(self) -> None:
        """A face check for the statements approves no payout."""
        self.face_shown(self.client)
        self.assertEqual(self.client.get(reverse("statements")).status_code, 200)

        self.assertFaceAsked(self.client.post(self.send), action="payout")

    def test_small_payouts_need_no_approval(self) -> None:
        """Not until 150 euros a day were sent without one."""
        payouts = [
            Payout.objects.create(user=self.anna, payee="Ms. Quay", amount=amount)
            for amount in (Decimal("49.99"), Decimal("49.99"), Decimal("49.99"), Decimal("0.04"))
        ]
        *free, last = (reverse("payout_send", args=[payout.pk]) for payout in payouts)
        self.enrolled(self.anna)

        for send in free:
            self.assertContains(self.client.post(send, follow=True), "needed no approval")

        self.assertFaceAsked(self.client.post(last), action="payout")
        self.assertEqual(Payout.objects.executed().filter(face_method="").count(), 3)

    def test_payout_of_another_user(self) -> None:
        """Other users get a 404, with or without a face check."""
        mallory = Client()
        mallory.force_login(User.objects.create_user("mallory"))
        detail = self.draft.get_absolute_url()
        for _ in ("draft", "receipt"):
            self.face_shown(mallory)
            pages = [mallory.get(detail), mallory.get(self.edit)]
            pages += [mallory.post(self.send), mallory.post(self.delete)]

            self.assertEqual({page.status_code for page in pages}, {404})
            self.face_shown(self.client, action="payout", binding=self.details)
            self.client.post(self.send)
        self.assert_sent()

    def test_balance_too_low(self) -> None:
        """Nothing is sent, and the approval can still be used."""
        self.draft.amount = transfers.SAVINGS + 1
        self.draft.save()
        details = transfers.facts_of(self.draft)
        challenge = self.face_shown(self.client, action="payout", binding=details)

        page = self.client.post(self.send, follow=True)

        self.assertContains(page, "Your balance is too low")
        challenge.refresh_from_db()
        self.assertEqual(challenge.state, "granted")

    def test_draft_above_the_balance(self) -> None:
        """It is not saved."""
        Payout.objects.create(
            user=self.anna, payee="x", amount=4000, state="executed", executed_at=timezone.now()
        )

        page = self.client.post(reverse("payout"), {"payee": "Ms. Quay", "amount": "200.01"})

        self.assertContains(page, "more than your balance")

    def test_whole_flow(self) -> None:
        self.enrolled(self.anna)

        page = self.show_face(self.send, method="post")
        self.assertContains(page, "Ms. Quay")
        self.assert_sent(False)
        self.faceauth_simulator.confirm(self.client, page)

        self.assert_sent()

    def test_declined_until_locked_out(self) -> None:
        """After two declines not even the right face is asked for."""
        self.enrolled(self.anna)
        self.faceauth_simulator.decides(self.anna, "declined")
        with override_settings(FACEAUTH_RATE_LIMITS={"lockout": (2, "30m")}):
            for _ in range(2):
                self.show_face(self.send, method="post")
            page = self.show_face(self.send, method="post", outcome="approved")

        self.assertEqual(page.status_code, 429)
        self.assert_sent(False)


class ApiTests(PayoutCase):
    """Payouts from an app with a token."""

    def setUp(self) -> None:
        super().setUp()
        self.enrolled(self.anna)
        self.app = Client(headers={"authorization": f"Bearer {AccessToken.for_user(self.anna)}"})

    def test_challenge_header(self) -> None:
        """The app sends the handle of its challenge along."""
        challenge = self.face_shown(self.app.post(self.api_send), ago=20)

        self.assertEqual(self.app.post(self.api_send).status_code, 401)
        sent = self.app.post(self.api_send, headers={"Face-Challenge": challenge.handle})
        self.assertEqual(json.loads(sent.content)["state"], "executed")

    def test_small_payouts_need_no_approval(self) -> None:
        """The app sends them by one request."""
        Payout.objects.filter(pk=self.draft.pk).update(amount=Decimal("20.00"))

        sent = self.app.post(self.api_send)

        self.assertEqual(json.loads(sent.content)["reference"], "")

    def test_whole_flow(self) -> None:
        """The answer at the end is the receipt."""
        receipt = self.show_face(self.api_send, method="post", client=self.app)

        self.assertEqual(json.loads(receipt.content)["state"], "executed")


class StatementTests(PayoutCase):
    """Statements stay open for a few minutes."""

    page = "/statements/"

    def test_ten_movements(self) -> None:
        """A sent payout is the newest of ten movements, and the balance is lower by it."""
        self.face_shown(self.client, action="payout", binding=self.details)
        self.client.post(self.send)
        self.face_shown(self.client)

        statements = self.client.get(self.page)

        movements = statements.context["movements"]
        self.assertEqual(len(movements), 10)
        self.assertEqual(movements[0].url, self.draft.get_absolute_url())
        self.assertContains(statements, "4,060.00")

    def test_closed_by_an_audit(self) -> None:
        """When the provider changes its result, the page closes at once."""
        challenge = self.face_shown(self.client)
        self.assertEqual(self.client.get(self.page).status_code, 200)

        response = self.faceauth_simulator.changes_mind(challenge)

        self.assertEqual(response.status_code, 200)
        self.assertFaceAsked(self.client.get(self.page))

    def test_exemption(self) -> None:
        """Users who are not enrolled get a 403 until staff exempt them."""
        self.assertEqual(self.client.get(self.page).status_code, 403)

        self.exempted(self.anna)

        self.assertEqual(self.client.get(self.page).status_code, 200)

    def test_this_was_not_me(self) -> None:
        """The button behind the mail logs out, and with the customer a thief."""
        self.anna.email = "anna@harbour.example"
        self.anna.save()
        with (
            override_settings(FACEAUTH_NOTICES=True, FACEAUTH_SITE_URL="http://testserver"),
            self.captureOnCommitCallbacks(execute=True),
        ):
            self.face_shown(self.client)
        (link,) = re.findall(r"http://testserver\S+", str(mail.outbox[0].body))

        with self.captureOnCommitCallbacks(execute=True):
            Client().post(link)

        self.assertRedirects(self.client.get(self.page), f"{reverse('login')}?next={self.page}")
