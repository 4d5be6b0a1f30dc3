"""Events that end open challenges and unused grants at the next request (G-11)."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.models import User
from django.core import signing
from django.db import OperationalError, connection, transaction
from django.test import Client
from django.utils import timezone

from django_faceauth.models import Erasure, FaceAuthentication, FaceChallenge
from django_faceauth.provider.factory import get_client
from django_faceauth.services import notifications
from django_faceauth.services.enrolment import applicants
from django_faceauth.services.grants import revocation
from django_faceauth.signals import challenge_revoked
from tests.site.models import Customer, Staff
from tests.threads import at_once
from tests.webhook_deliveries import deliver, event

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]

GATE = "/statements/"
OPEN = "/payout/"


@dataclass
class Situation:
    """A user with a grant, and with a challenge that is still open."""

    person: object
    grant: FaceChallenge
    challenge: FaceChallenge
    signals: list

    def is_shut(self):
        """Return whether the next request of either gate is refused."""
        answers = [self.person.browser.get(path) for path in (GATE, OPEN)]
        return all(not answer.content.startswith(b"secret") for answer in answers)

    @property
    def rows(self):
        rows = [FaceChallenge.objects.get(pk=row.pk) for row in (self.grant, self.challenge)]
        return [(row.state, row.reason) for row in rows]

    def revoked(self, reason):
        """Return the signals of one revocation, with what the grant had let through."""
        return [(self.grant, reason, ("",))]


@pytest.fixture
def situation(person, hears):
    signals = hears(challenge_revoked, "challenge", "reason", "executed")
    person.passes(GATE)
    grant = person.challenge
    person.is_asked(OPEN)
    return Situation(person, grant, person.challenge, signals)


def deactivated(situation):
    situation.person.user.is_active = False
    situation.person.user.save()


def relinked(situation):
    applicants.link(situation.person.user, "aplt_another", check=False)


def password(situation):
    situation.person.user.set_password("another one")
    situation.person.user.save()


def staff(situation):
    revocation.end_all(situation.person.user.pk, reason="staff", now=timezone.now())


def reported(situation):
    token = signing.dumps(situation.grant.pk, salt=notifications.SALTS[FaceChallenge])
    Client().post(f"/face/report/{token}/")


def logout(situation):
    revocation.end_session(situation.person.request("/logout/", "post"), now=timezone.now())


EVENTS = [deactivated, password, relinked, staff, reported, logout]
each_event = pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)


@each_event
def test_it_counts_at_the_next_request_and_sends_one_signal(situation, event):
    """The grant is revoked, the challenge expired, the rows say why (G-11, B-06)."""
    reason = event.__name__
    event(situation)
    revoked_at = timezone.now()
    situation.person.clock.shift(1)
    event(situation)

    assert situation.is_shut()
    assert situation.rows == [("revoked", reason), ("expired", reason)]
    assert FaceChallenge.objects.get(pk=situation.grant.pk).revoked_at == revoked_at
    assert situation.signals == situation.revoked(reason)


@each_event
def test_a_capture_in_progress_opens_nothing(situation, event):
    """Its result comes too late for a challenge that is over (D-11)."""
    person = situation.person
    back = person.shows_face(person.is_handed_over(f"/face/start/{situation.challenge.handle}/"))
    event(situation)
    person.clock.shift(3)

    person.returns(back)

    assert situation.is_shut()
    assert situation.rows[1] == ("expired", event.__name__)


@pytest.mark.parametrize("event", [deactivated, relinked, staff, reported])
def test_it_counts_in_every_session_and_process(situation, event):
    """Another connection writes it; nothing is cached here (G-11)."""
    person = situation.person
    browsers = [person.browser, person.new_browser()]
    person.browser = browsers[1]
    person.passes(GATE)
    assert all(browser.get(GATE).status_code == 200 for browser in browsers)

    at_once(lambda: event(situation))

    for person.browser in browsers:
        assert situation.is_shut()


def test_logging_out_ends_one_session(situation):
    """By Django's own signal; another session of the same user goes on (B-05)."""
    person = situation.person
    first = person.browser
    person.browser = person.new_browser()
    person.passes(GATE)

    first.logout()

    assert situation.rows == [("revoked", "logout"), ("expired", "logout")]
    assert situation.signals == situation.revoked("logout")
    assert person.browser.get(GATE).status_code == 200


