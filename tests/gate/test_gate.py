"""The gate in front of every kind of view."""

from __future__ import annotations

from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Permission
from django.db import OperationalError, connection
from django.test import AsyncClient, Client, override_settings
from django.utils import timezone
from pytest_django.asserts import assertTemplateUsed

from django_faceauth.gate import FaceRequiredMixin, face_required
from django_faceauth.models import FaceAuthentication, FaceChallenge
from django_faceauth.services.enrolment import applicants
from django_faceauth.services.grants import grants, revocation
from django_faceauth.services.sync import sync

pytestmark = pytest.mark.database

DEFAULT_ACTION = [
    "/statements/",
    "/called/",
    "/partial/",
    "/async/",
    "/documents/",
    "/documents/async/",
    "/late/",
    "/decorated/",
    "/decorated/async/",
    "/wrapped/async/",
    "/stream/",
]


def body(response):
    content = b"".join(response) if response.streaming else response.content
    return content.decode()


@pytest.mark.parametrize("path", DEFAULT_ACTION)
def test_closed_until_a_face_was_shown(person, path):
    """Function and class-based, sync and async, decorated and mixed in: all alike (G-15)."""
    person.is_asked(path)
    person.passes("/statements/")

    response = person.browser.get(path)

    assert response.status_code == 200
    assert body(response).startswith("secret")


@pytest.mark.parametrize("path", DEFAULT_ACTION)
@pytest.mark.parametrize("method", ["head", "options", "post", "put", "patch", "delete"])
def test_no_method_gets_around_the_gate(person, path, method):
    """HEAD and OPTIONS, and methods that the view does not even have (G-15)."""
    response = getattr(person.browser, method)(path)

    handle = person.challenge.handle
    where = response.get("Location") or response.json()["start_url"]
    assert response.status_code in {302, 401}
    assert where.endswith(f"/face/start/{handle}/")


@pytest.mark.parametrize("path", DEFAULT_ACTION)
def test_under_asgi_as_under_wsgi(person, path):
    """The asynchronous handler meets the same gate, closed and open (G-15)."""
    browser = AsyncClient()
    browser.cookies = person.browser.cookies

    closed = async_to_sync(browser.get)(path)
    person.passes("/statements/")
    opened = async_to_sync(browser.get)(path)

    assert "/face/start/" in closed["Location"]
    assert opened.status_code == 200


def test_a_gate_for_some_methods_lets_others_through(person):
    """`methods` limits the gate; GET brings HEAD along, and what else may show the page."""
    assert person.browser.get("/payout/form/").content == b"form"
    person.is_asked("/payout/form/", "post")
    assert person.browser.options("/reports/").status_code == 401  # no navigation
    person.is_asked("/reports/", "head")
    person.is_asked("/reports/", "get")


def test_the_view_finds_the_face(person, clock):
    """`request.face` names the action and when the gate closes."""
    person.passes("/payout/")

    shown = person.browser.get("/payout/")

    expires = person.challenge.verified_at + timedelta(seconds=180)
    assert body(shown) == f"secret payout|{expires.isoformat()}"


def test_a_face_for_one_action_opens_no_other(person):
    """Statements, payout and the settings of one class are three different gates."""
    person.passes("/statements/")

    assert person.browser.get("/documents/").status_code == 200
    person.is_asked("/payout/")
    person.is_asked("/documents/settings/")


@pytest.mark.parametrize("alike", ["Payout", "payout "])
def test_an_action_of_almost_the_same_name_is_another(person, alike):
    """MariaDB disregards case and trailing spaces; the gate does not."""
    person.passes("/payout/")
    FaceChallenge.objects.update(action=alike)

    person.is_asked("/payout/")


@pytest.mark.parametrize("path", DEFAULT_ACTION)
def test_anonymous_visitors_log_in_first(client, db, provider, path):
    """They get the very answer of login_required, and no provider is asked (G-02, G-08)."""
    gated = client.get(path)
    ungated = client.get("/home/")

    assert gated.status_code == ungated.status_code == 302
    assert gated["Location"] == ungated["Location"].replace("/home/", path)
    assert provider.calls == []
    assert FaceChallenge.objects.count() == 0


