"""What the hooks of a site say of a user before a capture, and what they may not."""

from __future__ import annotations

import logging
from datetime import date, datetime

import pytest
from django.utils import translation

from django_faceauth.provider.resources import DeclaredData, PhoneNumber
from django_faceauth.services.flow import capture, enrolment
from tests.enrolment_driver import OFFERED

pytestmark = pytest.mark.django_db


@pytest.fixture
def user(people):
    return people(None).user


@pytest.mark.parametrize(
    ("given", "language", "country", "phone"),
    [
        ({}, "pt-BR", None, None),
        ({"language": "de"}, "de", None, None),
        ({"language": None, "country": "FR"}, None, "FR", None),
        ({"phone_number": "+33 612345678"}, "pt-BR", None, PhoneNumber("+33", "612345678")),
        ({"phone_number": "+1 212-555 01 00"}, "pt-BR", None, PhoneNumber("+1", "2125550100")),
        *(
            ({"language": odd}, None, None, None)
            for odd in ("de_DE", "d", "de\n", 7, ["de"], "d\u00e9")
        ),
        *(
            ({"country": odd}, "pt-BR", None, None)
            for odd in ("fr", "FRA", "F", 33, "FR ", "\uff26\uff32")
        ),
        *(
            ({"phone_number": odd}, "pt-BR", None, None)
            for odd in ("+33612345678", "612345678", "+33 ", "+0 12345", "+33 61234567x", 33612)
        ),
        *((odd, "pt-BR", None, None) for odd in (None, 7, "de", [1])),
    ],
)
def test_capture_options(user, settings, caplog, given, language, country, phone):
    """Anything malformed is left out and said, without the value."""
    settings.FACEAUTH_CAPTURE_OPTIONS = lambda request, user: given
    with translation.override("pt-br"), caplog.at_level(logging.ERROR):
        options = capture.options_for(None, user)

    information = options.information
    assert information.pre_selected_language == language
    assert information.pre_selected_residence_country == country
    assert options.phone_number == phone
    is_malformed = not isinstance(given, dict) or any(
        given.get(name) and not value
        for name, value in zip(
            ("language", "country", "phone_number"), (language, country, phone), strict=True
        )
    )
    assert ("CAPTURE_OPTIONS" in caplog.text) == is_malformed
    assert "6123" not in caplog.text + repr(options)


def test_without_a_hook_the_active_language_is_asked_for(user):
    for active, asked in (("de", "de"), ("zh-hant", "zh-Hant"), ("en-us", "en-US")):
        with translation.override(active):
            options = capture.options_for(None, user)
        assert options.information.pre_selected_language == asked
        assert options.phone_number is None


@pytest.mark.parametrize(
    ("data", "declared"),
    [
        ({"name": "Jo"}, DeclaredData("Jo")),
        ({"name": "x" * 255, "birth_date": None}, DeclaredData("x" * 255)),
        *(
            ({"name": "Jo", "birth_date": moment}, DeclaredData("Jo", "1990-02-03"))
            for moment in (date(1990, 2, 3), datetime(1990, 2, 3, 4), "1990-02-03")  # noqa: DTZ001
        ),
        (
            {"name": "Jo", "external_applicant_id": "eaplt_1"},
            DeclaredData("Jo", None, "eaplt_1"),
        ),
        *((odd, None) for odd in (None, {}, 7, "Jo", ["Jo"], {"birth_date": "1990-02-03"})),
        *(({"name": odd}, None) for odd in ("", "J", "x" * 256, None, 7, ["Jo"])),
        *(
            ({"name": "canary", "birth_date": odd}, None)
            for odd in (1990, "3.2.1990", "1990", "1990-02-30", "1990-02-03T00:00", ["1990-02-03"])
        ),
    ],
)
def test_declared_data(user, settings, caplog, data, declared):
    """A user about whom the records say nothing usable is not offered enrolment."""
    for name, value in OFFERED.items():
        setattr(settings, name, value)
    settings.FACEAUTH_ENROLMENT_DATA = lambda user: data
    with caplog.at_level(logging.ERROR):
        assert enrolment.declared_by(user) == declared

    assert ("ENROLMENT_DATA" in caplog.text) == (declared is None and data is not None)
    assert "canary" not in caplog.text

    user.is_active = False
    assert enrolment.declared_by(user) is None
