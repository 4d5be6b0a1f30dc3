"""Processing of stored webhook events."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import timedelta

import pytest
import requests
from django.core.signals import request_finished
from django.db import OperationalError, close_old_connections, connection
from django.test import RequestFactory
from django.utils import timezone

from django_faceauth import signals, webhooks
from django_faceauth.models import (
    FaceAuthentication,
    FaceChallenge,
    ProviderRateLimit,
    WebhookEvent,
)
from django_faceauth.provider import signatures
from django_faceauth.provider.factory import get_client
from django_faceauth.secret import Secret
from django_faceauth.services.background import webhook_events
from django_faceauth.services.sync import provider_rate_limit, reconciliation, sync
from django_faceauth.simulator.models import StoredCase
from tests.provider_double import answers, breaks, says, works_but_times_out
from tests.sweeping import sweep_for
from tests.user_driver import scripted
from tests.webhook_deliveries import KEY, URL, deliver, event

pytestmark = pytest.mark.database

JOURNEY = "usj_" + "a" * 26


def states() -> list[str]:
    return list(WebhookEvent.objects.order_by("pk").values_list("state", flat=True))


def tell(person, name="checks_completed", **changes):
    """Deliver one event about the newest authentication of a person."""
    assert deliver(event(person.authentication, name, **changes)).status_code == 200


# -- news is acted upon


def test_a_webhook_opens_the_gate_for_a_user_who_never_came_back(captured, told):
    tell(captured)

    assert captured.challenge.state == "granted"
    assert captured.browser.get("/statements/").status_code == 200
    history = captured.authentication.status_changes.values_list("status", "source")
    assert list(history) == [("created", "create"), ("approved", "webhook")]
    assert told.names() == ["status_changed", "challenge_granted"]
    assert states() == ["processed"]
    attempt = captured.authentication.attempts.get()
    assert (attempt.status, attempt.response_codes[0]["code"]) == ("completed", 10000)


def test_the_content_of_an_event_is_not_believed(people, provider):
    """Only the provider's own answer is, at the provider's own URL (W-07, TH-31)."""
    bob = people(scripted("62321"))
    bob.shows_face(bob.is_handed_over(bob.is_asked()))
    bob.clock.shift(3)
    calls = len(provider.calls)

    tell(bob, status="approved")

    assert bob.challenge.state == "failed"
    bob.is_asked()
    fav = bob.authentication.provider_id
    assert {call.split("?")[0] for call in provider.calls[calls:]} == {
        f"GET /face-authentications/{fav}",
        f"GET /face-authentications/{fav}/attempts",
    }


@pytest.mark.parametrize("status", ["verified", "approved ", "APPROVED", ""])
def test_an_unknown_status_is_kept_and_opens_nothing(captured, provider, status):
    """W-21, TH-34."""
    provider.alterations.append(says(status=status))

    tell(captured, "invented_tomorrow")

    assert captured.authentication.status == status
    assert captured.challenge.state == "open"
    assert states() == ["processed"]


def acknowledged(person):
    """Return the response to an event, which the server has not closed yet."""
    body = json.dumps(event(person.authentication)).encode()
    headers = {signatures.HEADER: signatures.sign(body, Secret(KEY))}
    request = RequestFactory().post(URL, body, content_type="application/json", headers=headers)
    response = webhooks.webhook(request)
    assert response.status_code == 200
    return response


def test_the_provider_is_asked_once_the_response_is_out(captured, provider):
    """Not inside the request (W-13), and once, however often the server closes it."""
    asked = provider.questions
    response = acknowledged(captured)
    assert provider.questions == asked

    with keeping_the_connection():
        response.close()
        response.close()

    assert provider.questions == asked + 1
    assert captured.challenge.state == "granted"


def test_what_fails_after_the_response_is_left_to_the_sweep(captured, caplog):
    """The database goes away between the response and the work (D-01)."""
    response = acknowledged(captured)

    with keeping_the_connection(), connection.execute_wrapper(away):
        response.close()

    assert "event left to the sweep: OperationalError" in caplog.text
    sweep_for(captured.clock, timedelta(seconds=70))
    assert captured.challenge.state == "granted"


@contextmanager
def keeping_the_connection():
    """Have no connection closed at the end of a request, as Django's own test client has."""
    request_finished.disconnect(close_old_connections)
    yield
    request_finished.connect(close_old_connections)


