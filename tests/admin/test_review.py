"""From the queue to a verdict."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django.asserts import assertContains, assertNotContains

from django_faceauth.exceptions import ReviewRefused
from django_faceauth.messages import LIMITED
from django_faceauth.models import (
    AttemptRequest,
    AuditEntry,
    FaceAttempt,
    FaceAuthentication,
    FaceChallenge,
    Lockout,
    ReviewCase,
    StatusChange,
    Verdict,
    WebhookEvent,
)
from django_faceauth.services import review_queue
from django_faceauth.services.flow import finish
from django_faceauth.services.grants import exemptions
from django_faceauth.services.grants.formatting import moment
from django_faceauth.services.review import timeline, verdicts
from tests.admin.staff import address
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


@pytest.fixture
def queue(people):
    """Three cases of which the second is of the user "eve", newest first."""
    rows = []
    for name, code in {"oldest": "62321", "eve": "62403", "newest": "62305"}.items():
        someone = people(scripted(code), name=name)
        someone.passes()
        rows.insert(0, someone.authentication)
    return rows


def goes_to(response):
    """Return the primary key of the case that a response leads to."""
    return int(re.search(r"/faceauthentication/(\d+)/review/$", response["Location"])[1])


def test_the_queue_leads_to_the_page_where_a_verdict_is_given(staff, queue):
    reviewer, row = staff("reviewer"), queue[1]

    page = reviewer.opens("reviewcase_changelist")
    assert list_of(page) == queue
    for part in ("3 review cases", "eve", "any page", "may have been forced"):
        assertContains(page, part)
    assertContains(page, f'<bdi title="{row.provider_id}">{row.provider_id[:10]}…</bdi>')
    for term in ("ev", row.provider_id):
        assert list_of(reviewer.opens("reviewcase_changelist", q=term)) == [row]
    assert list_of(reviewer.opens("reviewcase_changelist", reason="duress")) == [row]

    assert goes_to(reviewer.opens("reviewcase_change", row.review_case.pk)) == row.pk


def list_of(page):
    return [case.authentication for case in page.context["cl"].result_list]


def test_after_a_verdict_comes_the_next_case_that_is_open(staff, queue):
    """In the order of the queue, then from its top; not those of the reviewer (F-09)."""
    newest, middle, oldest = queue
    reviewer = staff("reviewer")
    own = ReviewCase.objects.create(
        authentication=FaceAuthentication.objects.create(user=reviewer.user),
        raised_at=timezone.now() - timedelta(days=1),
    )

    assert goes_to(reviewer.finds(middle, "suspicious")) == oldest.pk
    page = reviewer.opens("faceauthentication_review", oldest.pk)
    back = address("faceauthentication_review", middle.pk)
    assertContains(page, f'Recorded for eve (any page): suspicious. <a href="{back}">')
    assert goes_to(reviewer.finds(oldest, "genuine")) == newest.pk
    done = reviewer.finds(newest, "genuine")

    assert done["Location"] == address("reviewcase_changelist")
    page = reviewer.opens("reviewcase_changelist")
    assertContains(page, "There are no more cases for you to review.")
    assert list_of(page) == [own.authentication]
    assert list_of(reviewer.opens("reviewcase_changelist", queue="settled")) == queue
    assert list_of(reviewer.opens("reviewcase_changelist", queue="all")) == [
        *queue,
        own.authentication,
    ]


def test_of_two_reviewers_the_second_is_told(staff, declined):
    """Their verdict is recorded, as another one, if they press the button once more (L-03)."""
    first, second = staff("reviewer", name="first"), staff("reviewer", name="second")
    seen = second.opens("faceauthentication_review", declined.pk).context["seen"]
    first.finds(declined, "fraud", note="A mask.", seen="0")

    page = second.finds(declined, "genuine", seen=str(seen))

    assertContains(page, "Another reviewer settled this case meanwhile.")
    assertContains(page, "A mask.")
    assert Verdict.objects.count() == 1
    second.finds(declined, "genuine", seen=str(page.context["seen"]))
    assert list(Verdict.objects.values_list("finding", flat=True)) == ["fraud", "genuine"]
    entries = AuditEntry.objects.order_by("pk").values_list("event", "by")
    assert list(entries) == [("verdict", first.user.pk), ("verdict", second.user.pk)]


# -- what a case shows


def test_a_case_shows_what_it_is_about(staff, person, payment):
    """The payment with marks for what would mislead (F-65), device, verdict and lock-out."""
    payment.payee = "Anna \u202egro.live"
    payment.save()
    person.proves(person.browser.post(f"/pay/{payment.pk}/")["Location"])
    row = person.authentication
    other = type(payment).objects.create(user=person.user, payee="Bob", amount="9.50")
    person.proves(person.browser.post(f"/pay/{other.pk}/")["Location"], "someone_else")
    boss = staff("superuser")
    boss.finds(person.authentication, "suspicious", note="No.\nNot them.", lock="1")

    paid = boss.reads("faceauthentication_review", row.pk)
    html = boss.opens("faceauthentication_review", person.authentication.pk).content.decode()

    assert html.count("No.↵Not them.") == 2  # and in the timeline
    for words in (
        "What was approved",
        "Payee Anna [U+202E]gro.live",
        "Amount 12.50 EUR",
        "Back from the camera page the browser that asked",
        "Network of the face the same network",
        "Relayed no",
        f"{person.authentication.provider_id[:10]}… ✗ declined pay settled",
        f"Locked out until {moment(Lockout.objects.get().until)}",
    ):
        assert words in paid, words
    for part in (
        "What was to be approved",
        "superuser, ",
        f'href="{reverse("admin:auth_user_change", args=[person.user.pk])}">{person.user}</a>',
        f'href="{address("lockout_change", Lockout.objects.get().pk)}"',
        f'href="{address("faceauthentication_review", row.pk)}"',
    ):
        assert part in html, part


def test_a_relay_and_a_link_to_a_phone_are_shown(staff, person, approved):
    FaceChallenge.objects.update(is_same_network=False, returned_at=None, browser="Safari")
    AttemptRequest.objects.update(by_sms=True)

    said = staff("reviewer").reads("faceauthentication_review", approved.pk)

    for words in ("asked Safari", "page another device", "phone yes", "Relayed possibly"):
        assert words in said, words


def test_the_oldest_open_case_of_a_user_is_shown_among_many_checks(staff, person, approved):
    """In as many statements as for one check."""
    reviewer = staff("reviewer")
    person.clock.shift(3600)
    person.passes()
    row = person.authentication
    review_queue.raise_case(approved, ReviewCase.Reason.REPORTED, now=timezone.now())

    def statements():
        with CaptureQueriesContext(connection) as queries:
            said = reviewer.reads("faceauthentication_review", row.pk)
        assert f"{approved.provider_id[:10]}… ✓ approved any page waiting in the queue" in said
        return len(queries)

    before = statements()
    FaceAuthentication.objects.bulk_create(
        FaceAuthentication(user=person.user, provider_id=f"fav_{one:026}") for one in range(30)
    )

    assert statements() == before


def test_fraud_of_other_checks_is_kept_from_those_who_may_not_see_it(staff, people):
    """V-12."""
    forced = people(scripted("62403"))
    forced.passes()
    first = forced.authentication
    forced.clock.shift(3600)
    forced.passes()
    blind = staff("reader")
    blind.is_given("review_faceauthentication")

    said = blind.reads("faceauthentication_review", forced.authentication.pk)

    assert first.provider_id[:10] in said
    assert "62403" not in said
    assert "may have been forced" not in said
    assert "may have been forced" in staff("reviewer").reads("faceauthentication_review", first.pk)


# -- the timeline


def test_steps_of_one_second_are_one_line_with_the_status_of_then(staff, approved):
    """Nothing of it changes later: neither what an attempt became nor an event."""
    begin = timezone.now() + timedelta(days=1)
    StatusChange.objects.all().delete()
    FaceAttempt.objects.update(status="completed", created_at=begin + timedelta(milliseconds=400))
    for seconds, previous, status in (
        (0.2, "", "created"),
        (0.9, "created", "pending"),
        (1.2, "pending", "approved"),
    ):
        approved.status_changes.create(
            previous=previous, status=status, source="poll", at=begin + timedelta(seconds=seconds)
        )
    WebhookEvent.objects.create(
        event_id="evt_1",
        type="face_authentication_checks_completed",
        provider_id=approved.provider_id,
        received_at=begin + timedelta(seconds=1.3),
        state="failed",
    )

    lines = timeline.lines(approved)[-2:]

    steps = [(line[-1].state, [str(step.what) for step in line]) for line in lines]
    assert steps == [
        ("pending", ["Status", "Attempt created", "Status"]),
        ("approved", ["Status", "Webhook"]),
    ]
    said = staff("reviewer").reads("faceauthentication_review", approved.pk)
    [attempt] = approved.attempts.all()
    assert (
        f"pending Status created (poll) Attempt created {attempt.provider_id} (the site) "
        "Status created → pending (poll)"
    ) in said
    assert "Webhook face_authentication_checks_completed (the provider)" in said


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
    person.clock.shift(3600)
    finish.refresh(approved, source="admin", now=timezone.now())  # news changes nothing
    assert Verdict.objects.latest("pk").finding == finding
    assert other.get("/statements/").status_code == 302
    lockout = Lockout.objects.get()
    assert lockout.reason == Lockout.Reason.REVIEWED
    assert lockout.until - lockout.started_at == timedelta(days=30)
    page = person.browser.get(person.is_asked())
    assert (page.status_code, page.context["wording"]) == (429, LIMITED["reported"])


def test_a_verdict_never_opens_anything(staff, people):
    """A-01: a genuine face that the provider has declined stays declined."""
    unlucky = people()
    unlucky.passes(outcome="someone_else")

    staff("reviewer").finds(unlucky.authentication, "genuine")

    assert unlucky.browser.get("/statements/").status_code == 302
    assert unlucky.authentication.status == "declined"


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
