"""Erasure: here at once, at the provider until it confirms it."""

from __future__ import annotations

import json
import logging
import re
from contextlib import nullcontext
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import override_settings
from django.utils import timezone

from django_faceauth.models import (
    Applicant,
    AttemptRequest,
    AuditEntry,
    Erasure,
    ErasureTask,
    FaceAttempt,
    FaceAuthentication,
    FaceChallenge,
    FaceExemption,
    StatusChange,
    Verdict,
    WebhookEvent,
)
from django_faceauth.services.background import webhook_events
from django_faceauth.services.enrolment import applicants
from django_faceauth.services.privacy import erasure, exports
from tests.provider_double import answers, breaks, works
from tests.sweeping import sweep_for, sweep_once
from tests.webhook_deliveries import deliver, event

pytestmark = [pytest.mark.database, pytest.mark.django_db]

REQUEST = Erasure.Reason.REQUEST


def forget(person, **options):
    options = {"reason": REQUEST, "by": None, "now": timezone.now(), **options}
    return erasure.request(person.user, **options)


def anonymizations(provider):
    """Return the ids that the provider was asked to forget, in order."""
    return [call.split("/")[2] for call in provider.calls if call.endswith("/anonymize")]


@pytest.fixture
def known(person):
    """A user who passed twice, and was declined once."""
    for outcome in ("same_person", "same_person", "someone_else"):
        person.clock.shift(600)
        person.passes(outcome=outcome)
    return person


@pytest.fixture
def ids(known):
    return sorted(FaceAuthentication.objects.values_list("provider_id", flat=True))


def evidence(person):
    """Return the history of a user without personal data: when there was an approval for what."""
    of_user = FaceChallenge.objects.filter(user=person.user).order_by("pk")
    rows = FaceAuthentication.objects.filter(user=person.user).order_by("pk")
    changes = StatusChange.objects.filter(authentication__user=person.user).order_by("pk")
    return [
        *of_user.values_list("action", "verified_at", "granted_at", "binding_digest", "created_at"),
        *rows.values_list("status", "created_on"),
        *changes.values(),
    ]


def test_every_authentication_is_forgotten_at_the_provider(known, people, provider, ids):
    """V-07. What stays proves that, and how it ended (TH-47); others are left alone."""
    other = people()
    other.passes()
    of_other = FaceAuthentication.objects.filter(user=other.user)
    row, before = of_other.values().get(), evidence(known)

    request = forget(known, by=known.user)
    assert request.finished_at is None
    assert anonymizations(provider) == []

    known.clock.shift(5)
    sweep_once()

    assert sorted(anonymizations(provider)) == ids
    request.refresh_from_db()
    assert request.finished_at == timezone.now()
    assert set(request.tasks.values_list("state", "provider_id")) == {("done", "")}
    known_rows = FaceAuthentication.objects.filter(user=known.user)
    assert not known_rows.filter(erased_at=None).exists()
    assert set(request.tasks.values_list("digest", flat=True)) == {
        erasure.digest_of(provider_id) for provider_id in ids
    }
    entry = AuditEntry.objects.get(event="erased")
    assert (entry.by, entry.subject) == (known.user, f"faceauth.erasure:{request.pk}")
    assert (entry.user, entry.details) == (known.user, {"queued": 3})
    assert evidence(known) == before
    assert of_other.values().get() == row
    assert other.browser.get("/statements/").status_code == 200


def test_nothing_in_the_rows_tells_of_the_person(known):
    """V-07: what was shown, where they were, their ids and codes; also what staff wrote."""
    authentication = known.authentication
    deliver(event(authentication))
    note = "looks like the canary brother"
    Verdict.objects.create(
        authentication=authentication, finding="fraud", note=note, at=timezone.now()
    )
    FaceExemption.objects.create(
        user=known.user,
        action="payout",
        reason="the canary wears a veil",
        author=User.objects.create(username="manager"),
        created_at=timezone.now(),
        expires_at=timezone.now() + timedelta(days=1),
    )
    FaceChallenge.objects.update(
        snapshot={"to": "canary"}, next_url="/canary/", saved_form_data={"a": "b"}
    )
    FaceAttempt.objects.update(network="canary")
    applicant_id = Applicant.objects.get().applicant_id
    User.objects.filter(pk=known.user.pk).update(username="canary")
    exports.export(known.user, now=timezone.now())

    forget(known)

    kinds = [FaceAuthentication, FaceAttempt, FaceChallenge, WebhookEvent]
    kinds += [Verdict, FaceExemption, AuditEntry]
    held = json.dumps([list(kind._base_manager.values()) for kind in kinds], default=str)
    assert "canary" not in held
    assert applicant_id not in held
    assert "10000" not in held
    assert "62" not in {
        str(code)[:2] for row in FaceAttempt.objects.all() for code in row.response_codes
    }
    assert not Applicant.objects.exists()
    assert not AttemptRequest.objects.exists()
    assert set(FaceChallenge.objects.values_list("session_digest", flat=True)) == {""}
    assert set(FaceAuthentication.objects.values_list("code", flat=True)) == {None}


