"""Gates that could not work are errors where they are written."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.views import View

from django_faceauth.gate import (
    FaceRequiredMixin,
    ask_first,
    face_required,
    freshness,
    recorded_face,
)
from django_faceauth.gate.admin import (
    FaceRequiredAdminSite,
    FaceRequiredModelAdmin,
    face_required_action,
)
from django_faceauth.gate.policy import policy

MALFORMED = {
    "action": ["x" * 101],
    "max_age": [0, -1, 0.4, 10**9, timedelta(seconds=-5), timedelta(days=366)],
    "methods": [[], "POST", ["PSOT"], ["POST", "FETCH"]],
    "keep": ["email", ["csrfmiddlewaretoken"], ["face_challenge"]],
    "accept": [
        *([], ["passkey"], "face", ["face", "exemption"], ["face", ""], ["face", "By letter"]),
        *(["face", "letter\n"], ["face", "x" * 33]),
    ],
    "network": ["", "refuse", "Deny", False, ["deny"]],
}
OF_ANOTHER_TYPE = {
    "max_age": ["300", True, int],
    "bind": [{"amount": 1}],
    "when": [False, "never"],
}


@pytest.mark.parametrize(
    ("error", "arguments"), [(ValueError, MALFORMED), (TypeError, OF_ANOTHER_TYPE)]
)
def test_a_malformed_argument_is_an_error(error, arguments):
    for name, values in arguments.items():
        for value in values:
            said = "duration" if (error, name) == (TypeError, "max_age") else name
            with pytest.raises(error, match=said):
                policy(**{name: value})


def attributes(gate):
    return {f"face_{name}": value for name, value in gate.items()}


#: Where a gate can be written, and what it can be given there.
WRITTEN = {
    "decorator": lambda person, **gate: face_required(**gate),
    "action": lambda person, **gate: face_required_action(**gate),
    "mixin": lambda person, **gate: type("Page", (FaceRequiredMixin, View), attributes(gate)),
    "model admin": lambda person, **gate: type("Desk", (FaceRequiredModelAdmin,), attributes(gate)),
    "admin site": lambda person, **gate: type("Site", (FaceRequiredAdminSite,), attributes(gate)),
    "freshness": lambda person, **gate: freshness(person.request(), **gate),
    "ask_first": lambda person, **gate: ask_first(person.request(), **gate),
    "recorded_face": lambda person, **gate: recorded_face(person.user, "a", **gate),
}


@pytest.mark.parametrize("place", WRITTEN)
def test_it_is_an_error_wherever_the_gate_is_written(person, place):
    for name in ("max_age", "action", "accept", "network"):
        with pytest.raises(ValueError, match=name):
            WRITTEN[place](person, **{name: MALFORMED[name][0]})


def test_a_binding_of_a_class_must_be_defined():
    with pytest.raises(NotImplementedError):
        FaceRequiredMixin().get_face_binding()


@pytest.mark.parametrize("max_age", [1, timedelta(seconds=1), timedelta(days=365)])
def test_a_window_may_be_a_second_or_a_year(max_age):
    assert policy(max_age=max_age)


def test_names_are_kept_in_one_order():
    """So that two gates that accept the same share a challenge."""
    one, other = policy(accept=("face", "b", "a")), policy(accept=["a", "b", "face", "b"])

    assert one == other
