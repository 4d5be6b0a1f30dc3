"""What ends open questions and unused grants, at the very next request (G-11)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.core import signing
from django.db import OperationalError, connection, transaction
from django.test import Client, RequestFactory
from django.utils import timezone

from django_faceauth.models import Erasure, FaceAuthentication, FaceChallenge
from django_faceauth.provider.factory import get_client
from django_faceauth.provider.resources import AuthenticationSnapshot
from django_faceauth.services import notifications
from django_faceauth.services.enrolment import applicants
from django_faceauth.services.grants import revocation
from django_faceauth.services.sync import sync
from django_faceauth.signals import challenge_revoked
from tests.services.test_concurrency import at_once
from tests.site.models import Customer, Staff
from tests.webhook_deliveries import deliver, event

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]

GATE = "/statements/"
OPEN = "/payout/"


@dataclass
class Situation:
    """Somebody with a grant, and with a question that is still open."""

    person: object
    grant: FaceChallenge
    question: FaceChallenge
    told: list

    def is_shut(self):
        """Tell whether the next request of either gate is refused."""
        answers = [self.person.browser.get(path) for path in (GATE, OPEN)]
        return all(not answer.content.startswith(b"secret") for answer in answers)

    @property
    def rows(self):
        found = (FaceChallenge.objects.get(pk=one.pk) for one in (self.grant, self.question))
        return [(row.state, row.reason) for row in found]


@pytest.fixture
def situation(person):
    told = []

    def hear(challenge, reason, executed, **_facts):
        told.append((challenge.pk, reason, executed))

    challenge_revoked.connect(hear)
    person.passes(GATE)
    grant = person.challenge
    person.is_asked(OPEN)
    yield Situation(person, grant, person.challenge, told)
    challenge_revoked.disconnect(hear)


# -- what ends everything, and says so


def deactivated(situation):
    situation.person.user.is_active = False
    situation.person.user.save()


def relinked(situation):
    applicants.link(situation.person.user, "aplt_somebody_else")


def password(situation):
    situation.person.user.set_password("another one")
    situation.person.user.save()


def staff(situation):
    revocation.end_all(situation.person.user.pk, reason="staff", now=timezone.now())


def reported(situation):
    token = signing.dumps(situation.grant.pk, salt=notifications.SALT)
    Client().post(f"/face/report/{token}/")


def logout(situation):
    revocation.end_session(situation.person.request("/logout/", "post"), now=timezone.now())


EVENTS = [deactivated, password, relinked, staff, reported, logout]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_it_counts_at_the_next_request(situation, event):
    """The grant is revoked, the question over, the rows say why (G-11, B-06)."""
    event(situation)

    assert situation.is_shut()
    assert situation.rows == [("revoked", event.__name__), ("expired", event.__name__)]
    assert FaceChallenge.objects.get(pk=situation.grant.pk).revoked_at == timezone.now()


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_it_is_told_once(situation, event):
    """With what the grant had let through."""
    event(situation)
    situation.person.clock.shift(1)
    event(situation)

    assert situation.told == [(situation.grant.pk, event.__name__, ("",))]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_a_capture_under_way_opens_nothing_any_more(situation, event):
    """The answer comes too late for a question that is over (D-11)."""
    person = situation.person
    back = person.shows_face(person.is_handed_over(f"/face/start/{situation.question.handle}/"))
    event(situation)
    person.clock.shift(3)

    person.returns(back)

    assert situation.is_shut()
    assert situation.rows[1] == ("expired", event.__name__)


@pytest.mark.parametrize("event", [deactivated, relinked, staff, reported])
def test_it_counts_for_requests_of_other_processes(situation, event):
    """Another connection wrote it; nothing is remembered here (G-11)."""
    person = situation.person
    assert person.browser.get(GATE).status_code == 200
    turns = iter([lambda: event(situation)])

    at_once(lambda: next(turns, lambda: None)())

    assert situation.is_shut()


@pytest.mark.parametrize("event", [staff, reported, relinked])
def test_it_counts_in_every_session(situation, event):
    person = situation.person
    first = person.browser
    person.browser = person.new_browser()
    person.passes(GATE)

    event(situation)

    assert situation.is_shut()
    person.browser = first
    assert situation.is_shut()


def test_logging_out_ends_the_session_alone(situation):
    """By Django's own signal; another session of the same user goes on (B-05)."""
    person = situation.person
    first = person.browser
    person.browser = person.new_browser()
    person.passes(GATE)

    first.logout()

    assert situation.rows == [("revoked", "logout"), ("expired", "logout")]
    assert situation.told == [(situation.grant.pk, "logout", ("",))]
    assert person.browser.get(GATE).status_code == 200


def test_whoever_is_active_again_shows_the_face_again(situation):
    deactivated(situation)
    User.objects.filter(pk=situation.person.user.pk).update(is_active=True)

    assert situation.person.browser.get("/home/").status_code == 200
    situation.person.is_asked(GATE)


def test_users_who_are_deactivated_behind_our_back(situation):
    """Without a signal: the gate looks itself; the rows do not know (G-11)."""
    User.objects.filter(pk=situation.person.user.pk).update(is_active=False)

    assert situation.is_shut()
    assert situation.told == []