@override_settings(FACEAUTH_FALLBACK="by-code")
def test_the_user_is_left_to_the_fallback(person):
    """V-08: step-up stops working, and the fallback opens, until they are linked again."""
    person.passes()
    assert person.browser.get("/statements/").status_code == 200
    person.is_asked("/payout/")

    forget(person)

    assert set(FaceChallenge.objects.values_list("state", "reason")) == {
        ("revoked", "erased"),
        ("expired", "erased"),
    }
    shut = person.browser.get("/statements/")
    assert shut.status_code == 403
    assert "/by-code/?challenge=" in shut.content.decode()
    sweep_once()
    applicants.link(person.user, "aplt_chooses_anew", check=False)
    assert person.passes().status_code == 200


def test_a_second_request_changes_nothing(known, provider):
    """V-07: a second run is a no-op; before the end, it adds what came since."""
    request = forget(known)
    applicants.link(known.user, "aplt_chooses_anew", check=False)
    known.passes()
    assert forget(known, reason=Erasure.Reason.CONSENT).pk == request.pk
    assert request.tasks.count() == 4
    sweep_once()
    calls, entries = len(provider.calls), AuditEntry.objects.count()

    assert forget(known).pk == request.pk
    known.clock.shift(timedelta(minutes=5))
    sweep_once()

    assert len(provider.calls) == calls
    assert AuditEntry.objects.count() == entries
    assert Erasure.objects.get() == request


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize(
    "trouble", [breaks(), answers(503), answers(500), answers(401), answers(429)]
)
def test_whatever_fails_it_is_tried_until_it_is_done(known, provider, ids, number, trouble):
    """V-07: killed or refused by the network at the n-th call, it ends the same."""
    request = forget(known)
    provider.troubles.extend([*[works] * (number - 1), trouble])

    sweep_once()
    assert request.tasks.filter(state="done").count() == number - 1
    for _ in range(8):
        known.clock.shift(timedelta(minutes=2))
        sweep_once()

    assert set(anonymizations(provider)) == set(ids)
    assert set(request.tasks.values_list("state", flat=True)) == {"done"}
    request.refresh_from_db()
    assert request.finished_at is not None


def test_it_is_not_tried_all_the_time_and_never_given_up(person, provider):
    person.passes()
    forget(person)
    provider.troubles.extend([answers(503)] * 1000)

    sweep_for(person.clock, timedelta(minutes=5))
    first = len(anonymizations(provider))
    for _ in range(60):
        person.clock.shift(timedelta(hours=2))
        sweep_once()

    task = ErasureTask.objects.get()
    assert 5 < first < 30
    assert 10 < task.tries - first < 40
    assert (task.state, task.error) == ("due", "Unavailable")
    provider.troubles.clear()
    person.clock.shift(timedelta(hours=6))
    sweep_once()
    assert ErasureTask.objects.get().state == "done"


@pytest.mark.parametrize("status", [400, 422])
def test_what_the_provider_rejects_is_reported(person, provider, caplog, status):
    """V-07: 400 is a manual review, reported as an error."""
    person.passes()
    request = forget(person)
    provider.troubles.append(answers(status))

    with caplog.at_level(logging.ERROR, "django_faceauth.services.privacy.erasure"):
        for _ in range(5):
            sweep_once()
            person.clock.shift(timedelta(hours=6))

    task = request.tasks.get()
    assert (task.state, task.error, len(anonymizations(provider))) == ("refused", "Rejected", 1)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert task.provider_id not in caplog.text
    request.refresh_from_db()
    assert request.finished_at is None
    # Once more on request; by then the provider does not know it any more.
    assert forget(person).pk == request.pk
    provider.troubles.append(answers(404))
    sweep_once()
    assert request.tasks.get().state == "done"


def test_the_event_of_the_provider_confirms_it_too(person, provider):
    """V-07: 200 and/or `…_anonymized`; the event alone is not believed."""
    person.passes()
    request = forget(person)
    told = event(person.authentication, "anonymized")
    provider.troubles.append(breaks())
    sweep_once()
    assert request.tasks.get().state == "due"

    deliver(told)
    assert request.tasks.get().state == "due"
    provider.calls.clear()
    # Now it did, behind our back.
    erasure.get_client().anonymize_authentication(person.authentication.provider_id)
    person.clock.shift(3)
    deliver(event(person.authentication, "anonymized"))

    assert request.tasks.get().state == "done"
    assert set(WebhookEvent.objects.values_list("applicant_id", flat=True)) == {""}


