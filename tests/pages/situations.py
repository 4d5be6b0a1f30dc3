"""Every situation in which users see a page of ours, with that page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

import pytest
import time_machine
from django.apps import apps
from django.core import signing
from django.http import HttpResponse
from django.test import Client, override_settings
from django.urls import reverse

from django_faceauth.models import Applicant, Consent, IdentityVerification
from django_faceauth.services.notifications import SALTS, Subject
from django_faceauth.simulator.adapter import CaptureDriver
from django_faceauth.simulator.state_machine import ELSEWHERE
from tests.provider_double import Provider
from tests.site.models import Payment
from tests.user_driver import Person, capture_url_in, form_in

Situation = tuple[str, HttpResponse]

#: A payee that breaks nowhere by itself, and one of the other direction.
LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerk GmbH"
ARABIC = "مؤسسة الميناء"
FALLBACK = override_settings(FACEAUTH_FALLBACK="by-code")
ASKING = override_settings(FACEAUTH_CONSENT_VERSION="2026-11", FACEAUTH_FALLBACK="by-code")
OFFERING = override_settings(
    FACEAUTH_ENROLMENT="offer",
    FACEAUTH_ENROLMENT_JOURNEY_ID="usj_" + "i" * 26,
    FACEAUTH_ENROLMENT_DATA=lambda user: {"name": LONG},
)
BY_SMS = override_settings(
    FACEAUTH_CAPTURE_OPTIONS=lambda request, user: {"phone_number": "+33 612345678"}
)
ENROL = "/face/enrol/"


@override_settings(FACEAUTH_REDIRECT_ALLOWLIST=["demobank://face/done"])
def back_to_an_app(person: Person) -> HttpResponse:
    """Let an app start, and return what the browser sees when it comes back."""
    pytest.importorskip("rest_framework")
    attempts = person.is_asked().replace("/face/start/", "/face/api/challenges/") + "attempts/"
    body = {"redirect_url": "demobank://face/done"}
    capture = person.browser.post(attempts, body, "application/json").json()["capture_url"]
    return person.returns(person.shows_face(capture))


def all_of_them(clock: time_machine.Coordinates, provider: Provider) -> Iterator[Situation]:
    """Yield every situation, by its name."""
    yield from on_the_way(clock)
    yield from at_the_end(clock)
    yield from without_a_start(clock, provider)
    yield from of_consent(clock)
    with OFFERING:
        yield from of_enrolment(clock)
    yield from for_others(clock)
    if apps.is_installed("allauth.mfa"):
        with override_settings(FACEAUTH_SECOND_WAYS=["passkey", "totp", "recovery_code"]):
            yield from of_second_ways(clock)


def on_the_way(clock: time_machine.Coordinates) -> Iterator[Situation]:
    """From the start page to the last look."""
    person = Person(clock)
    start = person.is_asked()
    yield "start", person.browser.get(start)
    with BY_SMS:
        yield "start with the phone", person.browser.get(start)
    for name, payee in (("start for a payment", LONG), ("start for a payee", ARABIC)):
        payment = Payment.objects.create(user=person.user, payee=payee, amount="1234567.89")
        yield name, person.browser.get(person.is_asked(f"/pay/{payment.pk}/", "post"))
    hand_over = person.presses(start)
    yield "hand-over", hand_over
    handle = start.strip("/").rpartition("/")[2]
    yield "waiting", person.browser.get(f"/face/waiting/{handle}/")
    back = person.shows_face(unescape(re.findall(r'url=([^"]+)"', hand_over.content.decode())[0]))
    person.returns(back)
    clock.shift(1)
    yield "comparing", person.browser.get(f"/face/waiting/{handle}/")
    keeper = Person(clock)
    kept = keeper.is_asked("/change/", "post", data={"email": f"{'a' * 60}@example.com"})
    last_look = keeper.proves(kept)
    yield "continue", last_look
    _action, fields = form_in(last_look)
    yield "not done", keeper.browser.post("/once/", fields)


def at_the_end(clock: time_machine.Coordinates) -> Iterator[Situation]:
    """How attempts end that opened nothing."""
    relayed = Person(clock)
    relayed.visitor = CaptureDriver(address=ELSEWHERE)
    with override_settings(FACEAUTH_NETWORK_POLICY="deny"):
        yield "another network", relayed.passes()
    yield "retry", Person(clock).passes(outcome="leave")
    yield "retry with guidance", Person(clock).passes(outcome="no_camera")
    unlucky = Person(clock)
    yield "declined", unlucky.passes(outcome="someone_else")
    contest = reverse("faceauth:contest", args=[unlucky.challenge.handle])
    yield "contested", unlucky.browser.post(contest)
    yield "refused", Person(clock).passes(outcome="refuse")
    with FALLBACK:
        yield "retry with another way", Person(clock).passes(outcome="leave")
        yield "declined with another way", Person(clock).passes(outcome="someone_else")
        yield "refused with another way", Person(clock).passes(outcome="refuse")
    slow = Person(clock)
    start = slow.is_asked()
    slow.is_handed_over(start)
    clock.shift(3600)
    yield "too late", slow.waits(slow.browser.get(start.replace("/start/", "/waiting/")))


def without_a_start(clock: time_machine.Coordinates, provider: Provider) -> Iterator[Situation]:
    """Why no attempt began."""
    yield "denied", Person(clock, None).browser.get("/statements/")
    with FALLBACK:
        yield "denied with another way", Person(clock, None).browser.get("/statements/")
    person = Person(clock)
    start = person.is_asked()
    provider.troubles.extend([lambda provider, request: provider.answer(request, 500)] * 3)
    yield "unavailable", person.presses(start)
    provider.troubles.clear()
    with override_settings(FACEAUTH_RATE_LIMITS={"unsuccessful": ["1/h"]}):
        yield "limited", person.presses(start)
    with override_settings(FACEAUTH_RATE_LIMITS={"lockout": (1, "30m")}), FALLBACK:
        locked = Person(clock)
        locked.passes(outcome="someone_else")
        yield "locked", locked.browser.get(locked.is_asked("/payout/"))
    yield "not found", person.browser.get("/face/start/invented/")


def of_consent(clock: time_machine.Coordinates) -> Iterator[Situation]:
    """What people agree to, and take back."""
    with ASKING:
        person = Person(clock)
        start = person.is_asked()
        yield "start with the box", person.browser.get(start)
        yield "start without the tick", person.presses(start)
        yield "no consent", person.browser.get("/face/consent/")
        person.browser.post(start, {"consent": "2026-11"})
        yield "consent", person.browser.get("/face/consent/")
        yield "start with consent", person.browser.get(person.is_asked("/payout/"))
        with override_settings(FACEAUTH_CONSENT_VERSION="2026-12"):
            yield "consent to older words", person.browser.get("/face/consent/")
        yield "consent withdrawn", person.browser.post("/face/consent/", follow=True)
    assert Consent.objects.exists()


def of_enrolment(clock: time_machine.Coordinates) -> Iterator[Situation]:
    """Users who are not enrolled, from the closed page to each result, and the link of the mail."""
    erin = Person(clock, None)
    yield "denied with the offer", erin.browser.get("/statements/")
    with FALLBACK:
        yield "denied with the offer and another way", erin.browser.get("/statements/")
    yield "enrol", erin.browser.get(ENROL)
    with ASKING, BY_SMS:
        yield "enrol with the box", erin.browser.get(ENROL)
        yield "enrol without the tick", erin.browser.post(ENROL)
    way_back = erin.shows_face(capture_url_in(erin.browser.post(ENROL)))
    waiting = way_back.partition("?")[0].replace("/returned/", "/waiting/")
    yield "enrol waiting", erin.browser.get(waiting)
    yield "enrol checking", erin.browser.get(way_back, follow=True)
    clock.shift(3)
    yield "enrol linked", erin.browser.get(way_back, follow=True)
    yield "denied before the face counts", erin.browser.get("/statements/")
    report = link_to_report(IdentityVerification.objects.get(user=erin.user))
    yield "enrol report", Client().get(report)
    yield "enrol reported", Client().post(report, follow=True)
    for outcome in ("leave", "someone_else", "refuse"):
        yield f"enrol {outcome}", enrols(Person(clock, None), outcome)
    with FALLBACK:
        yield "enrol conflict", enrols(Person(clock, None), is_linked_meanwhile=True)


def enrols(
    person: Person, outcome: str = "same_person", *, is_linked_meanwhile: bool = False
) -> HttpResponse:
    """Let a person enrol, and return the page with the result."""
    way_back = person.shows_face(capture_url_in(person.browser.post(ENROL)), outcome)
    if is_linked_meanwhile:
        Applicant.objects.create(user=person.user, applicant_id=f"aplt_of_staff{person.user.pk}")
    person.clock.shift(3)
    return person.browser.get(way_back, follow=True)


def of_second_ways(clock: time_machine.Coordinates) -> Iterator[Situation]:
    """A user who pays without a face."""
    from allauth.mfa.totp.internal.auth import TOTP

    from tests.soft_passkey import SoftPasskey  # is of what sites need not install

    person = Person(clock, None)
    TOTP.activate(person.user, "JBSWY3DPEHPK3PXP")
    yield "denied with a second way", person.browser.get("/statements/")
    payment = Payment.objects.create(user=person.user, payee=LONG, amount="12.50")
    denied = person.browser.post(f"/pay/{payment.pk}/")
    ways = reverse("faceauth:second-ways", args=[person.challenge.handle])
    yield "code", person.browser.get(ways, follow=True)
    yield "wrong code", person.browser.post(f"{ways}totp/", {"code": "1"})
    SoftPasskey().add_to(person.user, person.request())
    yield "ways for a payment", person.browser.get(ways)
    with FALLBACK:
        yield "ways and the fallback", person.browser.get(ways)
    yield "passkey", person.browser.get(f"{ways}passkey/")
    yield "wrong passkey", person.browser.post(f"{ways}passkey/", {"code": "{}"})
    for _try in range(12):
        locked = person.browser.post(f"{ways}totp/", {"code": "1"})
    yield "locked code", locked
    enrolled = Person(clock)
    TOTP.activate(enrolled.user, "JBSWY3DPEHPK3PXP")
    yield "start with a second way", enrolled.browser.get(enrolled.is_asked())
    assert denied.status_code == 403


def for_others(clock: time_machine.Coordinates) -> Iterator[Situation]:
    """Browsers without the session: a phone, an app, and one that opens the link of a mail."""
    yield "elsewhere", Client().get("/face/returned/invented/?again=1")
    victim = Person(clock)
    back = victim.shows_face(victim.is_handed_over(victim.is_asked("/payout/")))
    yield "elsewhere for an action", Client().get(f"{back}&again=1")
    yield "not me", Client().post(reverse("faceauth:not-me", args=[victim.challenge.handle]))
    yield "back", back_to_an_app(Person(clock))
    yield "done", Client().get("/face/done/")
    person = Person(clock)
    payment = Payment.objects.create(user=person.user, payee=LONG, amount="12.50")
    person.proves(person.is_asked(f"/pay/{payment.pk}/", "post"))
    address = link_to_report(person.challenge)
    yield "report", Client().get(address)
    yield "reported", Client().post(address, follow=True)


def link_to_report(subject: Subject) -> str:
    """Return the path in the mail about a face check or an enrolment."""
    token = signing.dumps(subject.pk, salt=SALTS[type(subject)])
    return reverse("faceauth:report", args=[token])
