"""The checks of an approval, its anchor, and the one writer of the provider's state."""

from __future__ import annotations

import random
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth import get_user_model
from django.test import override_settings
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from django_faceauth.models import FaceAttempt, FaceAuthentication
from django_faceauth.provider.factory import get_client
from django_faceauth.provider.resources import AuthenticationSnapshot
from django_faceauth.services.flow import finish
from django_faceauth.services.sync import sync
from tests.provider_double import works, works_but_times_out


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def every_attempt(**values):
    """Return the alteration of a provider that says something else of all attempts."""

    def alter(answer):
        for attempt in answer.get("data", ()):
            attempt.update(values)

    return alter


@pytest.fixture
def compared(person):
    """A user whose face has been compared, which we have not been told."""
    person.shows_face(person.is_handed_over(person.is_asked()))
    person.clock.shift(3)
    return person


def finishes(person):
    return finish.finish(person.challenge, source="poll", now=timezone.now())


# -- G-03: the evidence


@pytest.mark.parametrize("value", ["", None, "aplt_other", "APLT_x", 1, [], "aplt_chooses"])
@pytest.mark.parametrize("field", ["applicant_id", "user_journey_id"])
def test_an_answer_about_another_user_or_journey_is_refused(
    compared, provider, field, value, caplog
):
    """Applicant and journey must be the ones that we asked for, exactly (G-03)."""
    provider.alterations.append(
        lambda answer: answer.update({field: value}) if field in answer else None
    )

    challenge = finishes(compared)

    assert (challenge.state, challenge.reason) == ("failed", "mismatch")
    assert "approval refused" in caplog.text
    compared.is_asked("/statements/")


@pytest.mark.parametrize("status", ["APPROVED", "approved ", "approve", "", None, 1, ["approved"]])
def test_a_status_that_is_not_exactly_approved_is_not(compared, provider, status):
    provider.alterations.append(
        lambda answer: answer.update(status=status) if "applicant_id" in answer else None
    )

    assert finishes(compared).state == "open"
    compared.is_asked("/statements/")


@pytest.mark.parametrize(
    "redirect_url",
    [
        "",
        None,
        "http://testserver/face/returned/another/",
        "http://testserver/face/returned/?h={handle}",
        "http://testserver/face/returned/x{handle}/",
        "no attempt at all",
    ],
)
def test_an_attempt_of_another_challenge_is_no_evidence(compared, provider, redirect_url):
    """The approved attempt must be the one that carries our handle (G-03)."""
    alter = every_attempt(
        redirect_url=redirect_url and redirect_url.format(handle=compared.challenge.handle)
    )
    if redirect_url == "no attempt at all":
        alter = lambda answer: "data" in answer and answer["data"].clear()  # noqa: E731
    provider.alterations.append(alter)

    assert finishes(compared).reason == "mismatch"
    compared.is_asked("/statements/")


@pytest.mark.parametrize(("later", "state"), [(3, "granted"), (300, "expired")])
def test_an_attempt_that_is_not_complete_yet_is_waited_for(compared, provider, later, state):
    """The two answers of the provider may cross a change of its own; not for ever."""
    provider.alterations.append(every_attempt(status="on_the_moon"))
    assert finishes(compared).state == "open"
    if state == "granted":
        provider.alterations.clear()
    compared.clock.shift(later)

    assert finishes(compared).state == state


def other_journey(person):
    return override_settings(FACEAUTH_USER_JOURNEY_ID="usj_other")


def other_user(person):
    """However it came to be linked to this challenge (TH-01)."""
    FaceAuthentication.objects.update(user=get_user_model().objects.create(username="other"))


def other_applicant(person):
    """Relinked while the face was compared."""
    person.user.face_applicant.applicant_id = "aplt_other"
    person.user.face_applicant.save()


@pytest.mark.parametrize("change", [other_journey, other_user, other_applicant])
def test_an_approval_does_not_outlast_a_change_of_what_was_asked(compared, change):
    """TH-01, G-03."""
    with change(compared) or nullcontext():
        assert finishes(compared).reason == "mismatch"


def test_another_environment_is_another_matter(compared, provider):
    FaceAuthentication.objects.update(environment="live")
    asked = provider.questions

    assert finishes(compared).state == "open"
    assert provider.questions == asked


# -- G-04, G-05: the anchor


@pytest.mark.parametrize("is_polled", [False, True])
def test_the_anchor_is_the_last_poll_before_the_capture(person, clock, is_polled):
    """Without one it is the start: the face may have been shown right after it (G-04)."""
    start = person.is_asked()
    clock.shift(100)
    anchor = timezone.now()
    capture = person.is_handed_over(start)
    clock.shift(60)
    if is_polled:
        person.browser.get(f"/face/waiting/{person.challenge.handle}/")
        anchor = timezone.now()
    clock.shift(30)
    back = person.shows_face(capture)
    clock.shift(30)

    person.returns(back)

    assert person.challenge.verified_at == anchor