def test_a_failing_database_does_not_stop_a_logout(person, caplog):
    def broken(execute, sql, *rest):
        if "faceauth_facechallenge" in sql:
            raise OperationalError("the table is away")
        return execute(sql, *rest)

    person.passes("/statements/")
    with connection.execute_wrapper(broken):
        person.browser.logout()

    assert "rows not ended at log-out: OperationalError" in caplog.text
    person.browser.force_login(person.user)
    person.is_asked("/statements/")


def test_what_ends_nothing(situation, people, settings):
    """The same applicant, the same password with another hasher, an event of another user."""
    person, other = situation.person, people()
    applicants.link(person.user, person.user.face_applicant.applicant_id, check=False)
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        *settings.PASSWORD_HASHERS,
    ]
    assert User.objects.get(pk=person.user.pk).check_password("pass word")
    revocation.end_all(other.user.pk, reason="staff", now=timezone.now())

    assert situation.signals == []
    assert situation.rows == [("granted", "approved"), ("open", "not_shown")]


def test_a_new_password_in_a_session_that_goes_on(situation):
    """update_session_auth_hash keeps the session, and not the grant (B-06, TH-21)."""
    person = situation.person
    request = person.request("/password/", "post")
    start = f"/face/start/{situation.challenge.handle}/"
    password(situation)
    update_session_auth_hash(request, person.user)
    request.session.save()
    person.browser.cookies["sessionid"] = request.session.session_key

    assert person.browser.get("/home/").status_code == 200
    assert person.browser.get(start).status_code == 404
    assert situation.is_shut()
    assert situation.signals == situation.revoked("password")


def test_an_erasure_at_the_provider_revokes_its_grant(situation):
    """The open challenge is about another face."""
    row = FaceAuthentication.objects.get(challenge=situation.grant)
    situation.person.clock.shift(10)

    get_client().anonymize_authentication(row.provider_id)
    for _ in range(2):
        deliver(event(row, "anonymized"))

    situation.person.is_asked(GATE)
    assert situation.rows == [("revoked", "erased"), ("open", "not_shown")]
    assert situation.signals == situation.revoked("erased")


def test_a_transaction_that_is_rolled_back_ends_nothing(situation):
    with transaction.atomic():
        staff(situation)
        transaction.set_rollback(True)

    assert situation.signals == []
    assert situation.person.browser.get(GATE).status_code == 200


@pytest.mark.parametrize("model", [Staff, Customer], ids=["proxy", "child"])
@pytest.mark.parametrize("change", ["deactivated", "password"])
def test_a_proxy_and_a_child_of_the_user_model_end_it_too(situation, model, change):
    """F-10."""
    user = situation.person.user
    if model is Customer:
        Customer(account=user, number=user.pk + 1000).save_base(raw=True)
    row = model.objects.get(id=user.pk)
    if change == "deactivated":
        row.is_active = False
    else:
        row.set_password("another one")

    row.save()

    assert situation.rows == [("revoked", change), ("expired", change)]
    User.objects.filter(pk=user.pk).update(is_active=True)
    situation.person.browser.force_login(User.objects.get(pk=user.pk))
    assert situation.is_shut()


def test_deleting_a_child_of_the_user_model_deletes_its_rows(situation):
    """And asks the provider for erasure (F-10, V-07)."""
    user = situation.person.user
    Customer(account=user, number=user.pk + 1000).save_base(raw=True)

    Customer.objects.get(id=user.pk).delete()

    assert not FaceChallenge.objects.exists()
    assert Erasure.objects.filter(who=str(user.pk)).exists()
