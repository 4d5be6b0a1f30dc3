"""Which methods, and faces from which networks, open a gate."""

from __future__ import annotations

import pytest
from django.http import HttpResponse
from django.urls import path

from django_faceauth.exceptions import FlowError
from django_faceauth.gate import (
    approve_by_other_method,
    ask_first,
    face_required,
    freshness,
    pending_challenge,
    recorded_face,
)
from django_faceauth.models import FaceChallenge
from django_faceauth.testing import face_shown
from tests.addresses import served

pytestmark = pytest.mark.database

FACE_ONLY = {"accept": ["face"]}
LETTERS = {"accept": ["letter", "face"]}
DENY, FLAG, IGNORE = ({"network": name} for name in ("deny", "flag", "ignore"))
BOUND = {"bind": lambda request: {"amount": 1}}


@pytest.fixture(autouse=True)
def fallback(settings):
    settings.FACEAUTH_FALLBACK = "by-code"


def told(request):
    return HttpResponse(f"in: {request.face.method}")


def gates(*described):
    """Give the site gates of one action at /0/, /1/ and so on."""
    return served(
        *(
            path(f"{number}/", face_required(action="door", **gate)(told))
            for number, gate in enumerate(described)
        )
    )


def is_asked(person, number=0):
    """Open a gate, be asked, and return the challenge."""
    handle = person.is_asked(f"/{number}/").split("/")[-2]
    return FaceChallenge.objects.get(handle=handle)


def enters(person, number=0):
    return person.browser.get(f"/{number}/").content.decode()


def approves(person, challenge, method):
    request = person.request("/by-code/", "post")
    return approve_by_other_method(request, challenge.handle, method=method)


@pytest.mark.parametrize("bind", [{}, BOUND])
def test_what_a_gate_accepts_is_what_may_answer_it(person, bind):
    with gates({**FACE_ONLY, **bind}, {**LETTERS, **bind}, bind):
        face_only, letters, anything = (is_asked(person, number) for number in range(3))
        request = person.request()

        assert pending_challenge(request, face_only.handle) is None
        assert pending_challenge(request, letters.handle).action == "door"
        for challenge, method in ((face_only, "letter"), (letters, "code")):
            with pytest.raises(FlowError):
                approves(person, challenge, method)
        assert FaceChallenge.objects.filter(state="open").count() == 3
        approves(person, anything, "code")
        is_asked(person, 0)
        is_asked(person, 1)
        assert enters(person, 2) == "in: code"
        approves(person, letters, "letter")
        is_asked(person, 0)
        assert enters(person, 1) == "in: letter"


@pytest.mark.parametrize("bind", [{}, BOUND])
def test_gates_of_one_action_that_accept_different_things_have_their_own_challenges(person, bind):
    described = [{}, FACE_ONLY, LETTERS, DENY, IGNORE, {**FACE_ONLY, **DENY}]
    with gates(*({**gate, **bind} for gate in described)):
        asked = [is_asked(person, number).pk for number in range(6)]
        assert len({*asked}) == 6
        assert [is_asked(person, number).pk for number in range(6)] == asked

    rows = FaceChallenge.objects.order_by("pk").values_list("accept", "network_policy")
    face, letters = ["face"], ["face", "letter"]
    assert list(rows) == [
        (None, "flag"),
        (face, "flag"),
        (letters, "flag"),
        (None, "deny"),
        (None, "ignore"),
        (face, "deny"),
    ]


def test_the_newest_grant_that_counts_opens_the_gate(person):
    with gates(FACE_ONLY, {}):
        face_shown(person.browser, action="door", ago=20)
        face_shown(person.browser, action="door", ago=10)
        newest = FaceChallenge.objects.latest("verified_at")
        FaceChallenge.objects.filter(pk=newest.pk).update(method="code")

        assert enters(person, 0) == "in: face"
        assert enters(person, 1) == "in: code"


NETWORKS = [
    ({}, "flag", False, True),
    ({}, "ignore", False, True),
    ({}, "deny", False, False),
    ({}, "deny", None, False),
    ({}, "deny", True, True),
    (DENY, "flag", True, True),
    *((DENY, "ignore", same, False) for same in (None, False)),
    *((gate, "deny", same, True) for gate in (FLAG, IGNORE) for same in (None, False)),
]


@pytest.mark.parametrize(("gate", "setting", "is_same", "opens"), NETWORKS, ids=str)
def test_a_face_from_another_network_opens_no_gate_that_denies_it(
    person, settings, gate, setting, is_same, opens
):
    """An unknown network is another one (TH-05)."""
    settings.FACEAUTH_NETWORK_POLICY = setting
    shown = face_shown(person.browser, action="door")
    FaceChallenge.objects.update(is_same_network=is_same)

    with gates(gate):
        answer = person.browser.get("/0/")

        assert (answer.content == b"in: face") == opens
        assert (answer.status_code == 302) != opens
    asked = {"action": "door", **gate}
    assert (freshness(person.request(), **asked) is not None) == opens
    assert (ask_first(person.request("/home/"), **asked) is None) == opens
    assert (recorded_face(person.user, shown.handle, **asked) is not None) == opens


def test_a_bound_approval_from_another_network_is_not_used(person):
    with gates({**DENY, **BOUND}):
        shown = face_shown(person.browser, action="door", binding={"amount": 1})
        FaceChallenge.objects.update(is_same_network=False)
        is_asked(person)
        shown.refresh_from_db()
        assert shown.state == "granted"

        FaceChallenge.objects.filter(pk=shown.pk).update(is_same_network=True)
        assert enters(person) == "in: face"
        is_asked(person)
