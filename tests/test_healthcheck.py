"""The check for django-health-check, served as its documentation says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from types import ModuleType

import pytest
from django.db import OperationalError, connection
from django.test import Client, override_settings
from django.urls import path
from health_check.views import HealthCheckView

from django_faceauth.models import FaceAuthentication, ProviderRateLimit
from tests.provider_double import answers
from tests.sweeping import sweep_once

CHECK = "django_faceauth.healthcheck.FaceAuth"


@pytest.fixture
def look(db: None) -> Iterator[object]:
    """Ask the page for its status and what it says of us."""
    urls = ModuleType("urls")
    urls.urlpatterns = [path("health/", HealthCheckView.as_view(checks=[CHECK]))]

    def look() -> tuple[int, str]:
        answer = Client().get("/health/?format=json")
        (told,) = answer.json().values()
        return answer.status_code, told

    with override_settings(ROOT_URLCONF=urls):
        yield look


def test_all_is_well(look, provider):
    """And the provider is not asked: monitoring may look every second."""
    assert look() == (200, "OK")
    assert provider.calls == []


def test_troubles(person, look, provider):
    """P-06; what is wrong with the database is not shown."""
    with override_settings(ROOT_URLCONF="tests.site.urls"):
        person.is_handed_over(person.is_asked())
    person.clock.shift(timedelta(minutes=4))
    assert look() == (200, "OK")

    person.clock.shift(timedelta(minutes=4))
    assert look()[0] == 500
    provider.troubles.append(answers(401))
    sweep_once()
    FaceAuthentication.objects.update(next_poll_at=None)
    status, text = look()
    assert status == 500
    assert str(ProviderRateLimit.Pause.NO_ACCESS.label) in text

    def away(*_args: object) -> None:
        raise OperationalError("canary")

    with connection.execute_wrapper(away):
        status, text = look()
    assert status == 500
    assert "canary" not in text
