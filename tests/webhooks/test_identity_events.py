"""Events of identity verifications."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import override_settings
from django.utils import timezone

from django_faceauth.models import Applicant, Erasure, IdentityVerification, WebhookEvent
from django_faceauth.services.privacy import erasure
from django_faceauth.simulator.models import StoredCase
from tests.enrolment_driver import OFFERED, URL, enrols, event, latest, opens
from tests.provider_double import says, works, works_but_times_out
from tests.sweeping import sweep_for, sweep_once
from tests.webhook_deliveries import deliver

pytestmark = pytest.mark.django_db

Outcome = IdentityVerification.Outcome
IDV = "idv_" + "o" * 26


@pytest.fixture(autouse=True)
def offered():
    with override_settings(**OFFERED):
        yield


@pytest.fixture
def erin(people):
    return people(None, name="erin")


@pytest.fixture
def captured(erin):
    """A user who has shown document and face, and does not come back."""
    erin.shows_face(opens(erin))
    erin.clock.shift(3)
    return erin


def states():
    return list(WebhookEvent.objects.values_list("state", "provider_id", "applicant_id"))


@pytest.mark.parametrize("name", ["created", "checks_completed", "anonymized", "some_new_one"])
def test_without_the_offer_nothing_of_an_unknown_one_is_kept(db, provider, settings, name):
    settings.FACEAUTH_ENROLMENT = "off"
    assert deliver(event(IDV, name)).status_code == 200
    sweep_once()

    assert states() == [("ignored", "", "")]
    assert provider.calls == []


@pytest.mark.parametrize("name", ["created", "checks_completed", "anonymized", "some_new_one"])
def test_those_of_other_products_never_cost_a_call(person, provider, name):
    """Neither at once nor later, also of an applicant that staff have linked."""
    provider.calls.clear()
    linked = person.user.face_applicant.applicant_id
    for applicant_id in ("aplt_" + "o" * 26, linked):
        assert deliver(event(IDV, name, applicant_id=applicant_id)).status_code == 200
    sweep_for(person.clock, timedelta(minutes=20))

    assert [state for state, *_ids in states()] == ["ignored"] * 2
    assert provider.calls == []


@pytest.mark.parametrize("is_offered", [True, False])
def test_a_known_one_is_settled_by_its_event(captured, provider, settings, is_offered):
    settings.FACEAUTH_ENROLMENT = "offer" if is_offered else "off"
    row = latest(captured)
    provider.calls.clear()
    told = event(row.provider_id, applicant_id=row.applicant_id)
    for _ in range(3):
        deliver(told)

    assert [state for state, *_ids in states()] == ["processed"]
    assert provider.calls == [f"GET /identity-verifications/{row.provider_id}"]
    # The site has withdrawn the offer meanwhile.
    outcome = Outcome.LINKED if is_offered else Outcome.FAILED
    assert latest(captured).outcome == outcome
    assert Applicant.objects.filter(user=captured.user).exists() == is_offered


@pytest.mark.parametrize("status", ["approved_2", "under_review", "Approved", "", "tomorrows"])
def test_an_unknown_status_opens_nothing(captured, provider, status):
    provider.alterations.append(lambda data: data.update(status=status))
    deliver(event(latest(captured).provider_id))

    assert (latest(captured).status, latest(captured).outcome) == (status, Outcome.OPEN)
    assert not Applicant.objects.exists()

    provider.alterations.clear()
    captured.clock.shift(60)
    deliver(event(latest(captured).provider_id))
    assert latest(captured).outcome == Outcome.LINKED


@pytest.mark.parametrize(
    "facts", [{"applicant_id": "aplt_" + "z" * 26}, {"user_journey_id": "usj_" + "z" * 26}], ids=str
)
def test_an_approval_of_something_else_links_no_user(captured, provider, facts):
    provider.alterations.append(says(**facts))
    deliver(event(latest(captured).provider_id))

    assert (latest(captured).status, latest(captured).outcome) == ("approved", Outcome.FAILED)
    assert not Applicant.objects.exists()


def test_a_lost_creation_is_adopted_and_links_its_user_by_a_retry(erin, provider):
    provider.troubles.extend([works, works_but_times_out])
    assert erin.browser.post(URL).status_code == 503
    row, case = latest(erin), StoredCase.objects.get()
    assert (row.provider_id, row.applicant_id) == (None, case.document["applicant_id"])

    deliver(event(case.pk, "created", applicant_id=row.applicant_id))
    assert latest(erin).provider_id is None  # its answer may be on its way
    sweep_for(erin.clock, timedelta(minutes=5))

    assert (latest(erin).pk, latest(erin).provider_id) == (row.pk, case.pk)
    erin.clock.shift(3)  # or the poll of just now would have to do
    assert enrols(erin).outcome == Outcome.LINKED
    assert StoredCase.objects.count() == IdentityVerification.objects.count() == 1


def test_the_second_of_a_repeated_creation_links_no_user(erin, provider):
    """Its link was never handed out; it is known, so that it is erased with the others."""
    provider.troubles.extend([works, works_but_times_out])
    erin.browser.post(URL)
    lost = StoredCase.objects.get().pk
    row = enrols(erin)
    assert row.outcome == Outcome.LINKED

    deliver(event(lost, "created", applicant_id=row.applicant_id))
    sweep_for(erin.clock, timedelta(minutes=5))

    other = IdentityVerification.objects.get(provider_id=lost)
    assert (other.user, other.started_at, other.outcome) == (erin.user, None, Outcome.OPEN)
    assert Applicant.objects.get().applicant_id == row.applicant_id


@pytest.mark.parametrize("erases_all", [True, False])
def test_an_erased_one_is_not_linked_by_a_late_event(captured, provider, settings, erases_all):
    settings.FACEAUTH_ERASE_APPLICANT = erases_all
    row, now = latest(captured), timezone.now()
    erasure.request(captured.user, reason=Erasure.Reason.REQUEST, by=None, now=now)
    deliver(event(row.provider_id, applicant_id=row.applicant_id))
    captured.clock.shift(60)
    sweep_once()
    deliver(event(row.provider_id, "anonymized", applicant_id=row.applicant_id))

    assert not Applicant.objects.exists()
    assert latest(captured).outcome == Outcome.FAILED
    assert latest(captured).response_codes == []
    assert {applicant_id for *_state, applicant_id in states()} == {""}
    assert (latest(captured).erased_at is not None) == erases_all
