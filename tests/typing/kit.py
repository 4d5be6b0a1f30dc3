"""Tests that sites write with the kit: read by mypy and Pyright, as api.py is."""

from __future__ import annotations

from datetime import timedelta
from types import ModuleType
from typing import assert_type

from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client, TestCase

from django_faceauth import testing
from django_faceauth.models import Applicant, FaceChallenge, FaceExemption, Lockout
from django_faceauth.testing import FaceAuthTestMixin
from django_faceauth.testing.simulation import Simulation


def test_with_pytest(client: Client, faceauth: ModuleType, faceauth_simulator: Simulation) -> None:
    faceauth.face_shown(client, action="payout")
    answer = faceauth_simulator.show_face(client, "/payout/", outcome="approved")
    assert_type(answer, HttpResponse)
    faceauth_simulator.show_face(client, "/payout/", outcome="aproved")  # type: ignore[arg-type]


def test_with_functions(client: Client, user: User) -> None:
    assert_type(testing.enrolled(user), Applicant)
    assert_type(testing.face_asked(client), FaceChallenge)
    assert_type(testing.face_shown(client, ago=timedelta(minutes=4)), FaceChallenge)
    assert_type(testing.exempted(user, lasts=60), FaceExemption)
    assert_type(testing.locked_out(user), Lockout)
    testing.face_shown(client, ago="four minutes")  # type: ignore[arg-type]
    testing.face_shown(client, "payout")  # type: ignore[call-arg]
    testing.face_shown(user)  # type: ignore[arg-type]


class WithUnittest(FaceAuthTestMixin, TestCase):
    def test_payout(self) -> None:
        self.face_shown(self.client, action="payout")
        challenge = self.assertFaceAsked(self.client.get("/payout/"), action="payout")
        assert_type(challenge, FaceChallenge)
