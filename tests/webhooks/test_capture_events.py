"""The time of a capture by its signed event (G-04, G-05, TH-22)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from django_faceauth.models import FaceChallenge
from django_faceauth.services.flow import finish
from tests.webhook_deliveries import deliver, event

pytestmark = pytest.mark.database


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def finishes(person) -> FaceChallenge:
    """Ask the provider, due or not."""
    finish.refresh(person.authentication, source="webhook", now=timezone.now())
    return person.challenge


def tell(person, at: datetime | None = None, name: str = "capture_completed", **changes):
    """Deliver an event of a capture, of just now unless said otherwise."""
    told = event(person.authentication, name, created_on=at) | changes
    assert deliver(told).status_code == 200
    return told


def captures(person, clock, *, after: float, start: str = "") -> datetime:
    """Let a person show the face so many seconds after the start; return that moment."""
    capture = person.is_handed_over(start or person.is_asked())
    clock.shift(after)
    person.shows_face(capture)
    return timezone.now()


def is_ahead_by(offset: timedelta):
    """Return the alteration of a provider whose clock differs by `offset`."""

    def alter(answer):
        for entry in [answer, *answer.get("data", ())]:
            for name in ("created_on", "modified_on"):
                if name in entry:
                    moment = datetime.fromisoformat(entry[name]) + offset
                    entry[name] = moment.isoformat()

    return alter


# -- an honest capture is not refused


@pytest.mark.parametrize(
    ("max_age", "checks", "after", "is_told", "state"),
    [
        # Without its event the face may have been shown at the start, for all that is known.
        (300, 200, 200, True, "granted"),
        (300, 200, 200, False, "expired"),
        # Whether the capture was in its window, even if there was no poll until long after.
        (3600, 900, 599, True, "granted"),
        (3600, 900, 601, True, "expired"),
    ],
)
def test_slow_checks_do_not_make_a_face_old(
    person, clock, settings, max_age, checks, after, is_told, state
):
    settings.FACEAUTH_MAX_AGE = max_age
    settings.FACEAUTH_SIMULATOR_CHECK_SECONDS = checks
    captured_at = captures(person, clock, after=after)
    if is_told:
        tell(person)
    clock.shift(checks + 1)

    challenge = finishes(person)

    assert challenge.state == state
    assert challenge.verified_at == (captured_at if state == "granted" else None)


def test_comparing_is_waited_for_while_the_face_is_fresh(person, clock, settings):
    settings.FACEAUTH_SIMULATOR_CHECK_SECONDS = 200
    captured_at = captures(person, clock, after=200)
    tell(person)
    clock.shift(150)
    assert finishes(person).state == "open"
    clock.shift(100)

    assert finishes(person).verified_at == captured_at


# -- what does not count


@pytest.mark.parametrize(
    ("offset", "changes"),
    [
        (seconds(-101), {}),
        (seconds(61), {}),
        (timedelta(days=365), {}),
        (seconds(0), {"type": "face_authentication_started"}),
        (seconds(0), {"type": "identity_verification_capture_completed"}),
        (seconds(0), {"created_on": None}),
    ],
)
def test_an_event_that_is_out_of_bounds_changes_nothing(person, clock, offset, changes):
    """Before the attempt, of the future, of something else or without a time."""
    captured_at = captures(person, clock, after=100)
    tell(person, captured_at + offset, **changes)
    clock.shift(3)

    assert finishes(person).verified_at == captured_at - seconds(100)


def test_events_of_others_change_nothing(people, clock):
    """Of another authentication, of an id in other letters, and with another signature."""
    anna, eve = people(), people()
    eve.is_handed_over(eve.is_asked())
    captured_at = captures(anna, clock, after=100)
    tell(eve)
    fav = anna.authentication.provider_id
    deliver(event(f"fav_{fav[4:].upper()}", "capture_completed"))
    told = event(anna.authentication, "capture_completed")
    assert deliver(told, key="another-key-of-an-attacker-0123456789").status_code == 401
    clock.shift(3)

    assert finishes(anna).verified_at == captured_at - seconds(100)


@pytest.mark.parametrize("is_late", [False, True])
def test_the_event_of_an_earlier_attempt_does_not_date_a_later_one(person, clock, is_late):
    """It names the authentication alone."""
    start = person.is_asked()
    capture = person.is_handed_over(start)
    clock.shift(50)
    person.shows_face(capture, "no_camera")
    earlier = timezone.now()
    if not is_late:
        tell(person, earlier)
    finishes(person)
    clock.shift(3)
    asked_at = timezone.now()
    captures(person, clock, after=100, start=start)
    if is_late:
        tell(person, earlier)
    clock.shift(3)

    assert finishes(person).verified_at == asked_at


@pytest.mark.parametrize(
    ("after", "is_told", "state"), [(100, True, "granted"), (601, False, "expired")]
)
def test_each_attempt_has_its_own_event(person, clock, settings, after, is_told, state):
    settings.FACEAUTH_MAX_AGE = 3600
    start = person.is_asked()
    capture = person.is_handed_over(start)
    clock.shift(50)
    person.shows_face(capture, "no_camera")
    tell(person)
    finishes(person)
    clock.shift(3)
    captured_at = captures(person, clock, after=after, start=start)
    if is_told:
        tell(person)
    clock.shift(3)

    challenge = finishes(person)

    assert challenge.state == state
    assert challenge.verified_at == (captured_at if is_told else None)


# -- what comes late, again, or in another order


@pytest.mark.parametrize("is_first", [True, False])
def test_of_two_events_of_a_capture_the_earlier_counts(person, clock, settings, is_first):
    settings.FACEAUTH_SIMULATOR_CHECK_SECONDS = 100
    captured_at = captures(person, clock, after=100)
    clock.shift(50)
    if is_first:
        tell(person, captured_at)
    tell(person)
    if not is_first:
        tell(person, captured_at)
    clock.shift(60)

    assert finishes(person).verified_at == captured_at


@pytest.mark.parametrize("offset", [-59, 59])
@pytest.mark.parametrize("delay", [1, 100])
def test_a_provider_whose_clock_is_wrong_does_not_freshen(
    person, clock, provider, settings, offset, delay
):
    """Its two moments are compared with each other; of two clocks the earlier counts."""
    settings.FACEAUTH_SIMULATOR_CHECK_SECONDS = 120
    provider.alterations.append(is_ahead_by(seconds(offset)))
    captured_at = captures(person, clock, after=100)
    clock.shift(delay)
    tell(person, captured_at + seconds(offset))
    clock.shift(121)

    assert finishes(person).verified_at == captured_at + seconds(min(offset, 0))


arrivals = st.lists(
    st.tuples(
        st.sampled_from(["capture_completed", "earlier attempt", "started", "checks_completed"]),
        st.integers(0, 250),
    ),
    max_size=5,
)


@hypothesis_settings(
    max_examples=hypothesis_settings().max_examples // 8,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    all_arrivals=arrivals,
    offset=st.integers(-59, 59),
    capture_after=st.integers(3, 200),
    checks=st.integers(2, 120),
    news_after=st.integers(2, 250),
    has_retried=st.booleans(),
)
def test_no_event_makes_a_face_fresher_than_it_is(
    people,
    clock,
    provider,
    settings,
    all_arrivals,
    offset,
    capture_after,
    checks,
    news_after,
    has_retried,
):
    """Lost, late, doubled, shuffled, of another attempt, by any clock: never after the capture.

    Nor do events cost anything: without them the anchor is no later.
    """
    settings.FACEAUTH_SIMULATOR_CHECK_SECONDS = checks

    def verified(arrivals) -> tuple[timedelta | None, str]:
        provider.alterations[:] = [is_ahead_by(seconds(offset))]
        person = people()
        start, earlier = person.is_asked(), timezone.now()
        if has_retried:
            capture = person.is_handed_over(start)
            clock.shift(7)
            person.shows_face(capture, "no_camera")
            earlier = timezone.now()
            finishes(person)
            clock.shift(3)
        captured_at = captures(person, clock, after=capture_after, start=start)
        moments = {"earlier attempt": earlier, "checks_completed": captured_at + seconds(checks)}
        for name, delay in sorted(arrivals, key=lambda arrival: arrival[1]):
            if name == "checks_completed" and delay < checks:
                continue
            clock.move_to(captured_at + seconds(delay))
            kind = "capture_completed" if name == "earlier attempt" else name
            tell(person, moments.get(name, captured_at) + seconds(offset), kind)
            if person.challenge.verified_at:
                break
        last = max([news_after, *(delay for _name, delay in all_arrivals)])
        clock.move_to(captured_at + seconds(last + 3))
        challenge = finishes(person)
        anchor = challenge.verified_at
        return (anchor - captured_at if anchor else None), challenge.state

    anchor, _state = verified(all_arrivals)
    without, state = verified(
        [arrival for arrival in all_arrivals if arrival[0] == "checks_completed"]
    )

    assert anchor is None or anchor <= timedelta(0)
    assert state != "granted" or (anchor is not None and anchor >= without)
