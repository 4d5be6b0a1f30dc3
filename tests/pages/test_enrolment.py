"""A user without an applicant enrols through the pages."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from django_faceauth.models import (
    Applicant,
    AttemptRequest,
    FaceChallenge,
    IdentityVerification,
    Lockout,
)
from django_faceauth.services.background import sweep
from django_faceauth.services.sync.polling_schedule import MOST_POLLS
from django_faceauth.simulator import fault_injection
from django_faceauth.simulator.control import change_case
from django_faceauth.simulator.models import StoredApplicant, StoredCase
from django_faceauth.testing import deliver_webhook, exempted
from tests.enrolment_driver import OFFERED, URL, data_of, event, latest, opens
from tests.provider_double import answers
from tests.user_driver import scripted

pytestmark = [pytest.mark.database, pytest.mark.django_db]

Outcome = IdentityVerification.Outcome
AT_THE_START = {"calls": 1, "operation": "create_and_open_identity_verification"}


@pytest.fixture(autouse=True)
def offered(settings):
    for name, value in OFFERED.items():
        setattr(settings, name, value)


@pytest.fixture
def erin(people):
    return people(None, name="erin")


def enrols(person, outcome="same_person"):
    """Do everything; return the last page."""
    way_back = person.shows_face(opens(person), outcome)
    person.clock.shift(3)
    return person.browser.get(way_back, follow=True)


def test_the_page_shows_the_name_of_the_records_and_creates_nothing(erin):
    html = erin.browser.get(URL).content.decode()

    assert "Erin erin" in html
    assert f'action="{URL}"' in html
    assert 'name="name"' not in html
    assert not StoredApplicant.objects.exists()
    assert not IdentityVerification.objects.exists()


def test_from_the_gate_to_a_face_that_counts_after_a_day(erin):
    denied = erin.browser.get("/statements/")
    assert denied.status_code == 403
    assert f'href="{URL}"' in denied.content.decode()
    assert "only after 1\xa0day" in denied.content.decode()

    end = enrols(erin)
    assert "Your face can confirm actions from" in end.content.decode()
    row, applicant = latest(erin), Applicant.objects.get(user=erin.user)
    assert (row.outcome, row.status) == (Outcome.LINKED, "approved")
    assert applicant.applicant_id == row.applicant_id
    assert applicant.usable_from == row.ended_at + timedelta(days=1)

    denied = erin.browser.get("/statements/")
    assert denied.status_code == 403  # it never answers the question that led to it
    assert "your face can confirm actions from" in denied.content.decode()
    assert URL not in denied.content.decode()

    erin.clock.shift(timedelta(days=1))
    assert erin.passes().status_code == 200


def test_what_the_provider_is_told_and_nothing_of_the_person_is_stored(erin):
    enrols(erin)

    [stored], [case] = StoredApplicant.objects.all(), StoredCase.objects.all()
    assert re.fullmatch("[0-9a-f]{32}", stored.document["external_applicant_id"])
    assert case.document["declared_data"] == {"name": "Erin erin", "birth_date": "1990-02-03"}
    assert case.document["applicant_id"] == stored.pk
    assert latest(erin).handle in case.document["attempts"][0]["request"]["redirect_url"]
    row = IdentityVerification.objects.filter(user=erin.user).values().get()
    assert "Erin" not in str(row)
    assert "1990" not in str(row)


@pytest.mark.django_db(transaction=True)
def test_the_user_is_told_by_mail_and_can_report_it(erin):
    erin.user.email = "erin@example.com"
    erin.user.save()
    enrols(erin)

    [message] = mail.outbox
    assert message.to == ["erin@example.com"]
    link = re.search(r"https://testserver(/face/report/\S+)", message.body)[1]
    stranger = Client()
    assert stranger.get(link).status_code == 200
    assert Applicant.objects.filter(user=erin.user).exists()  # GET changes nothing

    stranger.post(link)
    assert not Applicant.objects.filter(user=erin.user).exists()
    assert latest(erin).outcome == Outcome.REVOKED
    assert Lockout.objects.get().reason == Lockout.Reason.REPORTED
    assert erin.browser.post(URL).status_code == 429
    assert "has been removed" in stranger.get(link).content.decode()
    assert stranger.get(link[:-3] + "aaa/").status_code == 404


@pytest.mark.parametrize(
    ("script", "advice"),
    [
        ("61203A10000", "could not find a camera"),
        ("61203I10000", "could not find a camera"),
        ("61302I10000", "document could not be read"),
    ],
)
def test_a_first_try_that_failed_is_explained_and_repeated(erin, settings, script, advice):
    settings.FACEAUTH_ENROLMENT_DATA = lambda user: {
        **data_of(user),
        "external_applicant_id": f"eaplt_{script:0<26}",
    }
    assert advice in enrols(erin).content.decode()

    assert "Face checks are set up" in enrols(erin).content.decode()
    assert StoredCase.objects.count() == IdentityVerification.objects.count() == 1


@pytest.mark.parametrize(
    ("outcome", "text", "ended"),
    [
        ("someone_else", "could not confirm your identity", Outcome.FAILED),
        ("refuse", "Set-up cancelled", Outcome.REFUSED),
    ],
)
def test_a_negative_result_links_nothing_and_offers_the_fallback(
    erin, settings, outcome, text, ended
):
    settings.FACEAUTH_FALLBACK = "/other-way/"
    html = enrols(erin, outcome).content.decode()

    assert text in html
    assert 'href="/other-way/"' in html
    assert "623" not in html
    assert latest(erin).outcome == ended
    assert not Applicant.objects.exists()


def test_no_offer_no_enrolment(erin, settings):
    for data in (lambda user: None, lambda user: {"name": "x"}, lambda user: 1 / 0):
        settings.FACEAUTH_ENROLMENT_DATA = data
        assert erin.browser.post(URL).status_code == 403
        assert URL not in erin.browser.get("/statements/").content.decode()
    settings.FACEAUTH_ENROLMENT_DATA, settings.FACEAUTH_ENROLMENT = data_of, "off"
    assert erin.browser.post(URL).status_code == 403
    assert Client().post(URL).status_code == 302  # to the login
    assert not StoredApplicant.objects.exists()


def test_staff_who_act_as_the_user_cannot_enrol(erin):
    erin.marks(hijack_history=["1"])
    assert erin.browser.post(URL).status_code == 403
    assert not StoredApplicant.objects.exists()


def test_the_waiting_page_goes_on_by_its_script(erin):
    """It does not reload by itself, which would take the focus from its buttons."""
    way_back = erin.shows_face(opens(erin))
    waiting = way_back.partition("?")[0].replace("/returned/", "/waiting/")

    def asks() -> dict[str, str]:
        return erin.browser.get(waiting, headers={"Accept": "application/json"}).json()

    page = erin.browser.get(waiting).content.decode()
    assert f'data-faceauth-status="{waiting}"' in page
    assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in page
    checking = erin.browser.get(way_back, follow=True).content.decode()
    assert asks()["message"] in checking
    assert "next" not in asks()

    erin.clock.shift(5)
    assert asks() == {
        "state": "linked",
        "message": "You can confirm with your face from now on.",
        "next": waiting,
    }
    assert "Face checks are set up" in erin.browser.get(waiting).content.decode()


def test_the_provider_is_away_during_an_enrolment(erin, provider):
    way_back = erin.shows_face(opens(erin))
    provider.troubles.extend([answers(503)] * 2)
    erin.clock.shift(3)

    checking = erin.browser.get(way_back)["Location"]
    erin.clock.shift(3)
    page = erin.browser.get(checking).content.decode()
    assert "cannot be reached right now. We keep trying." in page
    assert f'data-faceauth-status="{checking}"' in page
    assert latest(erin).outcome == Outcome.OPEN
    assert not provider.troubles

    erin.clock.shift(60)
    assert "Your face can confirm" in erin.browser.get(checking).content.decode()
    assert latest(erin).outcome == Outcome.LINKED


def test_no_second_attempt_while_the_first_is_checked(erin, provider):
    capture_url = opens(erin)
    erin.clock.shift(3)  # since the last call of the provider
    erin.browser.get(erin.shows_face(capture_url))
    assert latest(erin).status == "checks_in_progress"
    provider.calls.clear()

    page = erin.browser.post(URL)

    assert page["Location"] == f"/face/enrol/waiting/{latest(erin).handle}/"
    assert provider.calls == []
    assert AttemptRequest.objects.count() == 1


def test_a_verification_that_the_provider_does_not_know_any_more(erin):
    way_back = erin.shows_face(opens(erin))
    StoredCase.objects.all().delete()
    erin.clock.shift(3)
    page = erin.browser.get(way_back, follow=True)

    assert "could not confirm your identity" in page.content.decode()
    assert latest(erin).outcome == Outcome.FAILED
    assert not Applicant.objects.exists()
    opens(erin)
    assert IdentityVerification.objects.count() == 2


def test_a_retry_of_a_verification_that_the_provider_does_not_know_any_more(erin, settings):
    settings.FACEAUTH_ENROLMENT_DATA = lambda user: {
        **data_of(user),
        "external_applicant_id": scripted("61203A10000").replace("aplt", "eaplt"),
    }
    assert "Please try again" in enrols(erin).content.decode()
    StoredCase.objects.all().delete()
    page = erin.browser.post(URL, follow=True)

    assert "could not confirm your identity" in page.content.decode()
    assert latest(erin).outcome == Outcome.FAILED
    assert not Applicant.objects.exists()


def test_another_session_learns_nothing(erin, people):
    way_back = erin.shows_face(opens(erin))
    handle = latest(erin).handle
    mallory = people(None)

    for browser in (mallory.browser, erin.new_browser()):
        assert browser.get(f"/face/enrol/waiting/{handle}/").status_code == 404
        assert "device where you started" in browser.get(way_back).content.decode()
    assert "device where you started" in Client().get(way_back).content.decode()
    assert latest(erin).returned_at is None


def test_a_second_press_a_second_tab_and_another_process_get_the_same_link(erin):
    from django_faceauth.services.flow import capture

    first = opens(erin)
    assert opens(erin) == first
    capture._links.clear()
    erin.clock.shift(3)
    assert opens(erin) == first
    assert StoredCase.objects.count() == 1


@pytest.mark.parametrize(
    "outdated",
    [
        {"user_journey_id": "usj_" + "o" * 26},
        {"environment": "production"},
        {"replaces": "aplt_former"},
        {"poll_count": MOST_POLLS},
    ],
)
def test_a_start_does_not_go_on_with_an_outdated_verification(erin, outdated):
    first = opens(erin)
    IdentityVerification.objects.update(**outdated)

    assert opens(erin) != first
    assert StoredCase.objects.count() == 2


def test_identity_verifications_have_tight_limits(erin, caplog):
    for _ in range(2):
        enrols(erin, "someone_else")
        erin.clock.shift(timedelta(minutes=11))
    limited = erin.browser.post(URL)
    assert limited.status_code == 429
    assert int(limited["Retry-After"]) > 80_000
    assert f"start limited scope=enrolment user={erin.user.pk}" in caplog.text
    assert erin.new_browser().post(URL).status_code == 429
    assert erin.browser.get(URL).status_code == 429
    assert StoredCase.objects.count() == 2


def test_what_never_reached_the_provider_is_given_back(erin, settings):
    settings.FACEAUTH_RATE_LIMITS = {"enrolment": ["1/d"]}
    fault_injection.add_call({"kind": "too_many_requests", "amount": 1, **AT_THE_START})
    assert erin.browser.post(URL).status_code == 503
    assert not AttemptRequest.objects.exists()
    erin.clock.shift(5)

    assert "Face checks are set up" in enrols(erin).content.decode()
    assert StoredApplicant.objects.count() == 1


def test_a_lost_answer_leads_to_one_user_one_applicant(erin, settings):
    fault_injection.add_call({"kind": "no_answer", "amount": 60, **AT_THE_START})
    assert erin.browser.post(URL).status_code == 503
    erin.clock.shift(5)

    assert "Face checks are set up" in enrols(erin).content.decode()
    assert StoredApplicant.objects.count() == Applicant.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_audit_takes_the_enrolment_back(erin, settings):
    settings.FACEAUTH_ENROLMENT_COOL_OFF = 0
    erin.user.email = "erin@example.com"
    erin.user.save()
    enrols(erin)
    assert erin.passes().status_code == 200
    mail.outbox.clear()

    row = latest(erin)
    change_case("declined", row.provider_id)
    erin.clock.shift(5)
    told = event(row.provider_id, "audit_completed", applicant_id=row.applicant_id)
    assert deliver_webhook(told).status_code == 200

    assert latest(erin).outcome == Outcome.REVOKED
    assert not Applicant.objects.filter(user=erin.user).exists()
    assert FaceChallenge.objects.get(user=erin.user).state == "revoked"
    assert erin.browser.get("/statements/").status_code == 403
    assert "off again" in mail.outbox[0].subject


@pytest.mark.django_db(transaction=True)
def test_an_applicant_of_another_user_is_refused_and_reported(erin, person, settings):
    settings.ADMINS = ["ops@example.com"]
    way_back = erin.shows_face(opens(erin))
    Applicant.objects.filter(user=person.user).update(applicant_id=latest(erin).applicant_id)
    erin.clock.shift(3)
    page = erin.browser.get(way_back, follow=True)

    assert "were not set up" in page.content.decode()
    assert latest(erin).outcome == Outcome.CONFLICT
    assert not Applicant.objects.filter(user=erin.user).exists()
    assert "needs attention" in mail.outbox[0].subject


def test_a_link_that_staff_made_meanwhile_stays(erin):
    way_back = erin.shows_face(opens(erin))
    Applicant.objects.create(user=erin.user, applicant_id="aplt_of_staff")
    erin.clock.shift(3)
    erin.browser.get(way_back)

    assert Applicant.objects.get(user=erin.user).applicant_id == "aplt_of_staff"
    assert latest(erin).outcome == Outcome.CONFLICT


def test_an_enrolled_user_needs_their_face_to_enrol_again(person):
    former = person.user.face_applicant.applicant_id
    start = person.is_asked(URL)
    assert StoredCase.objects.count() == 0
    person.proves(start)

    enrols(person)
    applicant = Applicant.objects.get(user=person.user)
    assert applicant.applicant_id != former
    assert applicant.usable_from > timezone.now()
    assert person.browser.get("/statements/").status_code == 403
    assert FaceChallenge.objects.get(user=person.user).state == "revoked"


def test_an_exemption_does_not_replace_a_face(person):
    exempted(person.user)
    assert person.browser.get("/statements/").status_code == 200
    assert person.browser.post(URL).status_code == 403
    assert not StoredApplicant.objects.exists()


def test_consent_comes_first(erin, settings):
    settings.FACEAUTH_CONSENT_VERSION = "1"
    page = erin.browser.post(URL)
    assert page.status_code == 400
    assert "tick the box" in page.content.decode()
    assert not StoredApplicant.objects.exists()

    assert erin.browser.post(URL, {"consent": "1"}).status_code == 200


def test_an_api_client_is_told_where_to_enrol(erin):
    answer = erin.browser.get("/statements/", headers={"Accept": "application/json"}).json()
    assert (answer["code"], answer["enrol_url"]) == ("not_enrolled", f"http://testserver{URL}")
    assert answer["cool_off"] == 86_400

    enrols(erin)
    answer = erin.browser.get("/statements/", headers={"Accept": "application/json"}).json()
    assert "enrol_url" not in answer
    assert answer["usable_from"] == latest(erin).user.face_applicant.usable_from.isoformat()


def test_the_capture_page_speaks_the_language_of_the_user(erin, settings):
    asked = {"language": "de", "country": "FR"}
    settings.FACEAUTH_CAPTURE_OPTIONS = lambda request, user: asked
    settings.FACEAUTH_ENROLMENT_DATA = lambda user: {
        **data_of(user),
        "external_applicant_id": scripted("61203A10000").replace("aplt", "eaplt"),
    }
    enrols(erin)
    page = erin.visitor.open(opens(erin))
    assert 'lang="de"' in page
    attempt = StoredCase.objects.get().document["attempts"][1]
    assert attempt["request"]["client_information"] == {
        "pre_selected_residence_country": "FR",
        "pre_selected_language": "de",
    }


def test_a_new_password_ends_an_enrolment_that_is_under_way(erin):
    way_back = erin.shows_face(opens(erin))
    erin.user.set_password("another pass word")
    erin.user.save()
    erin.browser.force_login(erin.user)
    erin.clock.shift(3)
    sweep.close_expired(now=timezone.now())

    assert "device where you started" in erin.browser.get(way_back).content.decode()
    assert latest(erin).outcome == Outcome.FAILED
    assert not Applicant.objects.exists()


def test_the_sweep_links_a_user_who_does_not_come_back(erin):
    erin.shows_face(opens(erin))
    erin.clock.shift(60)
    sweep.close_expired(now=timezone.now())
    assert latest(erin).outcome == Outcome.LINKED


def test_the_link_goes_to_the_phone_within_its_limits(erin, person, provider, settings):
    settings.FACEAUTH_CAPTURE_OPTIONS = lambda request, user: {"phone_number": "+33 612 345 678"}
    assert "(…678)" in erin.browser.get(URL).content.decode()
    waiting = erin.browser.post(URL, {"sms": "1"})
    assert "/face/enrol/waiting/" in waiting["Location"]
    html = erin.browser.get(waiting["Location"]).content.decode()
    assert "Waiting for your document and your face" in html
    limited = erin.browser.post(URL, {"sms": "1"})
    assert (limited.status_code, limited["Retry-After"]) == (429, "60")
    declared = json.loads(provider.bodies[-1])["declared_data"]
    number = {"country_code": "+33", "number": "612345678"}
    assert declared["phone_number"] == number

    start = person.is_asked()
    assert "(…678)" in person.browser.get(start).content.decode()
    assert "/face/waiting/" in person.browser.post(start, {"sms": "1"})["Location"]
    assert person.browser.post(start, {"sms": "1"}).status_code == 429
    document = StoredCase.objects.get(id=person.authentication.provider_id).document
    [attempt] = document["attempts"]
    assert attempt["request"]["phone_number"] == number
    assert "345678" not in str(list(FaceChallenge.objects.values()))
