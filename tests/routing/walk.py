"""A site with routers, from its first migration on: `python -m tests.routing.walk`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import django
import time_machine

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import DEFAULT_DB_ALIAS, connections  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import override_settings, setup_test_environment  # noqa: E402
from django.urls import path  # noqa: E402
from django.utils import timezone  # noqa: E402
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken  # noqa: E402
from rest_framework_simplejwt.tokens import RefreshToken  # noqa: E402

from django_faceauth.gate import face_required, recorded_face  # noqa: E402
from django_faceauth.models import (  # noqa: E402
    AuditEntry,
    FaceAuthentication,
    FaceChallenge,
    Lockout,
    WebhookEvent,
    database,
)
from django_faceauth.provider import factory  # noqa: E402
from django_faceauth.services import limits  # noqa: E402
from django_faceauth.services.enrolment import applicants  # noqa: E402
from django_faceauth.services.grants import exemptions, revocation  # noqa: E402
from django_faceauth.services.review import user_reports  # noqa: E402
from django_faceauth.sign_out import sign_out  # noqa: E402
from django_faceauth.testing import exempted, face_shown  # noqa: E402
from tests.addresses import served  # noqa: E402
from tests.provider_double import Provider  # noqa: E402
from tests.site.models import Payment  # noqa: E402
from tests.user_driver import Person  # noqa: E402
from tests.webhook_deliveries import deliver, event  # noqa: E402


def main() -> None:
    setup_test_environment()
    for name, facts in settings.DATABASES.items():
        if facts["ENGINE"] != "django.db.backends.dummy":
            call_command("migrate", database=name, verbosity=0)
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    with factory.answered_by(Provider()), time_machine.travel(noon, tick=False) as clock:
        walk(Person(clock))
        pay(Person(clock))
        ask_when_it_matters(Person(clock))
        notify(Person(clock))
        end(Person(clock))
        limit(Person(clock))
        log_out(Person(clock))
        administrate(Person(clock))
    print("walked")  # noqa: T201 - read by test_routing


def walk(person: Person) -> None:
    page = person.passes("/statements/")
    assert page.content.startswith(b"secret"), page.content
    assert person.browser.get("/statements/").status_code == 200
    again = person.passes("/payout/", "no_camera")
    assert again.context["word"] == "retry", again.context
    challenge = person.challenge
    challenge.refresh_from_db()
    assert challenge.authentication.status_changes.exists()
    assert challenge.authentication.attempts.count() == 1
    assert challenge.authentication.challenge == challenge
    first = FaceChallenge.objects.filter(user=person.user).earliest("pk")
    assert recorded_face(person.user, first.handle)


def pay(person: Person) -> None:
    payment = Payment.objects.create(user=person.user, payee="Anna", amount=Decimal("12.50"))
    url = f"/pay/{payment.pk}/"
    person.proves(person.is_asked(url, "post"))
    person.browser.raise_request_exception = False
    failed = person.browser.post(f"{url}?late=1")
    assert failed.status_code == 500, failed.status_code
    assert person.challenge.state == "granted", person.challenge.state
    assert person.browser.post(url).status_code == 200
    payment.refresh_from_db()
    assert (payment.paid, person.challenge.state) == (1, "consumed")


def ask_when_it_matters(person: Person) -> None:
    """An error of `when` leaves the transactions of both databases as they were."""
    names = {DEFAULT_DB_ALIAS, database.alias()}
    used = [name for name in names if connections[name].vendor != "unknown"]

    def in_each(statement: str) -> None:
        for name in used:
            with connections[name].cursor() as cursor:
                cursor.execute(statement)

    def fails(_request: HttpRequest) -> bool:
        in_each("INSERT INTO noted VALUES (1)")
        return bool(User.objects.create(username=person.user.username))

    def view(_request: HttpRequest) -> HttpResponse:
        in_each("INSERT INTO noted VALUES (2)")
        return HttpResponse(FaceChallenge.objects.count())

    in_each("CREATE TABLE noted (number integer)")
    with served(path("once/", face_required(action="once", single_use=True, when=fails)(view))):
        person.is_asked("/once/")
        face_shown(person.browser, action="once")
        assert person.browser.get("/once/").status_code == 200
    for name in used:
        with connections[name].cursor() as cursor:
            cursor.execute("SELECT number FROM noted")
            assert list(cursor.fetchall()) == [(2,)], name


def notify(person: Person) -> None:
    person.shows_face(person.is_handed_over(person.is_asked()))
    person.clock.shift(5)
    answer = deliver(event(person.authentication))
    assert answer.status_code == 200, answer.content
    assert deliver(event(person.authentication)).status_code == 200
    call_command("faceauth_sync")
    assert WebhookEvent.objects.filter(state="processed").exists()
    assert FaceChallenge.objects.get(pk=person.challenge.pk).state == "granted"
    assert user_reports.report(person.challenge, now=timezone.now())
    assert person.presses(person.is_asked()).status_code == 429


def end(person: Person) -> None:
    now = timezone.now()
    exemption = exempted(person.user)
    assert person.browser.get("/statements/").status_code == 200
    exemptions.revoke(exemption, now=now)
    person.is_asked()
    for ends in (
        lambda user: applicants.link(user, "aplt_another_user", check=False),
        lambda user: revocation.end_all(user.pk, reason="staff", now=now),
    ):
        face_shown(person.browser)
        assert person.browser.get("/statements/").status_code == 200
        ends(person.user)
        person.is_asked()


def limit(person: Person) -> None:
    now = timezone.now()
    until = now + timedelta(hours=1)
    limits.lock(person.user.pk, reason=Lockout.Reason.REPORTED, until=until, now=now)
    start = person.is_asked()
    assert person.presses(start).status_code == 429
    Lockout.objects.filter(user_id=person.user.pk).update(lifted_at=now)
    assert person.presses(start).status_code == 200
    with override_settings(FACEAUTH_RATE_LIMITS={"unsuccessful_session": ["1/h"]}):
        person.browser = person.new_browser()
        person.passes("/statements/", "someone_else")
        assert person.presses(person.is_asked("/payout/")).status_code == 429


def log_out(person: Person) -> None:
    """A replica may not have received the session that a thief has just begun."""
    refresh = RefreshToken.for_user(person.user)
    assert person.browser.get("/home/").status_code == 200
    has_replica = "replica" in settings.DATABASES
    routers = ["tests.routing.routers.AllLate"] if has_replica else settings.DATABASE_ROUTERS
    with override_settings(DATABASE_ROUTERS=routers):
        assert sign_out(person.user) == ()
    assert person.browser.get("/home/").status_code == 302
    assert BlacklistedToken.objects.get().token.jti == refresh["jti"]


def administrate(person: Person) -> None:
    boss = User.objects.create_superuser("boss", password="pass word")
    desk = Client()
    desk.force_login(boss)
    for name in ("facechallenge", "faceauthentication", "webhookevent", "lockout", "reviewcase"):
        page = desk.get(f"/admin/faceauth/{name}/")
        assert page.status_code == 200, (name, page.status_code)
    row = FaceAuthentication.objects.latest("pk")
    assert desk.get(f"/admin/faceauth/faceauthentication/{row.pk}/change/").status_code == 200
    for command in ("check", "faceauth_purge"):
        call_command(command)
    call_command("faceauth_erase", str(row.user_id), no_input=True)
    assert AuditEntry.objects.exists()
    person.user.delete()


if __name__ == "__main__":
    main()