def away(execute, sql, params, many, context):
    raise OperationalError


# -- no more calls than needed


@pytest.mark.parametrize("age", [timedelta(seconds=1), timedelta(hours=40)])
def test_an_event_older_than_what_we_hold_costs_no_call(approved, provider, age):
    """Nor does a replay of yesterday with another id (W-05, TH-11)."""
    asked = provider.questions

    tell(approved, created_on=approved.authentication.modified_on - age)

    assert (states(), provider.questions) == (["processed"], asked)


def test_an_event_without_a_time_is_worth_a_call_in_its_environment(approved, provider):
    asked = provider.questions

    deliver(event(approved.authentication) | {"created_on": None})
    assert (states(), provider.questions) == (["processed"], asked + 1)

    FaceAuthentication.objects.update(environment="live")
    deliver(event(approved.authentication) | {"created_on": None})
    assert (states(), provider.questions) == (["processed", "ignored"], asked + 1)


def test_fifty_events_at_once_are_one_question(captured, provider):
    """At most one in two seconds, and what it did not answer is asked again (W-08)."""
    asked = provider.questions
    for _ in range(50):
        tell(captured, "invented_tomorrow")
    assert provider.questions == asked + 1

    sweep_for(captured.clock, timedelta(seconds=30))

    assert set(states()) == {"processed"}
    assert provider.questions <= asked + 3


def test_one_asks_at_a_time(captured, provider):
    """While another process waits for an answer, the event waits too (W-08)."""
    now = timezone.now()
    FaceAuthentication.objects.update(
        pulling_since=now - timedelta(seconds=10), pulled_at=now - timedelta(seconds=10)
    )
    asked = provider.questions

    tell(captured)
    assert (states(), provider.questions) == (["stored"], asked)

    captured.clock.shift(11)  # that process has died
    sweep_for(captured.clock, timedelta(seconds=10))
    assert (states(), provider.questions) == (["processed"], asked + 1)


def test_an_event_spends_from_the_budget_of_the_site(captured, provider):
    tell(captured, "invented_tomorrow")
    ProviderRateLimit.objects.update(spent_until=(timezone.now().timestamp() + 30) * 1_000_000)
    captured.clock.shift(3)
    asked = provider.questions

    tell(captured)
    assert (states(), provider.questions) == (["processed", "stored"], asked)

    sweep_for(captured.clock, timedelta(seconds=60))
    assert states() == ["processed", "processed"]


# -- news of what we do not hold


def test_news_of_something_unknown_waits_and_is_given_up(db, clock, provider):
    """Not lost at once, not kept for ever, and not asked about (PEERS 20)."""
    deliver(event("fav_" + "b" * 26, applicant_id="x"))

    sweep_for(clock, timedelta(minutes=14))
    assert states() == ["stored"]

    sweep_for(clock, timedelta(minutes=4))
    assert states() == ["ignored"]
    assert provider.calls == []


def test_an_event_that_overtakes_our_own_commit_is_not_lost(captured):
    envelope = event(captured.authentication)
    fav = captured.authentication.provider_id
    FaceAuthentication.objects.update(provider_id=None)
    deliver(envelope)
    assert states() == ["stored"]

    FaceAuthentication.objects.update(provider_id=fav)
    sweep_for(captured.clock, timedelta(seconds=70))

    assert states() == ["processed"]
    assert captured.challenge.state == "granted"


