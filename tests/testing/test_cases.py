"""The mixin, used as sites use it: these tests are its test."""

from __future__ import annotations

import unittest

from django.contrib.auth.models import User
from django.test import Client, SimpleTestCase, TestCase

from django_faceauth.conf import conf
from django_faceauth.testing import FaceAuthTestMixin


class StateTests(FaceAuthTestMixin, TestCase):
    def setUp(self):
        self.user = User.objects.create_user("carol")
        self.client.force_login(self.user)

    def test_states(self):
        self.face_declined(self.client)
        self.face_revoked(self.client)
        asked = self.face_asked(self.client)
        assert self.assertFaceAsked(self.client.get("/statements/")) == asked
        self.face_shown(self.client, ago=20)
        assert self.client.get("/statements/").status_code == 200
        self.exempted(self.user, action="payout")
        assert self.client.get("/payout/").status_code == 200
        assert self.locked_out(self.user).pk > 0

    def test_whole_check(self):
        self.enrolled(self.user)
        self.faceauth_simulator.decides(self.user, "declined")
        self.show_face("/statements/")
        challenge = self.assertFaceAsked(self.client.get("/statements/"))
        assert self.show_face("/statements/", outcome="approved").status_code == 200
        told = self.webhook_event(challenge)
        assert self.deliver_webhook(told).status_code == 200

    def test_simulator_begins_when_it_is_used(self):
        self.enrolled(self.user)
        other = Client()
        other.force_login(self.user)
        assert conf.SIMULATOR_CHECK_SECONDS.total_seconds() == 2
        assert self.show_face("/statements/", client=other).status_code == 200
        assert self.faceauth_simulator is self.faceauth_simulator
        assert conf.SIMULATOR_CHECK_SECONDS.total_seconds() == 0
        self.assertFaceAsked(self.client.get("/statements/"))


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