def test_late_answers_do_not_bring_back_what_is_gone(person, provider):
    """A webhook of something that happened before asks the provider, and keeps no codes."""
    capture = person.is_handed_over(person.is_asked())
    person.shows_face(capture, "someone_else")
    applicant_id = person.authentication.applicant_id
    forget(person)
    person.clock.shift(3)

    told = event(person.authentication)
    told["data"]["applicant_id"] = applicant_id
    deliver(told)

    row = person.authentication
    assert (row.status, row.response_codes, row.code) == ("declined", [], None)
    assert {str(one.response_codes) for one in row.attempts.all()} == {"[]"}
    assert WebhookEvent.objects.get().applicant_id == ""


def test_what_begins_while_it_is_being_forgotten_is_forgotten_too(person, provider):
    """The provider makes an authentication of which we hear after the erasure."""
    start = person.is_asked()

    def forget_meanwhile(provider, request):
        forget(person)
        return works(provider, request)

    provider.troubles.append(forget_meanwhile)
    person.presses(start)
    made = person.authentication
    assert made.provider_id

    sweep_once()

    assert anonymizations(provider) == [made.provider_id]
    assert ErasureTask.objects.get().state == "done"
    assert Erasure.objects.get().finished_at is not None


def test_another_environment_and_credentials_are_waited_for(person, provider):
    person.passes()
    request = forget(person)

    with override_settings(FACEAUTH_ENVIRONMENT="live"):
        sweep_once()
    assert (request.tasks.get().state, anonymizations(provider)) == ("due", [])
    with override_settings(FACEAUTH_SECRET_KEY=""):
        sweep_once()
    assert request.tasks.get().error == "ConfigurationError"

    person.clock.shift(120)
    sweep_once()
    assert request.tasks.get().state == "done"


# -- the account goes


def test_accounts_that_go_take_their_faces_with_them(known, people, provider, ids):
    """V-07: the request outlives the rows; there is none for a user who never had a face."""
    people(None)
    late = event(known.authentication, "anonymized")
    deliver(event(known.authentication))
    User.objects.all().delete()
    assert not FaceAuthentication.objects.exists()
    assert set(WebhookEvent.objects.values_list("applicant_id", flat=True)) == {""}

    sweep_once()

    assert sorted(anonymizations(provider)) == ids
    request = Erasure.objects.get()
    assert (request.reason, request.finished_at) == ("account", timezone.now())
    deliver(late)
    kept = WebhookEvent.objects.latest("pk")
    webhook_events.process(kept.pk, now=timezone.now())
    kept.refresh_from_db()
    assert (kept.state, kept.applicant_id) == ("processed", "")


# -- `manage.py faceauth_erase USER`


def erase(person, *options):
    call_command("faceauth_erase", person.user.username, *options)


def counts(capsys):
    """Return how many were erased, are waiting, and were refused."""
    return [int(number) for number in re.findall(r"\d+", capsys.readouterr().out)]


@pytest.mark.parametrize("answer", ["yes", "no", "", "y"])
def test_it_warns_and_asks_first(person, capsys, monkeypatch, answer):
    """V-08."""
    monkeypatch.setattr("builtins.input", lambda prompt: answer)
    with nullcontext() if answer == "yes" else pytest.raises(CommandError):
        erase(person)

    assert capsys.readouterr().err
    assert Applicant.objects.exists() == (answer != "yes")
    assert Erasure.objects.exists() == (answer == "yes")


def test_it_erases_all_here_and_at_the_provider(person, capsys):
    for _ in range(7):
        person.passes()
        person.clock.shift(24 * 3600)

    erase(person, "--no-input")

    assert counts(capsys) == [7, 0, 0]
    assert Erasure.objects.get().reason == "request"
    assert not Applicant.objects.exists()


def test_what_the_provider_does_not_do_waits_or_is_an_error(people, provider, capsys):
    waiting, rejected = people(), people()
    waiting.passes()
    rejected.passes()
    provider.troubles.append(breaks())
    erase(waiting, "--no-input")
    assert counts(capsys) == [0, 1, 0]

    provider.troubles.append(answers(400))
    with pytest.raises(CommandError):
        erase(rejected, "--no-input")
    assert counts(capsys) == [0, 0, 1]


@pytest.mark.parametrize("name", ["unknown", "0", "9" * 40, "-1", "١٢٣", ""])
def test_an_unknown_name_is_refused(person, name):
    with pytest.raises(CommandError):
        call_command("faceauth_erase", "--no-input", "--", name)

    assert Applicant.objects.exists()


def test_a_name_that_is_the_key_of_another_is_refused(people):
    """Erasing the wrong user cannot be undone."""
    two = people(name=str(people().user.pk))

    with pytest.raises(CommandError):
        erase(two, "--no-input")

    assert Applicant.objects.count() == 2
