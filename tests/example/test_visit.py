"""Visits to the bank over plain HTTP, without JavaScript."""

from __future__ import annotations

import re

import pytest

from tests.example.customer import Customer

pytestmark = pytest.mark.enable_socket

APPLICANTS = "/admin/faceauth/applicant/"


def test_a_face_opens_the_page_that_asked_and_no_other(bank):
    alice = Customer(bank, "alice")
    shut = {"/statements/": "shut", "/settings/": "shut", "/payout/": "shut"}
    assert alice.opens("/").doors == shut

    statements = alice.shows_face("/statements/")
    saved = alice.submits(alice.shows_face("/settings/"), email="alice@harbour.example")

    assert statements.url == f"{bank}/statements/"
    assert statements.doors == {**shut, "/statements/": "open"}
    assert "alice@harbour.example" in saved.forms[-1].fields["email"]


def test_erin_may_set_up_face_checks(bank):
    erin = Customer(bank, "erin")

    closed = erin.opens("/statements/")

    assert closed.status == 403
    assert f"{bank}/face/enrol/" in closed.links
    assert f"{bank}/face/enrol/" in erin.opens("/").links
    assert f"{bank}/face/enrol/" not in Customer(bank, "alice").opens("/").links


def test_webhooks_arrive(bank):
    alice = Customer(bank, "alice")
    alice.shows_face("/statements/")

    assert f"{bank}/simulator/" in alice.opens("/login/").links
    deliveries = alice.waits_for("face_authentication_checks_completed", "/simulator/")
    assert "delivered 1 200" in deliveries.text


@pytest.mark.parametrize("path", ["/login/", "/app/", "/admin/login/", "/nowhere/"])
def test_every_page_has_a_strict_policy(bank, path):
    policy = Customer(bank).opens(path).headers["Content-Security-Policy"]

    assert policy == "default-src 'self'; form-action 'self'"


@pytest.mark.parametrize("username", ["admin", "reviewer", "operator"])
def test_staff_read_without_a_face(bank, username):
    staff = Customer(bank, username)

    for path in ("/admin/bank/payout/", "/admin/faceauth/faceauthentication/"):
        assert staff.opens(path).url.endswith(path)
        assert "/admin/login/" in Customer(bank, "alice").opens(path).url


@pytest.mark.parametrize(("username", "action"), [("operator", "revoke_grants"), ("reviewer", "")])
def test_permissions_of_staff(bank, username, action):
    """Operators have actions; neither group may link users to applicants."""
    frank = Customer(bank, "frank")
    frank.shows_face("/statements/")
    staff = Customer(bank, username)

    listed = staff.opens("/admin/faceauth/faceauthentication/")

    assert ('value="revoke_grants"' in listed.html) is (action == "revoke_grants")
    assert staff.opens(f"{APPLICANTS}add/").status == 403
    queue = staff.opens("/admin/faceauth/reviewcase/")
    assert queue.status == 200


def test_staff_show_their_face_before_they_link_people(bank):
    """Whoever enrols others opens their accounts: a password is not enough (T-1.2, TH-46)."""
    admin = Customer(bank, "admin")
    start = admin.opens(f"{APPLICANTS}add/")

    form = admin.answers(start)
    erin = pk_of(admin, "erin")
    wrong = admin.submits(form, user=erin, applicant_id="erin")
    assert wrong.url == form.url
    linked = admin.submits(form, user=erin, applicant_id=f"aplt_{10000:0<22}")

    enrolled = Customer(bank, "erin")
    assert enrolled.shows_face("/statements/").status == 200

    [page] = [link for link in linked.links if link.split("?")[0].endswith("/change/")][:1]
    admin.submits(admin.opens(page.replace("/change/", "/delete/")))
    assert enrolled.opens("/statements/").status == 403


def test_a_user_who_is_linked_again_shows_their_face_again(bank):
    alice = Customer(bank, "alice")
    alice.shows_face("/statements/")
    admin = Customer(bank, "admin")
    admin.shows_face(f"{APPLICANTS}add/")
    found = admin.opens(f"{APPLICANTS}?q=alice")
    [change] = [link for link in found.links if re.search(r"/applicant/\d+/change/", link)]

    form = admin.opens(change)
    changed = admin.submits(form, applicant_id=f"aplt_{10000:0<21}")

    assert "user" not in form.forms[-1].fields  # it stays whose it is
    assert changed.status == 200
    assert "/face/start/" in alice.opens("/statements/").url


def pk_of(admin, name):
    """Return what the admin calls a user."""
    found = admin.opens(f"/admin/auth/user/?q={name}")
    [link] = [link for link in found.links if link.split("?")[0].endswith("/change/")]
    return link.split("/")[-3]