def test_people_without_the_right_learn_nothing(person):
    """Who may not see the page gets the same answer with the gate on and off (G-08)."""
    gated = person.browser.get("/staff/")
    ungated = person.browser.get("/staff-without-gate/")

    assert (gated.status_code, gated.content) == (ungated.status_code, ungated.content)
    assert gated.status_code == 403


def test_people_with_the_right_are_asked(person):
    """The gate comes after the permission, and is not replaced by it."""
    person.user.user_permissions.add(Permission.objects.get(codename="change_user"))

    person.is_asked("/staff/")


def test_not_enrolled_is_refused_kindly(people, provider):
    """No applicant: never through, no call of the provider (G-02)."""
    stranger = people(None)

    response = stranger.browser.get("/statements/")

    assert response.status_code == 403
    assertTemplateUsed(response, "faceauth/denied.html")
    assert provider.calls == []


@override_settings(FACEAUTH_FALLBACK="/by-phone/?t=face")
def test_not_enrolled_is_shown_the_other_way(people):
    """The fallback is for people who cannot, too."""
    response = people(None).browser.get("/statements/")

    assert response.status_code == 403
    handle = FaceChallenge.objects.get().handle
    assert f'href="/by-phone/?t=face&amp;challenge={handle}"' in response.content.decode()


def test_inactive_users_are_refused_even_with_a_grant(people, settings, provider):
    """A user who was switched off loses what was granted at the next request (G-02, G-11)."""
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.AllowAllUsersModelBackend"]
    person = people()
    person.passes("/statements/")
    person.user.is_active = False
    person.user.save()
    calls = len(provider.calls)

    response = person.browser.get("/statements/")

    assert response.status_code == 403
    assert len(provider.calls) == calls


def test_inactive_users_are_shown_the_other_way_without_a_question(people, settings):
    """There is nothing that it could answer for them (G-02)."""
    settings.FACEAUTH_FALLBACK = "/by-phone/"
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.AllowAllUsersModelBackend"]
    person = people()
    person.user.is_active = False
    person.user.save()

    response = person.browser.get("/statements/")

    assert response.status_code == 403
    assert b'href="/by-phone/"' in response.content
    assert FaceChallenge.objects.count() == 0


def test_every_request_counts_the_age_anew(person, clock):
    """Fresh for max_age from the anchor, on the server, to the second (G-04)."""
    person.passes("/statements/")
    anchor = person.challenge.verified_at

    clock.move_to(anchor + timedelta(seconds=299.9))
    assert person.browser.get("/statements/").status_code == 200

    clock.move_to(anchor + timedelta(seconds=300))
    person.is_asked("/statements/")


def test_a_face_of_the_future_is_not_fresh(person, clock):
    """A clock that went back does not make a gate more generous (G-06)."""
    person.passes("/statements/")

    clock.move_to(person.challenge.verified_at - timedelta(seconds=61))

    person.is_asked("/statements/")


@override_settings(FACEAUTH_MAX_AGE=60)
def test_max_age_is_read_when_it_is_needed(person, clock):
    """A changed setting holds for the next request, also for faces shown before (G-14)."""
    person.passes("/statements/")
    clock.shift(30)
    assert person.browser.get("/statements/").status_code == 200

    with override_settings(FACEAUTH_MAX_AGE=20):
        person.is_asked("/statements/")


def test_the_default_window_is_five_minutes(person):
    """G-14."""
    person.passes("/statements/")

    expires = body(person.browser.get("/statements/")).partition("|")[2]

    assert expires == (person.challenge.verified_at + timedelta(seconds=300)).isoformat()


