"""Identity verifications in erasures, exports, retention, and requests at the same time."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta

import pytest
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.test import Client, override_settings
from django.utils import timezone

from django_faceauth.models import (
    Applicant,
    AttemptRequest,
    Erasure,
    ErasureTask,
    FaceChallenge,
    IdentityVerification,
    WebhookEvent,
)
from django_faceauth.services.enrolment import applicants
from django_faceauth.services.privacy import erasure, exports, retention
from django_faceauth.simulator.models import StoredApplicant, StoredCase
from tests.enrolment_driver import OFFERED, URL, enrols, event, latest, opens
from tests.provider_double import works, works_but_times_out
from tests.sweeping import sweep_for, sweep_once
from tests.threads import at_once
from tests.webhook_deliveries import deliver

pytestmark = [pytest.mark.database, pytest.mark.django_db]

Outcome = IdentityVerification.Outcome


@pytest.fixture(autouse=True)
def offered():
    with override_settings(**OFFERED, FACEAUTH_ENROLMENT_COOL_OFF=0):
        yield


@pytest.fixture
def erin(people):
    return people(None, name="erin")


@pytest.fixture
def enrolled(erin):
    """A user who was declined once, enrolled themselves, and passed a gate."""
    enrols(erin, "someone_else")
    erin.clock.shift(timedelta(minutes=11))
    enrols(erin)
    erin.passes()
    erin.clock.shift(5)
    return erin


def erase(person, **options):
    options = {"reason": Erasure.Reason.REQUEST, "by": None, "now": timezone.now(), **options}
    return erasure.request(person.user, **options)


def anonymized(provider):
    """Return the prefixes of what the provider was asked to forget."""
    asked = [call.split("/")[2] for call in provider.calls if call.endswith("/anonymize")]
    assert len(asked) == len(set(asked))
    return Counter(provider_id.partition("_")[0] for provider_id in asked)


@pytest.mark.parametrize("way", ["request", "account"])
@pytest.mark.parametrize(
    ("erases_all", "asked"), [(True, {"fav": 1, "idv": 2, "aplt": 2}), (False, {"fav": 1})]
)
def test_what_goes_and_what_stays_at_the_provider(
    enrolled, provider, settings, way, erases_all, asked
):
    settings.FACEAUTH_ERASE_APPLICANT = erases_all
    rows = IdentityVerification.objects.filter(user=enrolled.user)
    ids = [text for row in rows for text in (row.provider_id, row.applicant_id, row.session_digest)]
    enrolled.user.delete() if way == "account" else erase(enrolled)
    enrolled.clock.shift(60)
    sweep_once()

    assert anonymized(provider) == asked
    assert Erasure.objects.get().finished_at == timezone.now()
    verifications = StoredCase.objects.filter(id__startswith="idv_")
    assert {case.document["is_anonymized"] for case in verifications} == {erases_all}
    profiles = [applicant.document for applicant in StoredApplicant.objects.all()]
    assert {"external_applicant_id" in profile for profile in profiles} == {not erases_all}
    assert not Applicant.objects.exists()
    here = [*IdentityVerification.objects.values(), *ErasureTask.objects.values()]
    held = [text for text in ids if text in str(here)]
    # The ids of the rows stay as a record, as those of face authentications do.
    assert held == ([] if way == "account" else [row.provider_id for row in rows])


def test_an_applicant_that_is_another_users_today_stays(people, provider, settings):
    settings.FACEAUTH_ERASE_APPLICANT = True
    anna, bert = people("aplt_first"), people(None)
    anna.passes()
    applicants.link(anna.user, "aplt_second", check=False)
    applicants.link(bert.user, "aplt_first", check=False)
    bert.passes()
    erase(anna)
    sweep_once()

    asked = {call.split("/")[2] for call in provider.calls if call.endswith("/anonymize")}
    assert "aplt_second" in asked
    assert "aplt_first" not in asked
    assert bert.browser.get("/statements/").status_code == 200


def test_former_applicants_go_too_also_of_faces_that_are_gone_already(person, provider, settings):
    settings.FACEAUTH_ERASE_APPLICANT = True
    former = person.user.face_applicant.applicant_id
    person.passes()
    erasure.anonymize(person.authentication, now=timezone.now())
    applicants.link(person.user, "aplt_second", check=False)
    erase(person)
    sweep_once()

    assert {
        f"POST /applicants/{former}/anonymize",
        "POST /applicants/aplt_second/anonymize",
    } <= set(provider.calls)


def test_a_grant_ends_with_an_applicant_that_is_linked_while_it_is_erased(people, settings):
    settings.FACEAUTH_ERASE_APPLICANT = True
    anna, bert = people("aplt_first"), people(None)
    erase(anna)
    applicants.link(bert.user, "aplt_first", check=False)
    bert.passes()
    sweep_once()

    assert not Applicant.objects.exists()
    assert FaceChallenge.objects.get().state == "revoked"


def test_a_creation_that_was_lost_is_erased_when_its_event_comes(erin, provider, settings):
    settings.FACEAUTH_ERASE_APPLICANT = True
    provider.troubles.extend([works, works_but_times_out])
    erin.browser.post(URL)
    row, lost = latest(erin), StoredCase.objects.get().pk
    request = erase(erin)
    sweep_once()
    assert anonymized(provider) == {"aplt": 1}

    deliver(event(lost, "created", applicant_id=row.applicant_id))
    sweep_for(erin.clock, timedelta(minutes=20))

    assert anonymized(provider) == {"aplt": 1, "idv": 1}
    assert StoredCase.objects.get().document["is_anonymized"]
    request.refresh_from_db()
    assert request.finished_at is not None
    assert set(WebhookEvent.objects.values_list("state", "applicant_id")) == {("processed", "")}


@pytest.mark.parametrize(("hours", "is_linked_again"), [(2, False), (0, True)])
def test_an_event_of_an_applicant_in_use_is_not_about_the_erasure(
    erin, people, provider, settings, hours, is_linked_again
):
    """Another product of the site may verify the same person again."""
    settings.FACEAUTH_ERASE_APPLICANT = True
    row = enrols(erin)
    erase(erin)
    sweep_once()
    erin.clock.shift(timedelta(hours=hours))
    if is_linked_again:
        applicants.link(people(None).user, row.applicant_id, check=False)
    provider.calls.clear()
    deliver(event("idv_" + "o" * 26, "created", applicant_id=row.applicant_id))
    sweep_for(erin.clock, timedelta(minutes=20))

    assert provider.calls == []


def test_an_erasure_while_the_provider_is_called_finds_what_it_makes(erin, provider, settings):
    settings.FACEAUTH_ERASE_APPLICANT = True

    def erase_meanwhile(provider, request):
        erase(erin)
        return works(provider, request)

    provider.troubles.extend([works, erase_meanwhile])
    erin.browser.post(URL)
    sweep_once()

    assert anonymized(provider) == {"idv": 1, "aplt": 1}
    assert latest(erin).outcome == Outcome.FAILED


def exported(person):
    told = exports.export(person.user, now=timezone.now())
    text = json.dumps(told, cls=DjangoJSONEncoder)
    (section,) = [
        one for one in json.loads(text)["held"] if one["kind"] == "faceauth.identityverification"
    ]
    return text, section


def test_an_export_names_them_without_the_secrets_of_an_open_one(erin):
    opens(erin)
    row = latest(erin)
    text, section = exported(erin)

    assert section["rows"][0]["provider_id"] == row.provider_id
    assert "session_digest" in section["not_told"]
    assert row.session_digest not in text
    assert row.handle not in text

    erin.shows_face(opens(erin), "someone_else")
    erin.clock.shift(60)
    sweep_once()
    text, section = exported(erin)
    assert section["rows"][0]["handle"] == row.handle
    assert section["rows"][0]["outcome"] == "failed"
    assert "62321" not in text


@pytest.mark.parametrize(("is_erased", "left"), [(True, 0), (False, 2)])
def test_they_go_with_an_erasure_and_are_kept_for_one_until_then(
    enrolled, settings, is_erased, left
):
    settings.FACEAUTH_ERASE_APPLICANT = True
    if is_erased:
        erase(enrolled)
        enrolled.clock.shift(60)
        sweep_once()
    enrolled.clock.shift(timedelta(days=89))
    retention.purge(now=timezone.now())
    assert IdentityVerification.objects.count() == 2

    enrolled.clock.shift(timedelta(days=2))
    retention.purge(now=timezone.now())
    assert IdentityVerification.objects.count() == left


@pytest.mark.django_db(transaction=True)
def test_many_starts_in_two_sessions_make_two_verifications(erin, provider):
    """R-01: counted under a lock, before the provider is called."""
    sessions = [erin.browser, erin.new_browser()]

    def press(number):
        browser = Client()
        browser.cookies = sessions[number % 2].cookies
        return browser.post(URL).status_code

    count = 6 if connection.vendor == "sqlite" else 20
    codes = at_once(*[lambda number=number: press(number) for number in range(count)])

    assert set(codes) <= {200, 302, 429, 503}
    assert 200 in codes
    assert 1 <= provider.count("POST /create-and-open-idv") <= 2
    assert IdentityVerification.objects.count() == StoredCase.objects.count() <= 2
    assert AttemptRequest.objects.count() == StoredCase.objects.count()


@pytest.mark.django_db(transaction=True)
def test_one_approval_that_is_found_by_many_links_once(erin, provider):
    way_back = erin.shows_face(opens(erin))
    erin.clock.shift(3)

    def returns():
        browser = Client()
        browser.cookies = erin.browser.cookies
        return browser.get(way_back).status_code

    at_once(*[returns] * 5)

    assert latest(erin).outcome == Outcome.LINKED
    assert Applicant.objects.get().applicant_id == latest(erin).applicant_id
    assert provider.count("GET /identity-verifications/") == 1
