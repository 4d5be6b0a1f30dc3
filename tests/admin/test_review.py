"""From the queue to a verdict."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django.asserts import assertNotContains

from django_faceauth.exceptions import ReviewRefused
from django_faceauth.messages import LIMITED
from django_faceauth.models import (
    AuditEntry,
    FaceAttempt,
    FaceChallenge,
    Lockout,
    ReviewCase,
    Verdict,
)
from django_faceauth.services import review_queue
from django_faceauth.services.flow import finish
from django_faceauth.services.grants import exemptions
from django_faceauth.services.review import verdicts
from tests.provider_double import says
from tests.user_driver import scripted

pytestmark = [pytest.mark.database, pytest.mark.django_db]


def reasons_of(row):
    case = ReviewCase.objects.filter(authentication=row).first()
    return set(case.reasons) if case else set()


def tried(person, *outcomes):
    """Make attempt after attempt for one question, and return its authentication."""
    start = person.is_asked()
    for outcome in outcomes:
        person.proves(start, outcome)
    return person.authentication


# -- what comes into the queue


def test_fraud_codes_and_users_who_may_have_been_forced(people, approved, declined):
    """TH-06."""
    forced = people(scripted("62403"))
    forced.passes()

    assert reasons_of(approved) == set()
    assert reasons_of(declined) == {"fraud"}
    assert reasons_of(forced.authentication) == {"fraud", "duress"}


def test_many_attempts(person, settings):
    settings.FACEAUTH_RATE_LIMITS = {"unsuccessful": [], "unsuccessful_session": []}
    few = tried(person, "leave", "leave", "same_person")
    assert reasons_of(few) == set()
    person.clock.shift(3600)

    many = tried(person, "leave", "leave", "leave", "same_person")

    assert reasons_of(many) == {"attempts"}


@pytest.mark.parametrize(
    ("later", "reasons"), [(timedelta(minutes=1), {"turned"}), (timedelta(days=2), set())]
)
def test_an_approval_soon_after_a_decline(person, later, reasons):
    person.passes(outcome="someone_else")
    person.clock.shift(later.total_seconds())

    person.passes()

    assert reasons_of(person.authentication) == reasons


def test_a_result_that_the_audit_changed(person, approved, provider):
    person.clock.shift(60)
    provider.alterations.append(says(status="declined", response_codes=[{"code": 62305}]))

    finish.refresh(approved, source="webhook", now=timezone.now())

    assert reasons_of(approved) == {"audit", "fraud"}


def test_an_approval_from_another_network(person, approved):
    """C-02: compared by a keyed digest; the address is kept nowhere."""
    first = FaceAttempt.objects.get()
    assert len(first.network) == 32
    FaceAttempt.objects.update(network="0" * 32)  # they were elsewhere then
    person.clock.shift(3600)

    person.passes()

    assert reasons_of(person.authentication) == {"network"}
    person.clock.shift(3600)
    person.passes()
    assert reasons_of(person.authentication) == set()  # seen before


def test_a_settled_case_opens_again_for_a_new_reason_only(staff, declined):
    reviewer = staff("reviewer")
    reviewer.finds(declined, "genuine")
    review_queue.consider(declined, now=timezone.now())
    assert ReviewCase.objects.get().settled_at is not None

    review_queue.raise_case(declined, review_queue.Reason.AUDIT, now=timezone.now())

    case = ReviewCase.objects.get()
    assert case.settled_at is None
    assert case.reasons == ["fraud", "audit"]


# -- the queue


def test_the_queue_leads_to_the_page_where_a_verdict_is_given(staff, declined, people):
    reviewer, forced = staff("reviewer"), people(scripted("62403"))
    forced.passes()
    assert declined.provider_id[:10] in reviewer.reads("reviewcase_changelist")
    narrow = reviewer.reads("reviewcase_changelist", reason="duress")
    assert forced.authentication.provider_id[:10] in narrow
    assert declined.provider_id[:10] not in narrow

    page = reviewer.opens("reviewcase_change", declined.review_case.pk)
    assert page["Location"].endswith(f"/faceauthentication/{declined.pk}/review/")
    assert str(ReviewCase.Reason.FRAUD.label) in reviewer.reads(
        "faceauthentication_review", declined.pk
    )

    done = reviewer.finds(declined, "genuine")
    assert done["Location"].endswith("/admin/faceauth/reviewcase/")
    assert declined.provider_id[:10] not in reviewer.reads("reviewcase_changelist")
    for queue in ("settled", "all"):
        assert declined.provider_id[:10] in reviewer.reads("reviewcase_changelist", queue=queue)


# -- verdicts


@pytest.mark.parametrize("finding", ["suspicious", "fraud"])
def test_an_adverse_verdict_revokes_grants_and_exemptions(staff, person, approved, finding):
    """From the next request on (G-11), in every session (F-09); a lock-out is on demand."""
    reviewer, now = staff("reviewer"), timezone.now()
    other = person.new_browser()
    reviewer.finds(approved, "genuine", note="")
    assert person.browser.get("/statements/").status_code == 200
    person.is_asked("/reports/")
    exemption = exemptions.exempt(
        person.user,
        action="*",
        reason="a broken camera",
        author=reviewer.user,
        expires_at=now + timedelta(days=1),
        now=now,
    )

    reviewer.finds(approved, finding)

    exemption.refresh_from_db()
    assert exemption.revoked_at is not None
    assert person.browser.get("/statements/").status_code == 302
    assert other.get("/statements/").status_code == 302
    states = FaceChallenge.objects.filter(granted_at__isnull=False).values_list("state", flat=True)
    assert set(states) == {"revoked"}
    assert not Lockout.objects.exists()

    reviewer.finds(approved, finding, lock="30")
    lockout = Lockout.objects.get()
    assert lockout.reason == Lockout.Reason.REVIEWED
    assert lockout.until - timezone.now() == timedelta(days=30)
    page = person.browser.get(person.is_asked())
    assert (page.status_code, page.context["wording"]) == (429, LIMITED["reported"])


def test_a_verdict_never_opens_anything(staff, people):
    """A-01: a genuine face that the provider has declined stays declined."""
    unlucky = people()
    unlucky.passes(outcome="someone_else")

    staff("reviewer").finds(unlucky.authentication, "genuine")

    assert unlucky.browser.get("/statements/").status_code == 302
    assert unlucky.authentication.status == "declined"


def test_a_verdict_survives_news_of_the_provider(staff, person, approved):
    """PEERS 29: what people found is theirs."""
    staff("reviewer").finds(approved, "fraud")
    person.clock.shift(3600)

    finish.refresh(approved, source="admin", now=timezone.now())

    assert Verdict.objects.get().finding == "fraud"
    assert person.browser.get("/statements/").status_code == 302


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"finding": "fraud", "note": " "}, "note"),
        ({"finding": "genuine", "lock": "1"}, "lock"),
        ({"finding": "approved"}, "finding"),
        ({"finding": ""}, "finding"),
        ({"finding": "fraud", "lock": "9999"}, "lock"),
    ],
)
def test_a_verdict_that_makes_no_sense_is_refused(staff, approved, form, field):
    reviewer = staff("reviewer")

    page = reviewer.finds(approved, **form)

    assert list(page.context["form"].errors) == [field]
    assert not Verdict.objects.exists()
    for finding, lock_for in (
        (Verdict.Finding.FRAUD, None),
        (Verdict.Finding.GENUINE, timedelta(1)),
    ):
        with pytest.raises(ReviewRefused):
            verdicts.record(
                approved,
                finding=finding,
                note="",
                lock_for=lock_for,
                reviewer=reviewer.user,
                now=timezone.now(),
            )


def test_reviewers_do_not_review_themselves(staff, person, approved):
    reviewer = staff("reviewer")
    type(approved).objects.update(user=reviewer.user)

    page = reviewer.opens("faceauthentication_review", approved.pk)
    recorded = reviewer.finds(approved, "genuine")

    assert page.context["is_own"]
    assertNotContains(page, 'name="finding"')
    assert recorded.status_code == 200
    assert not Verdict.objects.exists()


def test_a_change_of_mind_is_another_verdict(staff, declined):
    """History, never edited (L-03)."""
    reviewer = staff("reviewer")

    reviewer.finds(declined, "fraud")
    reviewer.finds(declined, "genuine")

    assert list(Verdict.objects.values_list("finding", flat=True)) == ["fraud", "genuine"]
    entries = AuditEntry.objects.values_list("event", "by")
    assert list(entries) == [("verdict", reviewer.user.pk)] * 2