@pytest.mark.parametrize(
    "max_age", [0, -1, 0.4, 10**9, timedelta(0), timedelta(seconds=-5), timedelta(days=366)]
)
def test_a_gate_that_could_never_open_is_an_error_where_it_is_written(max_age):
    with pytest.raises(ValueError, match="max_age"):
        face_required(max_age=max_age)
    with pytest.raises(ValueError, match="max_age"):
        type("Never", (FaceRequiredMixin,), {"face_max_age": max_age})


@pytest.mark.parametrize("max_age", ["300", True, None.__class__])
def test_a_window_that_is_no_duration_is_an_error_where_it_is_written(max_age):
    with pytest.raises(TypeError, match="duration"):
        face_required(max_age=max_age)


@pytest.mark.parametrize("max_age", [1, timedelta(seconds=1), timedelta(days=365)])
def test_a_window_may_be_a_second_or_a_year(max_age):
    assert face_required(max_age=max_age)(lambda request: None)


def test_an_action_that_does_not_fit_is_an_error_where_it_is_written():
    with pytest.raises(ValueError, match="action"):
        face_required(action="x" * 101)


@pytest.mark.parametrize("methods", [[], "POST", ["PSOT"], ["POST", "FETCH"]])
def test_a_gate_that_would_guard_nothing_is_an_error_where_it_is_written(methods):
    with pytest.raises(ValueError, match="methods"):
        face_required(methods=methods)


def test_a_fresh_gate_asks_the_database_once(person, django_assert_num_queries):
    """Session and user are Django's own two queries; the gate adds one."""
    person.passes("/statements/")
    person.browser.get("/statements/")

    with django_assert_num_queries(3):
        person.browser.get("/statements/")


def test_revoked_means_closed_at_the_next_request(person, clock):
    """What another process wrote is what this one decides on: there is no cache (G-11)."""
    person.passes("/statements/")
    FaceChallenge.objects.filter(pk=person.challenge.pk).revoke(reason="staff", now=timezone.now())

    person.is_asked("/statements/")


def grows_old(challenge, clock):
    clock.shift(300)


def is_used(challenge, clock):
    grants.consume(challenge, timedelta(minutes=5), now=timezone.now())


def is_burnt(challenge, clock):
    revocation.invalidate(challenge)


def is_taken_back(challenge, clock):
    revocation.end_all(challenge.user_id, reason="staff", now=timezone.now())


def is_declined_after_all(challenge, clock):
    FaceAuthentication.objects.update(status="declined")


def ends_in_a_way_that_is_new(challenge, clock):
    FaceChallenge.objects.update(state="mislaid")


@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        (grows_old, "stale"),
        (is_used, "used"),
        (is_burnt, "changed"),
        (is_taken_back, "revoked"),
        (is_declined_after_all, "superseded"),
        (ends_in_a_way_that_is_new, "not_shown"),
    ],
)
def test_a_new_question_says_what_became_of_the_last_approval(person, clock, happens, reason):
    """The newest one for that action, whatever else was asked meanwhile (L-01)."""
    person.passes("/statements/")
    is_used(person.challenge, clock)
    person.passes("/statements/")
    happens(person.challenge, clock)
    person.is_asked("/payout/")
    assert person.challenge.reason == "not_shown"

    person.is_asked("/statements/")

    assert person.challenge.reason == reason


def test_another_applicant_closes_the_gate(person):
    """A user who is linked anew has to show the new face (G-11)."""
    person.passes("/statements/")
    applicants.link(person.user, "aplt_somebody_else")

    person.is_asked("/statements/")


def test_a_provider_who_changed_its_mind_closes_the_gate(person, clock):
    """approved → declined revokes in the same transaction (D-10)."""
    person.passes("/statements/")
    row = person.authentication
    clock.shift(10)
    declined = sync.AuthenticationSnapshot(
        id=row.provider_id, status="declined", modified_on=timezone.now()
    )

    sync.apply(row, declined, source="webhook", now=timezone.now())

    person.is_asked("/statements/")
    revoked = FaceChallenge.objects.get(authentication=row)
    assert (revoked.state, revoked.reason) == ("revoked", "declined")


