"""What the hooks of a site say of a user, and what of a result they keep."""

from __future__ import annotations

import logging
from datetime import date, datetime

import pytest
from django.utils import translation

from django_faceauth.models import FaceAttempt
from django_faceauth.provider.resources import DeclaredData, PhoneNumber
from django_faceauth.services.flow import capture, enrolment
from django_faceauth.services.sync import sync
from tests.enrolment_driver import OFFERED
from tests.provider_double import says
from tests.user_driver import scripted

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


# -- data minimisation by `FACEAUTH_SCRUB` (V-01)


def nothing(facts):
    return {}


def nonsense(facts):
    return 7


def fails(facts):
    raise RuntimeError("canary: 62321")


def more(facts):
    codes = [*facts["response_codes"], {"code": 10000, "summary": "added"}]
    return {"response_codes": codes, "risk_labels": ["added"], "network": "added", "status": "x"}


def by_hand(facts):
    facts["response_codes"].append({"code": 10000, "summary": "added"})
    facts["response_codes"][0]["summary"] = "changed"
    return facts


@pytest.fixture
def declines(people, provider, settings):
    """Decline a user while a hook is set; return the row."""

    def declines(hook):
        settings.FACEAUTH_SCRUB = f"{__name__}.{hook.__name__}" if hook else ""
        person = people(scripted("62321"))
        provider.alterations.append(says(risk_labels=["multiple_faces_detected"]))
        person.passes()
        return person.authentication

    return declines


def test_without_a_hook_what_passed_the_edge_is_kept(declines):
    row = declines(None)

    assert (row.codes, row.code) == ([62321], 62321)
    assert row.risk_labels == ["multiple_faces_detected"]
    assert FaceAttempt.objects.get().network != ""
    row.applicant_id = ""  # of an erased user nothing is kept
    kept = sync.filter_facts(row, {"response_codes": [1], "network": "x"})
    assert kept == {"response_codes": [], "network": ""}


@pytest.mark.parametrize("hook", [nothing, fails, nonsense])
def test_a_hook_that_wants_nothing_gets_nothing(declines, hook, caplog):
    """One that fails does not lose the news, nor tell what it was about."""
    row = declines(hook)

    attempt = FaceAttempt.objects.get()
    assert (row.status, row.codes, row.code, row.risk_labels) == ("declined", [], None, [])
    assert (attempt.response_codes, attempt.network) == ([], "")
    assert "canary" not in caplog.text


@pytest.mark.parametrize("hook", [more, by_hand])
def test_a_hook_adds_and_changes_nothing(declines, hook):
    row = declines(hook)

    assert row.status == "declined"
    assert {10000, 62321} & set(row.codes) <= {62321}
    assert "added" not in str([row.response_codes, row.risk_labels])
    assert FaceAttempt.objects.get().network != "added"
