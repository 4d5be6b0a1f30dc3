"""Impossible moments in events and answers of the provider."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.test import override_settings
from django.urls import reverse

from django_faceauth.models import FaceAttempt, FaceAuthentication, WebhookEvent
from tests.admin.staff import Staff
from tests.sweeping import sweep_for
from tests.webhook_deliveries import deliver, event

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]

#: In zones far from Greenwich on either side, where the ends of time come early.
each_moment = pytest.mark.parametrize(
    ("moment", "zone"),
    [
        ("0001-01-01T00:00:00Z", "Pacific/Pago_Pago"),
        ("0001-01-01T00:00:00+14:00", "Pacific/Kiritimati"),
        ("2999-01-01T00:00:00Z", "Pacific/Pago_Pago"),
        ("9999-12-31T23:59:59.999999Z", "Pacific/Kiritimati"),
        ("9999-12-31T23:59:59-12:00", "Pacific/Kiritimati"),
    ],
)


@pytest.fixture
def odd_clock(provider):
    """Let the provider say one moment for every moment."""

    def says(moment):
        def alter(answer):
            for entry in [answer, *answer.get("data", ())]:
                for name in ("created_on", "modified_on"):
                    if name in entry:
                        entry[name] = moment

        provider.alterations.append(alter)

    return says


@each_moment
def test_users_pass_whatever_moments_the_provider_returns(person, odd_clock, moment, zone):
    """(F-41): on all pages, a second start and the admin among them."""
    desk = Staff("superuser").browser
    odd_clock(moment)
    with override_settings(TIME_ZONE=zone):
        start = person.is_asked("/statements/")
        person.is_handed_over(start)
        person.clock.shift(3)
        assert person.presses(start).status_code == 200
        assert person.passes("/statements/").content.startswith(b"secret")
        deliver(event(person.authentication) | {"created_on": moment})
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


@each_moment
def test_an_event_is_acted_upon_whatever_moment_it_tells(captured, moment, zone):
    """(F-41): by the sweep too, now and later."""
    envelope = event(captured.authentication) | {"created_on": moment}
    with override_settings(TIME_ZONE=zone):
        assert deliver(envelope).status_code == 200
        call_command("faceauth_sync")
        sweep_for(captured.clock, timedelta(days=8))

    kept = WebhookEvent.objects.get()
    assert (kept.state, kept.created_on) == ("processed", None)
    assert captured.challenge.state == "granted"


@pytest.mark.parametrize("year", [1, 9999])
def test_an_event_that_was_kept_with_an_impossible_moment_is_acted_upon(captured, year):
    """(F-41): as rows of former versions may have it."""
    with override_settings(FACEAUTH_RUNNER="celery", CELERY_BROKER_URL="memory://"):
        deliver(event(captured.authentication))
    WebhookEvent.objects.update(created_on=datetime(year, 6, 1, tzinfo=UTC))
    captured.clock.shift(61)

    call_command("faceauth_sync")

    assert WebhookEvent.objects.get().state == "processed"
