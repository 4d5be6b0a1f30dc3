"""All kinds of gates decide alike (G-13)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.models import Session
from django.http import HttpResponse
from django.template import Context, Template
from django.urls import resolve
from rest_framework.authentication import SessionAuthentication
from rest_framework.views import APIView

from django_faceauth.api.permissions import require_face
from django_faceauth.gate import (
    ask_first,
    freshness,
    recorded_face,
)
from django_faceauth.models import Applicant, FaceAuthentication, FaceChallenge, FaceExemption
from django_faceauth.services.grants import identity
from django_faceauth.testing import exempted, face_shown
from tests.conftest import NOON
from tests.gate.doors import doors
from tests.gate.test_admin import make_staff

ACTION, MAX_AGE = "door", 180
ASKS = {"action": ACTION, "max_age": MAX_AGE, "accept": ["face", "code"], "network": "deny"}
IN = HttpResponse("in")


class Endpoint(APIView):
    authentication_classes = [SessionAuthentication]
    permission_classes = [require_face(**ASKS)]

    def get(self, request, pk):
        return IN


GATES = {
    **doors(**ASKS),
    "permission": Endpoint.as_view(),
    "freshness": lambda request, pk: IN if freshness(request, **ASKS) else HttpResponse(),
    "ask_first": lambda request, pk: ask_first(request, **ASKS) or IN,
}


def ago(seconds):
    return NOON - timedelta(seconds=seconds)


def open_gates(person, *, is_anonymous=False):
    """Return the gates that let the user pass, each on a request of its own."""
    names = set()
    for name, gate in GATES.items():
        request = person.request("/doors/")
        request.user = AnonymousUser() if is_anonymous else person.user
        request.resolver_match = resolve("/home/")
        answer = (async_to_sync(gate) if name.startswith("async") else gate)(request, pk=7)
        if answer.status_code == 200 and answer.content.startswith(b"in"):
            names.add(name)
    return names


@pytest.fixture
def fresh(person, clock):
    """A user with a grant that was seen already."""
    clock.move_to(NOON)
    face_shown(make_staff(person).browser, action=ACTION)
    FaceChallenge.objects.update(session_rotated_at=NOON, is_same_network=True)
    return person


def assert_decision(person, is_open):
    """Assert it for all gates, and for code without a request."""
    assert open_gates(person) == (set(GATES) if is_open else set())
    handle = FaceChallenge.objects.earliest("pk").handle
    face = recorded_face(person.user, handle, **ASKS)
    assert (face is not None) == is_open
    assert face == freshness(person.request(), **ASKS)


GRANTS = [
    # Windows: tolerant of a clock that is a minute ahead (G-06).
    *(({"verified_at": ago(age)}, {}, True) for age in (-60, 0, MAX_AGE - 1)),
    *(({"verified_at": ago(age)}, {}, False) for age in (-61, MAX_AGE, 10**6)),
    *(({"action": text}, {}, False) for text in ("", "Door", "door ", "other")),
    *(({"state": text}, {}, False) for text in ("revoked", "refused", "failed", "expired")),
    ({"state": "consumed", "consumed_at": NOON}, {}, False),
    ({"state": "open", "dedup_key": "x"}, {}, False),
    # What the provider and the enrolment say of a face, and not of another method (G-11).
    *(({}, {"status": text}, False) for text in ("declined", "", "Approved", "tomorrows")),
    ({}, {"applicant_id": "aplt_former"}, False),
    ({}, {"erased_at": NOON}, False),
    ({"method": "code"}, {"status": "declined"}, True),
    ({"method": "code", "authentication": None}, {}, True),
    ({"method": "letter"}, {}, False),
    *(({"is_same_network": same}, {}, False) for same in (False, None)),
]


@pytest.mark.parametrize(("challenge", "authentication", "is_open"), GRANTS, ids=str)
@pytest.mark.parametrize("is_exempt", [True, False])
def test_all_gates_decide_alike_about_grants(fresh, challenge, authentication, is_open, is_exempt):
    """G-06, G-11, G-13."""
    FaceChallenge.objects.update(**challenge)
    if authentication:
        FaceAuthentication.objects.update(**authentication)
    if is_exempt:
        exempted(fresh.user, action=ACTION)

    assert_decision(fresh, is_open or is_exempt)


@pytest.mark.parametrize(
    ("columns", "is_open"),
    [
        *(({"action": text}, True) for text in ("*", ACTION)),
        # Some databases take "Door" for "door".
        *(({"action": text}, False) for text in ("", "Door", "door ", "*door", "other")),
        ({"created_at": ago(-60)}, True),
        ({"created_at": ago(-61)}, False),
        ({"created_at": ago(60), "expires_at": NOON}, False),
        ({"revoked_at": NOON}, False),
    ],
    ids=str,
)
@pytest.mark.parametrize("is_enrolled", [True, False])
def test_all_gates_decide_alike_about_exemptions(fresh, columns, is_open, is_enrolled):
    """G-02, G-13."""
    exempted(fresh.user)
    FaceExemption.objects.update(**columns)
    FaceChallenge.objects.update(state="expired")
    if not is_enrolled:
        Applicant.objects.all().delete()

    assert_decision(fresh, is_open)


@pytest.mark.parametrize("is_exempt", [True, False])
def test_all_gates_decide_alike_about_users_and_sessions(fresh, is_exempt):
    """G-02, G-13, TH-44."""
    if is_exempt:
        exempted(fresh.user)
    assert open_gates(fresh) == set(GATES)

    assert open_gates(fresh, is_anonymous=True) == set()
    fresh.user.is_active = False
    assert open_gates(fresh) == set()
    fresh.user.is_active = True
    for key in identity.IMPERSONATION_KEYS:
        session = fresh.browser.session
        session[key] = ["7"]
        session.save()
        assert open_gates(fresh) == set()
        del session[key]
        session.save()
    fresh.browser = fresh.new_browser()
    assert open_gates(fresh) == (set(GATES) if is_exempt else set())
    Applicant.objects.all().delete()
    assert open_gates(fresh) == (set(GATES) if is_exempt else set())


def test_the_template_tag_decides_as_freshness_does(fresh):
    """G-13."""
    tag = f'{{% face_fresh action="{ACTION}" max_age={MAX_AGE} as face %}}{{{{ face.challenge }}}}'
    template = Template("{% load faceauth %}" + tag)
    context = Context({"request": fresh.request()})

    assert template.render(context) == fresh.challenge.handle
    fresh.clock.shift(MAX_AGE)
    assert template.render(context) == ""


@pytest.mark.parametrize(
    ("end", "stays_on_record"),
    [
        (lambda user: Session.objects.all().delete(), True),
        (lambda user: User.objects.update(password=make_password("another one")), True),
        (lambda user: (user.set_password("another one"), user.save()), False),
    ],
    ids=["session deleted", "password updated", "password saved"],
)
def test_changes_without_a_signal_close_the_gate_but_not_the_record(person, end, stays_on_record):
    """F-12: Django sends a signal for `save()`, but not for the other two."""
    person.passes()
    handle = person.challenge.handle
    assert recorded_face(person.user, handle) is not None

    end(person.user)

    assert person.browser.get("/statements/").status_code == 302
    assert (recorded_face(person.user, handle) is not None) == stays_on_record