def test_a_link_used_again_was_unopened_until_then(person, clock):
    """A link of six minutes ago still leaves time for the gate's five."""
    start = person.is_asked()
    person.is_handed_over(start)
    clock.shift(360)
    again_at = timezone.now()
    capture = person.is_handed_over(start)
    back = person.shows_face(capture)
    clock.shift(3)

    person.returns(back)

    assert person.challenge.verified_at == again_at


def test_news_of_modification_does_not_freshen(compared, provider):
    """modified_on moves with audits and anonymization, the anchor does not (G-04)."""
    later = iso(timezone.now())
    provider.alterations.append(
        lambda answer: answer.update(modified_on=later) if "status" in answer else None
    )

    challenge = finishes(compared)

    assert challenge.verified_at == timezone.now() - timedelta(seconds=3)


def test_an_attempt_that_only_the_list_tells_of(person, provider, clock):
    """Without a date of its own it counts from when we asked for it (G-04)."""

    def alter(answer):
        for attempt in [answer, *answer.get("data", ())]:
            attempt.pop("created_on", None)

    start = person.is_asked()
    asked_at = timezone.now()
    provider.troubles.extend([works, works_but_times_out])
    person.presses(start)
    provider.alterations.append(alter)
    clock.shift(100)
    (attempt,) = get_client().list_attempts(person.authentication.provider_id).items
    person.shows_face(attempt.capture_url)
    clock.shift(100)

    person.returns(f"/face/returned/{person.challenge.handle}/")

    assert person.challenge.verified_at == asked_at


@pytest.mark.parametrize(
    ("ahead", "state"), [(-50, "granted"), (0, "granted"), (60, "granted"), (61, "failed")]
)
def test_a_provider_with_another_clock(person, provider, clock, ahead, state, caplog):
    """The earlier clock counts; more than a minute ahead, none does (G-06)."""
    asked_at = timezone.now()
    created_on = asked_at + timedelta(seconds=ahead + 3)
    provider.alterations.append(lambda answer: answer.update(created_on=iso(created_on)))
    provider.alterations.append(every_attempt(created_on=iso(created_on)))
    back = person.shows_face(person.is_handed_over(person.is_asked()))
    clock.shift(3)

    person.returns(back)

    assert person.authentication.attempts.get().created_at == asked_at
    assert person.challenge.state == state
    if state == "granted":
        assert person.challenge.verified_at == min(asked_at, created_on)
    else:
        assert "clock" in caplog.text


@hypothesis_settings(
    max_examples=hypothesis_settings().max_examples // 8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    looks=st.lists(st.integers(0, 50), max_size=4),
    capture_after=st.integers(0, 100),
    news_after=st.integers(3, 100),
    more_delay=st.integers(0, 200),
)
def test_no_delay_lengthens_a_grant(people, looks, capture_after, news_after, more_delay):
    """Whenever the news comes, the anchor is not later than the capture (G-04, TH-22)."""

    def anchor(delay):
        random.seed(0)  # the same pauses between polls, or the two could not be compared
        person = people()
        capture = person.is_handed_over(person.is_asked())
        for pause in looks:
            person.clock.shift(pause)
            person.browser.get(f"/face/status/{person.challenge.handle}/")
        person.clock.shift(capture_after)
        captured_at = timezone.now()
        person.shows_face(capture)
        person.clock.shift(news_after + delay)
        finishes(person)
        return person.challenge.verified_at, captured_at, person.challenge.created_at

    prompt, captured_at, asked_at = anchor(0)
    late, late_captured_at, late_asked_at = anchor(more_delay)

    for verified_at, shown_at in ((prompt, captured_at), (late, late_captured_at)):
        assert verified_at is None or verified_at <= shown_at
    if prompt and late:
        assert late - late_asked_at == prompt - asked_at


@pytest.mark.parametrize(
    ("max_age", "check_seconds", "before", "after", "state"),
    [
        # Ten minutes from start to capture, even for a gate of an hour.
        (3600, 2, 840, 3, "expired"),
        # The provider said in time that the face had been shown; comparing it may take longer.
        (3600, 900, 120, 900, "granted"),
        # An approval that came now would be stale already: the user is not kept waiting.
        (300, 3600, 0, 300, "expired"),
    ],
)
def test_a_capture_counts_in_its_window_while_it_is_fresh(
    person, clock, settings, max_age, check_seconds, before, after, state
):
    """T-2.9."""
    settings.FACEAUTH_MAX_AGE = max_age
    settings.FACEAUTH_SIMULATOR_CHECK_SECONDS = check_seconds
    capture = person.is_handed_over(person.is_asked())
    clock.shift(before)
    back = person.shows_face(capture)
    if check_seconds > 2:
        assert "/waiting/" in person.returns(back)["Location"]
    clock.shift(after)

    person.returns(back)
    page = person.browser.get(f"/face/waiting/{person.challenge.handle}/")

    assert person.challenge.state == state
    if state == "granted":
        assert page["Location"] == "/statements/"
    else:
        assert page.context["word"] == state


# -- the one writer


def snapshot(row, status, modified_on=None, **values):
    return AuthenticationSnapshot(
        id=row.provider_id, status=status, modified_on=modified_on, **values
    )


