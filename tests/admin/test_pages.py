"""Contents of the pages: timeline, lists, filters, fraud codes, escaping."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_faceauth.admin.filters import CodeFilter
from django_faceauth.models import (
    AuditEntry,
    FaceAttempt,
    FaceAuthentication,
    FaceChallenge,
    ReviewCase,
    StatusChange,
    WebhookEvent,
)
from django_faceauth.response_codes import MEANINGS
from django_faceauth.services import audit_log
from django_faceauth.services.review import timeline
from tests.admin.staff import text_of
from tests.user_driver import scripted
from tests.webhook_deliveries import deliver, event

pytestmark = [pytest.mark.database, pytest.mark.django_db]

MARKUP = "<script>alert(1)</script>"
LIST, ONE = "faceauthentication_changelist", "faceauthentication_change"


# -- the timeline


def test_the_timeline_joins_what_every_source_told(staff, person, provider):
    person.passes()
    row = person.authentication
    deliver(event(row, "checks_completed"))
    person.clock.shift(5)
    staff("operator").confirms("revoke_grants", row)
    staff("reviewer").finds(row, "suspicious")

    told = staff("superuser").reads(ONE, row.pk)

    happenings = timeline.of(row)
    assert happenings == sorted(happenings, key=lambda happening: happening.at)
    names = [str(happening.what) for happening in happenings]
    for name in ("created_at", "started_at", "verified_at", "granted_at", "revoked_at"):
        assert str(dict(timeline.MOMENTS)[name]) in names
    for part in (
        *names,
        "face_authentication_checks_completed",
        str(AuditEntry.Event.REVOKED.label),
        "I looked twice.",
        "→ approved",
    ):
        assert part in told


# -- lists


def more_of_everything(row):
    """Make thirty more of all that these pages show, around one authentication and beside it."""
    now, numbers = timezone.now(), range(30)
    StatusChange.objects.bulk_create(
        StatusChange(authentication=row, status="approved", source="poll", at=now) for _ in numbers
    )
    FaceAttempt.objects.bulk_create(
        FaceAttempt(
            authentication=row, provider_id=f"fatp_{one}", created_at=now, capture_not_before=now
        )
        for one in numbers
    )
    WebhookEvent.objects.bulk_create(
        WebhookEvent(
            event_id=f"evt_{one}", provider_id=row.provider_id, received_at=now, state="ignored"
        )
        for one in numbers
    )
    others = FaceAuthentication.objects.bulk_create(
        FaceAuthentication(user=row.user, user_journey_id="usj_" + "a" * 26) for _ in numbers
    )
    FaceChallenge.objects.bulk_create(
        FaceChallenge(
            handle=f"h{other.pk}",
            user=row.user,
            max_age=300,
            created_at=now,
            state="expired",
            authentication=other,
        )
        for other in others
    )
    for number in numbers:
        user = User.objects.create_user(f"reader-{number}")
        audit_log.note("synced", by=user, about=row, now=now)


def test_pages_take_as_many_statements_however_much_there_is(staff, declined):
    """A-02."""
    reviewer = staff("superuser")
    reviewer.finds(declined, "fraud")
    lists = ["faceauthentication", "facechallenge", "reviewcase", "verdict", "auditentry"]

    def statements():
        counts = {}
        for name in (*lists, ONE):
            where = (ONE, declined.pk) if name == ONE else (f"{name}_changelist",)
            reviewer.opens(*where, queue="all")  # what is read once for all
            with CaptureQueriesContext(connection) as queries:
                assert reviewer.opens(*where, queue="all").status_code in {200, 302}
            counts[name] = len(queries)
        return counts

    before = statements()
    more_of_everything(declined)

    assert statements() == before


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"status": "declined"}, ["declined"]),
        ({"status": "approved"}, ["approved"]),
        ({"codes": "fraud"}, ["declined"]),
        ({"codes": "behaviour"}, []),
        ({"codes": "nonsense"}, []),
        ({"review": "waiting"}, ["declined"]),
        ({"review": "settled"}, []),
        ({"stuck": "compared"}, []),
        ({"stuck": "nonsense"}, []),
        ({"age": "1"}, ["approved", "declined"]),
        ({"age": "nonsense"}, []),
        ({"action": "="}, ["approved", "declined"]),
        ({"action": "=payout"}, []),
        ({"journey": "usj_" + "a" * 26}, ["approved", "declined"]),
        ({"journey": "usj_b"}, []),
    ],
    ids=str,
)
def test_filters(staff, approved, declined, query, found):
    shown = staff("superuser").lists("faceauthentication", **query)

    named = {"approved": approved, "declined": declined}
    assert [name for name, row in named.items() if row in shown] == found


def test_search(staff, approved, declined):
    boss = staff("superuser")
    attempt = approved.attempts.get()
    terms = [
        approved.provider_id,
        attempt.provider_id,
        approved.applicant_id,
        approved.user.username,
        f"  {approved.provider_id} ",
    ]

    for term in terms:
        assert boss.lists("faceauthentication", q=term) == [approved], term
    for term in ("fav_unknown", "unknown", "%", "'; --"):
        assert boss.lists("faceauthentication", q=term) == [], term


def test_search_for_webhook_events(staff, approved):
    deliver(event(approved, "checks_completed"))
    stored = WebhookEvent.objects.latest("pk")
    boss = staff("superuser")

    for term in (stored.event_id, stored.provider_id):
        assert stored in boss.lists("webhookevent", q=term)
    for term in ("evt_unknown", stored.provider_id[4:], approved.user.username):
        assert boss.lists("webhookevent", q=term) == [], term


# -- V-12: fraud codes are for those who may see them


@pytest.mark.parametrize("page", [LIST, ONE, "reviewcase_changelist"])
def test_fraud_is_kept_from_those_who_may_not_see_it(staff, declined, page):
    FaceAuthentication.objects.update(risk_labels=["multiple_faces_detected"])
    arguments = [declined.pk] if page == ONE else []

    hidden = staff("reader").reads(page, *arguments)
    shown = staff("reviewer").reads(page, *arguments)

    words = {f"62321 {MEANINGS[62321]}", "multiple_faces_detected"}
    words |= {str(ReviewCase.Reason.FRAUD.label), str(CodeFilter.GROUPS["behaviour"][0])}
    assert {word for word in words if word in hidden} == set()
    assert {word for word in words if word in shown} != set()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("codes", value) for value in ("fraud", "behaviour")),
        *(
            ("reason", value)
            for value in ("fraud", "FRAUD", 'attempts", "fraud', "frau%", "Duress")
        ),
        ("reason", "duress"),
    ],
)
def test_no_filter_finds_fraud_for_those_who_may_not_see_it(staff, people, declined, name, value):
    """However it is written (F-63)."""
    people(scripted("62403")).passes()
    ReviewCase.objects.update(reasons=["attempts", "fraud", "duress"])
    page = "reviewcase_changelist" if name == "reason" else LIST

    assert not staff("reader").opens(page, **{name: value}).context["cl"].result_list


# -- what the provider says is inert


def test_markup_of_the_provider_is_shown_as_text(staff, approved):
    """PEERS 25: in each place where a word of the provider is shown."""
    FaceAuthentication.objects.update(
        status=MARKUP,
        risk_labels=[MARKUP],
        response_codes=[{"code": 10000, "summary": MARKUP}],
        user_journey_id=MARKUP,
    )
    FaceAttempt.objects.update(status=MARKUP)
    WebhookEvent.objects.create(
        event_id=MARKUP,
        type=MARKUP,
        provider_id=approved.provider_id,
        received_at=timezone.now(),
        state="ignored",
        error=MARKUP,
    )
    boss = staff("superuser")

    for page, *arguments in (
        (LIST,),
        (ONE, approved.pk),
        ("faceauthentication_review", approved.pk),
        ("webhookevent_changelist",),
    ):
        html = boss.opens(page, *arguments).content.decode()
        assert MARKUP not in html
        assert "&lt;script&gt;alert(1)" in html, page


# -- what else is shown


def test_the_link_to_the_provider(staff, approved, settings):
    boss = staff("superuser")
    assert "checkout.example" not in boss.opens(ONE, approved.pk).content.decode()
    settings.FACEAUTH_DASHBOARD_URL = "https://dashboard.checkout.example/faces/{id}"

    html = boss.opens(ONE, approved.pk).content.decode()

    assert f'href="https://dashboard.checkout.example/faces/{approved.provider_id}"' in html


def test_what_a_payment_was_approved_by(staff, person, payment):
    """An auditor asks why a payment went through: what was shown, by whom, when, and its use."""
    path = f"/pay/{payment.pk}/"
    response = person.browser.post(path)
    person.proves(response["Location"])
    person.browser.post(path)
    challenge = FaceChallenge.objects.get(user=person.user, authentication__isnull=False)

    said = staff("reader").reads("facechallenge_change", challenge.pk)

    assert challenge.state == "consumed"
    assert "Anna" in said
    assert "12.50" in said
    assert challenge.handle not in said  # its secret
    assert challenge.session_digest not in said


def test_pages_bring_no_script_and_no_style_of_their_own(staff, approved):
    """They work where the site's Content-Security-Policy forbids both."""
    boss = staff("superuser")
    pages = [
        boss.opens("faceauthentication_review", approved.pk),
        boss.does("revoke_grants", approved),
        boss.confirms("revoke_grants", approved),
    ]

    for page in pages:
        html = page.content.decode()
        assert "style=" not in html
        assert "onclick" not in html
        assert text_of(page)
