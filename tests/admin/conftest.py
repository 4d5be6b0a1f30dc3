"""What the tests of the admin start from."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from django_faceauth.models import (
    Consent,
    Erasure,
    FaceAuthentication,
    FaceExemption,
    IdentityVerification,
    Lockout,
    ProviderRateLimit,
    Verdict,
    WebhookEvent,
)
from django_faceauth.services import audit_log
from tests.admin.staff import Staff
from tests.user_driver import Person, scripted


@pytest.fixture
def staff(db: None) -> Callable[..., Staff]:
    """A maker of staff."""
    return Staff


@pytest.fixture
def approved(person: Person) -> FaceAuthentication:
    """An authentication that was approved."""
    person.passes()
    return person.authentication


@pytest.fixture
def declined(people: Callable[..., Person]) -> FaceAuthentication:
    """A decline with a fraud code."""
    fraudster = people(scripted("62321"))
    fraudster.passes()
    return fraudster.authentication


@pytest.fixture
def everything(declined: FaceAuthentication) -> User:
    """A user with a row in each list, whose data at the provider is anonymized."""
    user, now = declined.user, timezone.now()
    FaceAuthentication.objects.update(erased_at=now)
    Verdict.objects.create(authentication=declined, finding="fraud", note="A mask.", at=now)
    IdentityVerification.objects.create(
        **{"user": user, "handle": "h", "applicant_id": "aplt_a", "provider_id": "idv_a"},
        erased_at=now,
    )
    WebhookEvent.objects.create(event_id="evt_a", received_at=now, state="ignored")
    Consent.objects.create(user=user, who=user.pk, version="1", given_at=now)
    Erasure.objects.create(who=user.pk, reason="request", requested_at=now)
    Lockout.objects.create(user=user, reason="reported", started_at=now, until=now)
    FaceExemption.objects.create(
        **{"user": user, "author": user, "reason": "A cast."},
        **{"created_at": now, "expires_at": now + timedelta(days=1)},
    )
    audit_log.note("synced", by=user, about=declined, now=now)
    ProviderRateLimit.objects.get_or_create(credentials="c")
    return user
