"""Staff who act as somebody else: nobody shows a face for others (B-04, TH-44)."""

from __future__ import annotations

import pytest
from django.test import override_settings
from django.utils import timezone

from django_faceauth.gate import freshness
from django_faceauth.messages import NOT_DONE
from django_faceauth.models import FaceChallenge
from django_faceauth.services.grants import exemptions, identity
from django_faceauth.testing import exempted

GATE = "/statements/"

#: What each tool leaves in the session while it is at work.
SESSIONS = [
    {"hijack_history": ["1"]},  # django-hijack
    {"loginas_from_user": "1:signature"},  # django-loginas
    {"_impersonate": "1"},  # django-impersonate
    {"exit_users_pk": [("1", "django.contrib.auth.backends.ModelBackend")]},  # django-su
    {"django_disguise:original_user": "1"},  # django-disguise
]


def acts(person, marks):
    session = person.browser.session
    session.update(marks)
    session.save()


def stops(person):
    session = person.browser.session
    for key in identity.IMPERSONATION_KEYS:
        session.pop(key, None)
    session.save()


def test_every_known_key_is_tried_here():
    assert {key for marks in SESSIONS for key in marks} == set(identity.IMPERSONATION_KEYS)


@pytest.mark.parametrize("marks", SESSIONS, ids=lambda marks: next(iter(marks)))
@pytest.mark.parametrize("path", [GATE, "/async/", "/documents/", "/once/"])
def test_nobody_passes_as_somebody_else(person, marks, path):
    """Not with a grant of that very session, and no question is asked (B-04, TH-44)."""
    person.passes(GATE)
    asked = FaceChallenge.objects.count()
    acts(person, marks)

    refused = person.browser.get(path)

    assert refused.status_code == 403
    assert refused.context["wording"] == NOT_DONE["impersonated"]
    assert FaceChallenge.objects.count() == asked


@pytest.mark.parametrize("marks", SESSIONS, ids=lambda marks: next(iter(marks)))
def test_an_exemption_is_for_the_person_too(people, marks):
    """B-04."""
    person, officer = people(), people()
    now = timezone.now()
    until = now + timezone.timedelta(hours=1)
    exemptions.exempt(
        person.user, action="*", reason="x", author=officer.user, expires_at=until, now=now
    )
    assert person.browser.get(GATE).status_code == 200

    acts(person, marks)

    assert person.browser.get(GATE).status_code == 403


@pytest.mark.parametrize(
    "setting",
    [
        {"FACEAUTH_IMPERSONATION_KEYS": ["other", "acts"]},
        {"FACEAUTH_IMPERSONATION_KEYS": lambda: ["acts"]},
        {"LOGINAS_FROM_USER_SESSION_FLAG": "acts"},
    ],
    ids=["listed", "called", "loginas"],
)
def test_a_site_can_name_keys_of_other_tools(people, setting):
    """Grants and exemptions count again once the key has gone (F-07)."""
    person, officer = people(), people()
    exempted(person.user, author=officer.user)
    acts(person, {"acts": "1"})
    assert person.browser.get(GATE).status_code == 200

    with override_settings(**setting):
        assert person.browser.get(GATE).status_code == 403
        acts(person, {"acts": ""})
        assert person.browser.get(GATE).status_code == 200


@pytest.mark.parametrize("mark", identity.IMPERSONATION_MARKS)
def test_marks_on_the_user_count_too(person, mark):
    """Middleware of these tools sets them (TH-44)."""
    person.passes(GATE)
    request = person.request(GATE)
    assert freshness(request) is not None

    setattr(person.user, mark, True)

    assert freshness(request) is None


def test_it_is_said_before_anything_is_looked_up(people):
    """Also about people who are not enrolled: the page is the same."""
    stranger = people(None)
    acts(stranger, SESSIONS[0])

    assert stranger.browser.get(GATE).context["wording"] == NOT_DONE["impersonated"]


def test_whoever_stops_acting_is_themselves_again(person):
    """An empty history is none."""
    person.passes(GATE)
    acts(person, {"hijack_history": []})
    assert person.browser.get(GATE).status_code == 200

    acts(person, SESSIONS[0])
    stops(person)

    assert person.browser.get(GATE).status_code == 200