def test_linking_to_the_same_applicant_again_ends_nothing(situation):
    person = situation.person
    applicants.link(person.user, person.user.face_applicant.applicant_id)

    assert person.browser.get(GATE).status_code == 200


# -- passwords


def test_a_new_password_counts_at_the_next_request(situation):
    """Django ends the session, and a new one was granted nothing (B-06, TH-21)."""
    person = situation.person
    person.user.set_password("another one")
    person.user.save()

    assert person.browser.get(GATE)["Location"].startswith("/login/")
    person.browser.force_login(person.user)
    assert situation.is_shut()


def test_a_new_password_in_a_session_that_goes_on(situation):
    """update_session_auth_hash keeps the session, and not the grant (B-06)."""
    person = situation.person
    request = RequestFactory().post("/password/")
    request.session, request.user = person.browser.session, person.user
    password(situation)
    update_session_auth_hash(request, person.user)
    request.session.save()
    person.browser.cookies["sessionid"] = request.session.session_key

    assert person.browser.get("/home/").status_code == 200
    assert situation.is_shut()
    assert situation.told == [(situation.grant.pk, "password", ("",))]


def test_a_password_that_is_hashed_anew_is_no_new_one(situation, settings):
    """Django does so at a log-in, when the site's hasher has changed."""
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        *settings.PASSWORD_HASHERS,
    ]

    assert User.objects.get(pk=situation.person.user.pk).check_password("pass word")

    assert situation.told == []


def test_passwords_that_are_changed_behind_our_back(situation):
    """Without a signal: the session knows the old one (B-06)."""
    person = situation.person
    User.objects.filter(pk=person.user.pk).update(password=make_password("another one"))

    assert situation.is_shut()


def test_the_way_back_after_a_new_password_finds_nothing(situation):
    """A capture that had begun before belongs to the old password (B-06)."""
    person = situation.person
    back = person.shows_face(person.is_handed_over(f"/face/start/{situation.question.handle}/"))
    person.user.set_password("another one")
    person.user.save()
    person.browser.force_login(person.user)
    person.clock.shift(3)

    assert person.returns(back).status_code == 404
    assert situation.is_shut()


# -- the provider


def news(row, **changes):
    now = timezone.now()
    snapshot = AuthenticationSnapshot(id=row.provider_id, modified_on=now, **changes)
    sync.apply(row, snapshot, source="webhook", now=now)


def test_an_audit_that_declines(situation):
    """The open question is about another face, and goes on (D-10, TH-18)."""
    row = FaceAuthentication.objects.get(challenge=situation.grant)
    situation.person.clock.shift(10)

    news(row, status="declined")
    news(row, status="declined")

    situation.person.is_asked(GATE)
    assert situation.rows == [("revoked", "declined"), ("open", "not_shown")]
    assert situation.told == [(situation.grant.pk, "declined", ("",))]


def test_a_provider_that_removed_the_face(situation):
    """Behind what was anonymized stands nobody."""
    row = FaceAuthentication.objects.get(challenge=situation.grant)
    situation.person.clock.shift(10)
    get_client().anonymize_authentication(row.provider_id)

    deliver(event(row, "anonymized"))
    deliver(event(row, "anonymized"))

    situation.person.is_asked(GATE)
    assert situation.rows[0] == ("revoked", "erased")
    assert situation.told == [(situation.grant.pk, "erased", ("",))]


# -- what was used up


def test_what_was_used_up_stays_so(person):
    """A payment that was made is not undone; the row keeps that it was used."""
    person.passes("/once/")
    revocation.end_all(person.user.pk, reason="staff", now=timezone.now())

    assert (person.challenge.state, person.challenge.reason) == ("consumed", "used")


def test_ending_says_how_much_there_was(situation):
    now = timezone.now()

    assert revocation.end_all(situation.person.user.pk, reason="staff", now=now) == 2
    later = now + timedelta(seconds=1)
    assert revocation.end_all(situation.person.user.pk, reason="staff", now=later) == 0


def test_nobody_else_is_touched(situation, people):
    other = people()
    other.passes(GATE)

    staff(situation)

    assert other.browser.get(GATE).status_code == 200


def test_it_is_undone_with_the_transaction_that_made_it_necessary(situation):
    """Both or neither, and then nobody is told."""
    with transaction.atomic():
        staff(situation)
        transaction.set_rollback(True)

    assert situation.told == []
    assert situation.person.browser.get(GATE).status_code == 200


def test_nobody_is_kept_from_leaving(person, caplog):
    """Rows that cannot be written do not stop a log-out, which ends the grants by itself."""

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


# -- by other models of the same user


@pytest.mark.parametrize("model", [Staff, Customer], ids=["proxy", "child"])
@pytest.mark.parametrize("change", ["deactivated", "password"])
def test_a_proxy_and_a_child_of_the_user_model_end_it_too(situation, model, change):
    """A user who is active again shows the face again (F-10)."""
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


def test_a_child_of_the_user_model_is_deleted_with_what_it_was_granted(situation):
    """The provider is told to forget, and no row is left (F-10, V-07)."""
    user = situation.person.user
    Customer(account=user, number=user.pk + 1000).save_base(raw=True)

    Customer.objects.get(id=user.pk).delete()

    assert not FaceChallenge.objects.exists()
    assert Erasure.objects.filter(who=str(user.pk)).exists()
