"""The mixin, used as sites use it: these tests are its test."""

from __future__ import annotations

import unittest

import pytest
from django.contrib.auth.models import User
from django.test import Client, SimpleTestCase, TestCase

from django_faceauth import testing
from django_faceauth.conf import conf
from django_faceauth.testing import FaceAuthTestMixin


class StateTests(FaceAuthTestMixin, TestCase):
    def setUp(self):
        self.user = User.objects.create_user("carol")
        self.client.force_login(self.user)
        self.enrolled(self.user)

    def test_whole_check(self):
        """The simulator begins when it is used."""
        assert conf.SIMULATOR_CHECK_SECONDS.total_seconds() == 2
        self.faceauth_simulator.decides(self.user, "declined")
        assert conf.SIMULATOR_CHECK_SECONDS.total_seconds() == 0
        self.show_face("/statements/")
        challenge = self.assertFaceAsked(self.client.get("/statements/"))
        assert self.show_face("/statements/", outcome="approved").status_code == 200
        told = self.webhook_event(challenge)
        assert self.deliver_webhook(told).status_code == 200

    def test_another_client(self):
        other = Client()
        other.force_login(self.user)
        assert self.show_face("/statements/", client=other).status_code == 200
        self.assertFaceAsked(self.client.get("/statements/"))


@pytest.mark.parametrize(
    "name",
    ["exempted", "face_asked", "face_declined", "face_revoked", "face_shown", "locked_out"],
)
def test_functions_are_methods(name):
    assert getattr(FaceAuthTestMixin(), name) is getattr(testing, name)


class GateTests(FaceAuthTestMixin, SimpleTestCase):
    def test_gates(self):
        self.assertGated("/payout/", except_=["/payout/form/"])
        with self.assertRaisesMessage(AssertionError, "/home/ (tests.site.views.home)"):
            self.assertGated("/home/")


def test_simulator_ends_with_its_test(db):
    before = conf.SIMULATOR_CHECK_SECONDS

    class PlainTests(FaceAuthTestMixin):
        def test_home(self):
            self.show_face("/home/")

    result = unittest.TestResult()
    PlainTests("test_home").run(result)

    assert "does not ask for a face" in result.failures[0][1]
    assert before == conf.SIMULATOR_CHECK_SECONDS
