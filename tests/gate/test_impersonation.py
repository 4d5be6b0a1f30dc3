"""Staff who impersonate a user cannot use the user's face (B-04, TH-44)."""

from __future__ import annotations

import pytest
from django.test import override_settings

from django_faceauth.gate import freshness
from django_faceauth.messages import NOT_DONE
from django_faceauth.models import FaceChallenge
from django_faceauth.services.grants import identity
from django_faceauth.testing import exempted

pytestmark = pytest.mark.database

GATE = "/statements/"

#: What each tool stores in the session while it is active.
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


def test_every_known_key_is_tried_here():
    assert {key for marks in SESSIONS for key in marks} == set(identity.IMPERSONATION_KEYS)


@pytest.mark.parametrize("marks", SESSIONS, ids=lambda marks: next(iter(marks)))
def test_a_grant_and_an_exemption_do_not_count(people, marks):
    """No challenge is made, and the page is the same for all users (B-04, TH-44)."""
    person, exempt, stranger = people(), people(), people(None)
    person.passes(GATE)
    challenge = person.challenge
    exempted(exempt.user)

    for client in (person, exempt, stranger):
        acts(client, marks)
        for path in (GATE, "/async/", "/documents/", "/once/"):
            refused = client.browser.get(path)
            assert refused.status_code == 403
            assert refused.context["wording"] == NOT_DONE["impersonated"]
    assert (
        FaceChallenge.objects.get(user__in=[person.user, exempt.user, stranger.user]) == challenge
    )


@pytest.mark.parametrize(
    "setting",
    [
        {"FACEAUTH_IMPERSONATION_KEYS": ["other", "acts"]},
        {"FACEAUTH_IMPERSONATION_KEYS": lambda: ["acts"]},
        {"LOGINAS_FROM_USER_SESSION_FLAG": "acts"},
    ],
    ids=["listed", "called", "loginas"],
)
def test_a_site_can_name_keys_of_other_tools(person, setting):
    """Grants and exemptions count again once the key has gone (F-07)."""
    exempted(person.user)
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