@pytest.mark.parametrize(
    "status", ["declined", "inconclusive", "", "tomorrows", "Approved", "approved "]
)
def test_only_approved_opens(person, status):
    """Also when a row was changed behind our back."""
    person.passes("/statements/")
    FaceAuthentication.objects.update(status=status)

    person.is_asked("/statements/")


def test_an_erased_face_opens_nothing(person):
    """Also when only its own row says so (G-11)."""
    person.passes("/statements/")
    FaceAuthentication.objects.update(erased_at=timezone.now())

    person.is_asked("/statements/")


def test_a_database_that_fails_lets_nobody_through(person):
    """Whichever query of the request fails, the view does not run (G-01)."""
    person.passes("/statements/")
    browser = person.browser
    browser.raise_request_exception = False

    failed = 0
    while True:
        breaker = FailingQuery(failed)
        with connection.execute_wrapper(breaker):
            response = browser.get("/statements/")
        if not breaker.has_failed:
            break
        assert b"secret" not in response.content
        failed += 1

    assert failed == 3
    assert response.content.startswith(b"secret")


class FailingQuery:
    def __init__(self, number: int) -> None:
        self.left = number
        self.has_failed = False

    def __call__(self, execute, *args):
        self.left -= 1
        if self.left == -1:
            self.has_failed = True
            raise OperationalError("the database is away")
        return execute(*args)


@override_settings(FACEAUTH_MAX_AGE="soon")
def test_a_setting_that_makes_no_sense_lets_nobody_through(person):
    """G-01."""
    person.browser.raise_request_exception = False

    assert person.browser.get("/statements/").status_code == 500


def test_freshness_tells_without_asking(person, client):
    """A page can know before it asks."""
    assert body(person.browser.get("/know/")) == "not fresh"
    assert FaceChallenge.objects.count() == 0
    person.passes("/statements/")
    assert body(person.browser.get("/know/")).startswith("fresh until")


def test_decorators_keep_the_name_of_the_view():
    @face_required(action="x")
    def payout(request):
        """Pay."""

    assert (payout.__name__, payout.__doc__) == ("payout", "Pay.")
    assert payout.face_policy.action == "x"


def test_two_users_never_share(people):
    """What one was granted is nothing to the other, not even in the same browser (TH-01)."""
    alice, bob = people(), people()
    alice.passes("/statements/")

    bob.is_asked("/statements/")
    alice.browser.force_login(bob.user)
    bob.browser = alice.browser
    bob.is_asked("/statements/")


def test_a_second_browser_of_the_same_user_is_asked_again(person):
    """The grant belongs to the session that asked, not to the user (B-04)."""
    person.passes("/statements/")
    person.browser = person.new_browser()

    person.is_asked("/statements/")


def test_logging_out_ends_the_grant(person):
    """Even if the same user logs in again in the same browser (B-05)."""
    person.passes("/statements/")
    person.browser.logout()
    person.browser.force_login(person.user)

    person.is_asked("/statements/")


@pytest.mark.parametrize("engine", ["db", "cached_db", "cache", "file", "signed_cookies"])
def test_every_session_engine_carries_the_grant(people, settings, engine, tmp_path):
    """The binding is in the session, whatever keeps it, and logging out ends it (B-05)."""
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    settings.SESSION_FILE_PATH = str(tmp_path)
    person = people()

    assert person.passes("/statements/").content.startswith(b"secret")
    person.browser.logout()
    person.browser.force_login(person.user)
    person.is_asked("/statements/")


def test_a_client_that_never_logged_in_has_no_challenge(person):
    """B-07."""
    start = person.is_asked("/statements/")

    assert Client().get(start).status_code == 404


def test_a_class_that_binds_nothing_has_nothing_to_approve():
    with pytest.raises(NotImplementedError):
        FaceRequiredMixin().get_face_binding()