def tell_of(fav, applicant_id, name="created"):
    """Deliver an event about an authentication that may not be ours."""
    data = {"face_authentication_id": fav, "applicant_id": applicant_id, "status": "created"}
    deliver(event(fav, name, data=data | {"user_journey_id": JOURNEY}))


def created_at_provider(applicant_id):
    created = get_client().create_authentication(applicant_id=applicant_id, user_journey_id=JOURNEY)
    return created.id


def test_a_pending_creation_whose_answer_was_lost_is_completed(person, provider):
    """The provider created it, and we were never told (D-07, TH-38)."""
    start = person.is_asked()
    provider.troubles.append(works_but_times_out)
    assert person.presses(start).status_code == 503
    pending = person.authentication
    fav = str(StoredCase.objects.get().pk)

    tell_of(fav, pending.applicant_id)
    sweep_for(person.clock, timedelta(minutes=1))
    assert person.authentication.provider_id is None

    sweep_for(person.clock, timedelta(minutes=5))

    pending.refresh_from_db()
    assert (pending.provider_id, pending.status) == (fav, "created")
    assert states() == ["processed"]
    person.is_handed_over(start)
    assert FaceAuthentication.objects.get().provider_id == fav


def test_an_authentication_of_ours_without_a_row_gets_one(person):
    """A process was killed before its first commit; the provider says who its user is."""
    fav = created_at_provider(person.user.face_applicant.applicant_id)

    tell_of(fav, person.user.face_applicant.applicant_id)
    sweep_for(person.clock, timedelta(minutes=15))

    row = FaceAuthentication.objects.get()
    assert (row.provider_id, row.user, row.status) == (fav, person.user, "created")
    assert states() == ["processed"]


def test_an_authentication_of_another_system_is_left_alone(person):
    """Others may share the account: it is not ours, whatever the event says."""
    fav = created_at_provider("aplt_another")

    tell_of(fav, person.user.face_applicant.applicant_id)
    tell_of(fav, "aplt_another", "opened")
    sweep_for(person.clock, timedelta(minutes=20))

    assert states() == ["ignored", "ignored"]
    assert not FaceAuthentication.objects.exists()


def test_an_unknown_authentication_waits_for_the_rate_limit(person, provider):
    tell_of("fav_" + "b" * 26, person.user.face_applicant.applicant_id)
    person.clock.shift(130)
    now = timezone.now()
    provider_rate_limit.try_acquire(now=now, someone_waits=False)
    ProviderRateLimit.objects.update(spent_until=(now.timestamp() + 60) * 1_000_000)

    event_row = WebhookEvent.objects.get()
    assert reconciliation.adopt(event_row, FaceAuthentication, now=now) is None
    assert provider.calls == []


def test_old_pending_creations_are_deleted(person, provider):
    """Once no event can name them any more."""
    provider.troubles.append(works_but_times_out)
    person.presses(person.is_asked())

    person.clock.shift(timedelta(hours=35))
    assert reconciliation.delete_pending_creations(now=timezone.now()) == 0
    person.clock.shift(timedelta(hours=2))
    assert reconciliation.delete_pending_creations(now=timezone.now()) == 1

    assert person.challenge.authentication is None


# -- when it does not work


@pytest.mark.parametrize(
    "trouble", [answers(500), answers(503), answers(200, "no"), breaks(requests.ReadTimeout)]
)
def test_trouble_with_the_provider_is_tried_again(captured, provider, trouble):
    """The answer is 200 all the same: the event is ours now (TH-42, PEERS 22)."""
    provider.troubles.append(trouble)

    tell(captured)
    row = WebhookEvent.objects.get()
    assert (row.state, row.tries) == ("stored", 1)
    assert row.error in {"Unavailable", "MalformedAnswer"}

    sweep_for(captured.clock, timedelta(seconds=30))
    assert states() == ["processed"]
    assert captured.challenge.state == "granted"


