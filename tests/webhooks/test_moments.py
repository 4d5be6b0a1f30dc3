"""Impossible moments in events and answers of the provider."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import override_settings
from django.urls import reverse

from django_faceauth.models import FaceAttempt, FaceAuthentication, WebhookEvent
from tests.admin.staff import Staff
from tests.sweeping import sweep_for
from tests.webhook_deliveries import deliver, event

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(
    ("moment", "zone"),
    [
        # In zones far from Greenwich on either side, where the ends of time come early.
        ("0001-01-01T00:00:00Z", "Pacific/Pago_Pago"),
        ("9999-12-31T23:59:59.999999Z", "Pacific/Kiritimati"),
    ],
)
def test_users_pass_whatever_moments_the_provider_returns(person, provider, moment, zone):
    """(F-41): on all pages, a second start, webhooks, sweeps and the admin among them."""

    def alter(answer):
        for entry in [answer, *answer.get("data", ())]:
            entry.update(created_on=moment, modified_on=moment)

    desk = Staff("superuser").browser
    provider.alterations.append(alter)
    with override_settings(TIME_ZONE=zone):
        start = person.is_asked("/statements/")
        person.is_handed_over(start)
        person.clock.shift(3)
        assert person.presses(start).status_code == 200
        assert person.passes("/statements/").content.startswith(b"secret")
        deliver(event(person.authentication) | {"created_on": moment})
        sweep_for(person.clock, timedelta(days=8))
        for page in (
            reverse("admin:faceauth_faceauthentication_changelist"),
            reverse("admin:faceauth_faceauthentication_change", args=[person.authentication.pk]),
            reverse("admin:faceauth_webhookevent_changelist"),
            reverse("admin:faceauth_dashboard"),
        ):
            assert desk.get(page).status_code == 200, page

    row = FaceAuthentication.objects.get()
    attempt = FaceAttempt.objects.first()
    assert {row.created_on, row.modified_on, attempt.created_on, attempt.modified_on} == {None}
    kept = WebhookEvent.objects.get()
    assert (kept.state, kept.created_on) == ("processed", None)