@pytest.mark.parametrize(
    ("held", "status"),
    [("declined", "approved"), ("approved", "pending"), ("approved", "checks_in_progress")],
)
def test_an_older_answer_changes_nothing(compared, held, status):
    """Whether a newer one is held or the same comes twice (PEERS 19)."""
    finishes(compared)
    row = compared.authentication
    steps = row.status_changes.count() + (held == "declined")
    for _ in range(2):
        sync.apply(row, snapshot(row, held, row.modified_on), source="poll", now=timezone.now())
    old = row.modified_on - timedelta(seconds=61)

    after = sync.apply(row, snapshot(row, status, old), source="poll", now=timezone.now())

    assert after.status == held
    assert row.status_changes.count() == steps


#: A moment that a wrong clock wrote.
POISONED = datetime(2999, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("status", ["declined", "refused", "inconclusive", "retry_required", "new"])
@pytest.mark.parametrize(
    "late", [-86_400, -61, -1, 0, 60, 61, 86_400], ids=lambda late: f"{late:+} seconds"
)
def test_what_closes_a_gate_counts_whatever_its_time(compared, status, late):
    """(F-40): it does not depend on a clock."""
    finishes(compared)
    row = compared.authentication
    when = row.modified_on + timedelta(seconds=late)

    after = sync.apply(row, snapshot(row, status, when), source="poll", now=timezone.now())

    assert after.status == status
    assert (compared.challenge.state, compared.challenge.reason) == ("revoked", status)


@pytest.mark.parametrize(
    "status", ["declined", "checks_in_progress", "capture_in_progress", "pending", "created"]
)
@pytest.mark.parametrize("poison", [POISONED, timedelta(seconds=61)], ids=["2999", "+61 s"])
def test_an_answer_of_the_future_does_not_outlast_the_next(compared, provider, status, poison):
    """(F-40): a moment that is no moment holds nothing up."""
    when = poison if isinstance(poison, datetime) else timezone.now() + poison
    provider.alterations.append(lambda answer: answer.update(modified_on=iso(when)))
    finishes(compared)
    assert compared.authentication.status == "approved"
    provider.alterations.clear()
    compared.clock.shift(3)

    news = snapshot(compared.authentication, status, timezone.now())
    sync.apply(compared.authentication, news, source="poll", now=timezone.now())

    assert compared.authentication.status == status
    assert (compared.challenge.state, compared.challenge.reason) == ("revoked", status)


@pytest.mark.parametrize("status", ["approved", "declined"])
@pytest.mark.parametrize("held", ["declined", "checks_in_progress"])
def test_a_moment_of_the_future_that_is_held_holds_nothing_up(compared, held, status):
    """(F-40): as rows of former versions may have it; nor is it kept."""
    row = compared.authentication
    FaceAuthentication.objects.update(status=held, modified_on=POISONED, created_on=POISONED)
    modified_on = timezone.now() if status == "approved" else None

    news = snapshot(row, status, modified_on)
    after = sync.apply(row, news, source="poll", now=timezone.now())

    assert (after.status, after.created_on, after.modified_on) == (status, None, modified_on)


@pytest.mark.parametrize(("first", "second"), [("declined", "approved"), ("approved", "declined")])
def test_of_two_answers_of_one_moment_the_one_that_closes_counts(compared, first, second):
    """Two questions of one moment of the provider's clock, whose answers come in any order."""
    finishes(compared)
    row = compared.authentication
    earlier = row.synced_at - timedelta(seconds=1)

    sync.apply(row, snapshot(row, first, row.modified_on), source="poll", now=row.synced_at)
    after = sync.apply(row, snapshot(row, second, row.modified_on), source="poll", now=earlier)

    assert after.status == "declined"


@pytest.mark.parametrize("status", ["checks_in_progress", "pending"])
def test_an_answer_from_before_an_attempt_says_nothing_of_it(person, status):
    """A slow answer to an old question is about the attempt before."""
    person.is_handed_over(person.is_asked())
    row = person.authentication
    attempt = row.attempts.get()
    bounds = (attempt.capture_not_before, attempt.capture_not_after)
    FaceAttempt.objects.update(created_at=timezone.now() + timedelta(seconds=1))
    person.clock.shift(0.5)

    news = snapshot(row, status, timezone.now() + timedelta(seconds=1))
    sync.apply(row, news, source="poll", now=timezone.now())

    attempt.refresh_from_db()
    assert row.status_changes.latest("pk").status == status
    assert (attempt.capture_not_before, attempt.capture_not_after) == bounds


def test_a_change_of_mind_after_the_answer_was_read(compared, provider):
    """declined comes in between the approval and the grant: no grant."""
    row = compared.authentication

    def decline(provider, request):
        response = provider.faithfully(request)
        now = timezone.now()
        sync.apply(row, snapshot(row, "declined", now), source="webhook", now=now)
        return response

    provider.troubles.extend([works, decline])

    assert finishes(compared).state == "open"
    compared.is_asked("/statements/")