def test_tries_are_spread_out_and_come_to_an_end(captured, provider, caplog):
    """Twenty of them, over most of a day; then staff must look."""
    begun = timezone.now()
    provider.troubles.append(answers(500))
    tell(captured)
    row = WebhookEvent.objects.get()
    while row.state == "stored":
        captured.clock.move_to(row.due_at)
        provider.troubles.clear()
        provider.troubles.append(answers(500))
        webhook_events.process(row.pk, now=timezone.now())
        row.refresh_from_db()

    assert (row.state, row.tries, row.error) == ("failed", 20, "Unavailable")
    assert timedelta(hours=6) < timezone.now() - begun < timedelta(hours=24)
    assert "event given up" in caplog.text


@pytest.mark.parametrize("status", [401, 403])
def test_without_access_an_event_waits_for_as_long_as_it_takes(captured, provider, status, caplog):
    """Nothing that it could do about, so it is no try of its own (P-06)."""
    provider.troubles.append(answers(status))

    tell(captured)

    row = WebhookEvent.objects.get()
    assert (row.state, row.tries, row.error) == ("stored", 0, "access_denied")
    assert [record.levelname for record in caplog.records if "polling stopped" in record.message]
    asked = provider.questions
    sweep_for(captured.clock, timedelta(minutes=4))
    assert provider.questions == asked

    sweep_for(captured.clock, timedelta(minutes=2))
    assert states() == ["processed"]


@pytest.mark.parametrize("has_event", [True, False])
def test_a_process_that_dies_after_the_pull_does_not_lose_the_grant(captured, has_event):
    """The status was committed, the grant was not: neither event nor sweep skips it (D-01)."""
    sync.pull(captured.authentication, source="webhook", now=timezone.now())
    assert (captured.authentication.status, captured.challenge.state) == ("approved", "open")
    captured.clock.shift(3)

    if has_event:
        tell(captured)
    else:
        sweep_for(captured.clock, timedelta(seconds=7))

    assert captured.challenge.state == "granted"


def test_a_new_start_is_not_overtaken_by_the_end_of_an_old_look(people):
    """A look that found the first try failed leaves the second try to be looked at."""
    carol = people(scripted("61402A10000"))
    start = carol.is_asked()
    carol.shows_face(carol.is_handed_over(start))
    carol.clock.shift(3)
    before = sync.pull(carol.authentication, source="poll", now=timezone.now())
    carol.clock.shift(1)
    carol.is_handed_over(start)

    sync.plan(before.row, None)

    assert carol.authentication.next_poll_at is not None


# -- the provider changes its mind


@pytest.mark.parametrize("is_used", [True, False])
def test_an_audit_that_declines_shuts_the_gate_at_once(captured, provider, told, is_used):
    """The signal says what was done with the approval by then (D-10, TH-18)."""
    tell(captured)
    if is_used:
        assert captured.browser.get("/statements/").status_code == 200
    captured.clock.shift(3)
    provider.alterations.append(says(status="declined", response_codes=[{"code": 62321}]))

    tell(captured, "audit_completed", status="declined")

    assert captured.browser.get("/statements/").status_code == 302
    grant = FaceChallenge.objects.get(state="revoked")
    assert grant.reason == "declined"
    (facts,) = told.of("challenge_revoked")
    executed = ("",) if is_used else ()
    assert (facts["challenge"], facts["reason"], facts["executed"]) == (grant, "declined", executed)
    assert captured.authentication.status_changes.last().source == "webhook"


def test_an_audit_of_a_grant_that_was_used_up_is_told_once(approved, provider, told):
    """It cannot be taken back any more; it must be known all the same."""
    FaceChallenge.objects.update(state="consumed", consumed_at=timezone.now(), action="payout")
    provider.alterations.append(says(status="declined"))

    for _ in range(3):
        tell(approved, "audit_completed")
        approved.clock.shift(3)

    (facts,) = told.of("challenge_revoked")
    assert facts["executed"] == ("payout",)
    assert facts["challenge"].state == "consumed"


def test_a_declined_face_that_an_audit_approves_grants_nothing(people, provider):
    """The question was answered; the user may ask again (D-11, TH-49)."""
    bob = people(scripted("62321"))
    bob.passes("/statements/")
    provider.alterations.append(says(status="approved"))
    bob.clock.shift(3)

    tell(bob, "audit_completed")

    assert (bob.authentication.status, bob.challenge.state) == ("approved", "failed")
    bob.is_asked()


# -- erasure


def test_an_anonymized_authentication_is_erased_here_too(approved, told):
    get_client().anonymize_authentication(approved.authentication.provider_id)

    tell(approved, "anonymized")

    row = approved.authentication
    assert (row.status, row.erased_at) == ("approved", timezone.now())
    assert row.next_poll_at is None
    assert FaceChallenge.objects.get().reason == "erased"
    approved.is_asked()
    assert states() == ["processed"]

    approved.clock.shift(60)
    tell(approved, "anonymized")
    assert states() == ["processed", "processed"]


def test_what_was_erased_before_it_was_granted_is_not_granted(captured):
    FaceAuthentication.objects.update(erased_at=timezone.now())

    tell(captured)

    assert captured.challenge.state == "open"
    captured.is_asked()


def test_an_event_alone_erases_nothing(approved):
    """The provider still has the face: the event was wrong (W-07)."""
    tell(approved, "anonymized")

    assert approved.authentication.erased_at is None
    assert approved.browser.get("/statements/").status_code == 200


@pytest.mark.parametrize("status", [404, 410])
def test_what_the_provider_no_longer_knows_is_erased(approved, provider, status):
    """PEERS 21."""
    provider.troubles.append(answers(status))

    tell(approved, "audit_completed")

    assert approved.authentication.erased_at is not None
    assert FaceChallenge.objects.get().state == "revoked"
    assert states() == ["processed"]


def test_a_challenge_about_an_erased_authentication_ends(captured, provider, told):
    provider.troubles.append(answers(404))

    tell(captured)

    challenge = captured.challenge
    assert (challenge.state, challenge.reason) == ("failed", "unknown_to_provider")
    assert told.names() == ["challenge_refused"]


# -- who listens


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["status_changed", "challenge_granted", "challenge_revoked"])
def test_a_receiver_that_raises_changes_nothing(captured, provider, name, caplog):
    """No transition is undone or repeated, and nothing is granted by it (D-12, TH-50)."""
    calls = []

    def raises(**facts):
        calls.append(facts)
        raise RuntimeError("the receiver is broken")

    getattr(signals, name).connect(raises)
    try:
        tell(captured)
        captured.clock.shift(3)
        provider.alterations.append(says(status="declined"))
        tell(captured, "audit_completed")
    finally:
        getattr(signals, name).disconnect(raises)

    assert captured.challenge.state == "revoked"
    assert len(calls) == (2 if name == "status_changed" else 1)
    assert states() == ["processed", "processed"]
    assert "the receiver is broken" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_receivers_are_told_after_the_commit(captured):
    """They see what they are told of, from any connection, and hold nothing up (TH-41)."""
    seen = []

    def looks(authentication, status, **facts):
        seen.append((connection.in_atomic_block, authentication.status, status))

    signals.status_changed.connect(looks)
    try:
        tell(captured)
    finally:
        signals.status_changed.disconnect(looks)

    assert seen == [(False, "approved", "approved")]


def test_what_was_left_behind_is_taken_along(captured, provider):
    """Without Celery the next webhook takes up what had to wait."""
    for _ in range(3):
        tell(captured, "invented_tomorrow")
    assert states() == ["processed", "stored", "stored"]
    captured.clock.shift(3)

    tell(captured)
    assert states()[-1] == "processed"
    captured.clock.shift(3)
    tell(captured, "audit_completed")

    assert set(states()) == {"processed"}
