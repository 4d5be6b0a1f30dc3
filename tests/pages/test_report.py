"""Mails about face checks, and the page for "that was not me"."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from decimal import Decimal
from smtplib import SMTPRecipientsRefused

import pytest
from django import VERSION
from django.core import mail, signing
from django.core.mail.backends.base import BaseEmailBackend
from django.template.loader import render_to_string
from django.test import Client, override_settings
from django.urls import get_resolver, reverse
from django.utils import timezone
from pytest_django.asserts import assertTemplateUsed

from django_faceauth.messages import LIMITED
from django_faceauth.models import FaceAttempt, FaceChallenge, Lockout
from django_faceauth.services import limits, notifications
from django_faceauth.services.grants import exemptions
from django_faceauth.services.notifications import WarningKind
from django_faceauth.signals import challenge_revoked, locked_out
from django_faceauth.testing import exempted, face_shown
from tests.services.test_concurrency import at_once
from tests.site.fallback import CODE
from tests.site.models import Payment
from tests.user_driver import scripted

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]

GATE = "/statements/"


#: Django 6.0 wants addresses alone, 6.1 a setting of another name.
OPERATOR = "operator@bank.example" if VERSION >= (6, 0) else ("Operator", "operator@bank.example")
BROKEN_SERVER = f"{__name__}.BrokenServer"
BROKEN = (
    {"MAILERS": {"default": {"BACKEND": BROKEN_SERVER}}}
    if VERSION >= (6, 1)
    else {"EMAIL_BACKEND": BROKEN_SERVER}
)


@pytest.fixture(autouse=True)
def notices(settings):
    settings.FACEAUTH_NOTICES = True
    settings.FACEAUTH_SITE_URL = "https://bank.example"
    settings.ADMINS = [OPERATOR]


def the_mail():
    """The only mail to a user."""
    (message,) = [one for one in mail.outbox if one.to == ["alice@example.com"]]
    return message


def link_in(message):
    """The path of the address in a mail."""
    (link,) = re.findall(r"^https://bank\.example(/\S+)$", message.body, re.M)
    return link


def reports(link):
    """Open the link somewhere else, without being logged in, and press the button."""
    browser = Client(enforce_csrf_checks=True)
    browser.get(link)
    token = browser.cookies["csrftoken"].value
    return browser.post(link, {"csrfmiddlewaretoken": token}, follow=True)


# -- the mail


def test_a_face_that_opened_a_gate_is_told_by_mail(alice):
    """Where, what for, when with its zone, and how to report another person (C-05)."""
    alice.passes("/payout/")

    message = the_mail()
    assert "bank.example" in message.subject
    assert " Payout\n" in message.body
    assert re.search(r" March 1, 2026, \S+ (noon|[ap]\.m\.) \w+\n| UTC\n", message.body)
    assert reverse("faceauth:report", args=["x"]).rpartition("x")[0] in link_in(message)


def test_the_mail_says_what_was_approved(alice):
    payee = "Bob & Sons <b>\n\nDear customer"
    payment = Payment.objects.create(user=alice.user, payee=payee, amount=Decimal("12.50"))
    alice.proves(alice.is_asked(f"/pay/{payment.pk}/", "post"))

    body = the_mail().body

    assert "\nPayee: Bob & Sons <b>↵↵Dear customer\n" in body
    assert "\nAmount: 12.50\N{NO-BREAK SPACE}EUR\n" in body


def test_nothing_is_mailed_without_an_address_or_unless_the_site_wants_it(alice, person, settings):
    person.passes(GATE)
    settings.FACEAUTH_NOTICES = False
    alice.passes(GATE)

    assert mail.outbox == []


def test_another_way_is_no_face(alice, settings):
    settings.FACEAUTH_FALLBACK = "by-code"
    alice.is_asked(GATE)
    alice.browser.post(f"/by-code/?challenge={alice.challenge.handle}", {"code": CODE})

    assert alice.challenge.state == "granted"
    assert mail.outbox == []


class BrokenServer(BaseEmailBackend):
    """Refuses, and says whom."""

    def send_messages(self, messages):
        raise SMTPRecipientsRefused({to: (550, b"no") for one in messages for to in one.to})


@override_settings(**BROKEN)
def test_a_mail_server_that_is_away_changes_nothing(alice, caplog):
    """The gate opens all the same, and no address is in the log (D-12)."""
    assert alice.passes(GATE).content.startswith(b"secret")

    assert "mail not sent: SMTPRecipientsRefused" in caplog.text
    link = notifications.link_to_report(alice.challenge).removeprefix("https://bank.example")
    assertTemplateUsed(reports(link), "faceauth/reported.html")
    assert any(record.levelno == logging.CRITICAL for record in caplog.records)
    assert "example.com" not in caplog.text
    assert "operator@" not in caplog.text
    alice.is_asked(GATE)


def test_a_site_without_an_address_opens_its_gates(alice, settings, caplog):
    settings.FACEAUTH_SITE_URL = ""

    assert alice.passes(GATE).content.startswith(b"secret")
    assert "mail not sent: ConfigurationError" in caplog.text
    assert mail.outbox == []


# -- the page


@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_at_the_link_changes_nothing(alice, client, method):
    """Mail servers look at links before people do (C-05)."""
    alice.passes("/payout/")
    link = link_in(the_mail())

    shown = getattr(client, method)(link)

    assert shown.status_code == 200
    assert shown["Cache-Control"] == "no-store, private"
    if method == "get":
        page = shown.content.decode()
        assert shown.context["action"] == "Payout"
        assert "March 1, 2026" in page
        assert alice.user.username not in page
    assert Lockout.objects.count() == 0
    assert alice.browser.get("/payout/").status_code == 200


def test_the_button_closes_locks_and_tells(alice, caplog):
    """In every session, at the next request; the operator learns of it at once (C-05)."""
    alice.passes(GATE)
    elsewhere = alice.new_browser()
    asked_elsewhere = elsewhere.get("/payout/")["Location"]
    begun = alice.shows_face(alice.is_handed_over(alice.is_asked("/payout/")))
    link = link_in(the_mail())

    page = reports(link)

    assertTemplateUsed(page, "faceauth/reported.html")
    start = alice.is_asked(GATE)
    locked = alice.browser.get(start)
    assert locked.status_code == 429
    assert locked.context["wording"] == LIMITED["reported"]
    assert alice.presses(start).status_code == 429
    assert elsewhere.get(asked_elsewhere).context["word"] == "expired"
    alice.waits(alice.returns(begun))  # the thief had begun another one
    alice.is_asked("/payout/")
    row = FaceChallenge.objects.get(action="", state="revoked")
    assert row.reason == "reported"
    assert row.reported_at is not None
    assert [record.levelname for record in caplog.records if "reported:" in record.message] == [
        "CRITICAL"
    ]
    (to_operator,) = [one for one in mail.outbox if one.to == ["operator@bank.example"]]
    assert str(row.pk) in re.findall(r"\d+", to_operator.body)


def test_exemptions_end_too(alice, people):
    """All of them, of this user alone; the operator's mail says which (F-09)."""
    officer, bob = people(), people()
    face_shown(alice.browser)
    mine = [exempted(alice.user, author=officer.user, action=name) for name in ("*", "payout")]
    former = exempted(alice.user, author=officer.user)
    exemptions.revoke(former, now=timezone.now() - timedelta(minutes=1))
    his = exempted(bob.user, author=officer.user)
    assert alice.browser.get("/payout/").status_code == 200

    reports(notifications.link_to_report(FaceChallenge.objects.get(user=alice.user, method="face")))

    alice.is_asked("/payout/")
    alice.is_asked(GATE)
    assert bob.browser.get("/payout/").status_code == 200
    (to_operator,) = [one for one in mail.outbox if one.to == ["operator@bank.example"]]
    last = to_operator.body.splitlines()[-1]
    assert re.findall(r"\d+", last) == [str(row.pk) for row in mine]
    assert str(his.pk) not in re.findall(r"\d+", last)


def test_the_lock_lasts_a_day(alice, clock, provider):
    alice.passes(GATE)
    reports(link_in(the_mail()))
    (lock,) = Lockout.objects.all()
    assert (lock.reason, lock.until) == ("reported", timezone.now() + timedelta(hours=24))

    clock.shift(timedelta(hours=24) - timedelta(seconds=1))
    assert alice.presses(alice.is_asked(GATE)).status_code == 429
    clock.shift(timedelta(seconds=1))

    assert alice.passes(GATE).content.startswith(b"secret")


@pytest.mark.parametrize("path", [GATE, "/once/"])
def test_receivers_are_told_once(alice, hears, path):
    """And pressing twice, or in twenty tabs, is harmless; what was used stays used."""
    revoked, locked = hears(challenge_revoked, "reason"), hears(locked_out, "reason")
    alice.passes(path)
    link = link_in(the_mail())

    at_once(*[lambda: Client().post(link)] * 2)

    assert locked == [("reported",)]
    assert revoked == ([] if path == "/once/" else [("reported",)])
    assert alice.challenge.state == ("consumed" if path == "/once/" else "revoked")
    assert Lockout.objects.count() == 1
    assertTemplateUsed(Client().get(link), "faceauth/reported.html")


def test_a_second_press_does_not_lock_again(alice, clock):
    """A mail that was found cannot keep its user out for a week."""
    alice.passes(GATE)
    link = link_in(the_mail())
    reports(link)
    clock.shift(timedelta(days=2))

    assertTemplateUsed(Client().post(link, follow=True), "faceauth/reported.html")
    assert alice.passes(GATE).content.startswith(b"secret")


def test_the_other_way_is_closed_too(alice, settings):
    settings.FACEAUTH_FALLBACK = "by-code"
    alice.passes(GATE)
    reports(link_in(the_mail()))
    start = alice.is_asked(GATE)
    page = f"/by-code/?challenge={alice.challenge.handle}"

    assert b"by-code" not in alice.browser.get(start).content
    assert alice.browser.post(page, {"code": CODE}).status_code == 404
    Lockout.objects.update(lifted_at=timezone.now())
    assert alice.browser.post(page, {"code": CODE})["Location"] == GATE


# -- warnings: it looks as if another person had tried (C-06)


@pytest.fixture
def with_script(people):
    """A maker of users with an address, to whom one of the simulator's scenarios happens."""

    def make(code, email="alice@example.com"):
        return people(scripted(code), email=email)

    return make


def warning_subject(what):
    context = {"what": what, "site": "bank.example"}
    return render_to_string("faceauth/warning_subject.txt", context).strip()


def test_a_decline_with_a_fraud_code(with_script):
    """Without a word of why (V-12)."""
    with_script("62321").passes()

    (sent,) = mail.outbox
    assert sent.to == ["alice@example.com"]
    assert sent.subject == warning_subject(WarningKind.DECLINED)
    assert "/face/report/" not in sent.body
    assert not {"62321", "fraud", "mismatch"} & set(sent.body.lower().split())


def test_signs_of_duress_are_for_the_operator_alone(with_script, settings, caplog):
    """TH-06: another person may read the user's mails. The site is told in any case."""
    settings.FACEAUTH_NOTICES = False
    person = with_script("62403")

    person.passes()

    (sent,) = mail.outbox
    assert sent.to == ["operator@bank.example"]
    assert str(person.user.pk) in re.findall(r"\d+", sent.body)
    assert person.user.username not in sent.body
    assert "duress:" in caplog.text


def test_an_approval_from_a_new_network(alice):
    alice.passes()
    FaceAttempt.objects.update(network="0" * 32)
    alice.clock.shift(3600)
    mail.outbox.clear()

    alice.passes()

    assert warning_subject(WarningKind.NETWORK) in [sent.subject for sent in mail.outbox]


@pytest.mark.parametrize(
    ("reason", "count"),
    [
        (Lockout.Reason.DECLINED, 1),
        (Lockout.Reason.REVIEWED, 1),
        (Lockout.Reason.REPORTED, 0),  # the user asked for it
    ],
)
def test_a_lockout(alice, reason, count):
    now = timezone.now()

    limits.lock(alice.user.pk, reason=reason, until=now + timedelta(hours=1), now=now)

    subjects = [sent.subject for sent in mail.outbox]
    assert subjects == [warning_subject(WarningKind.LOCKED)] * count


@pytest.mark.parametrize(("email", "notices"), [("", True), ("alice@example.com", False)])
def test_no_warning_without_an_address_or_unless_the_site_wants_it(
    with_script, settings, email, notices
):
    settings.FACEAUTH_NOTICES = notices

    with_script("62321", email).passes()

    assert mail.outbox == []


# -- links that are none


@pytest.mark.parametrize("method", ["get", "post"])
def test_links_that_we_did_not_make(client, method):
    for token in ("x", "1", "a:b:c", "%00", "é", "x" * 3000, "MQ:1wqL5z:"):
        assert getattr(client, method)(f"/face/report/{token}/").status_code == 404, token

    assert Lockout.objects.count() == 0


def test_links_that_are_ours_no_more(alice, clock):
    """Signed for another purpose, older than a week, or about a deleted challenge."""
    alice.passes(GATE)
    link = link_in(the_mail())
    other = signing.dumps(alice.challenge.pk, salt="something else")

    assert Client().post(f"/face/report/{other}/").status_code == 404
    clock.shift(timedelta(days=7, seconds=2))
    assert Client().get(link).status_code == Client().post(link).status_code == 404
    assert Lockout.objects.count() == 0
    clock.shift(timedelta(days=-7))
    FaceChallenge.objects.all().delete()
    assert Client().get(link).status_code == 404


#: Each page that takes a POST, and why it needs no gate.
UNGATED = {
    "start": "begins a face check, and grants nothing",
    "report": "only takes away",
    "contest": "has a person look at a decline, and opens nothing (V-10)",
    "not-me": "only takes away, from the challenge alone that it names",
    "consent": "only takes away, and has to be as easy as giving it (V-03)",
    "enrol": "opens nothing for a day, and an enrolled user needs their face for it",
    "second-way": "grants for a code or a passkey of the user alone",
    "webhook": "is signed, and makes us ask the provider",
}


def urls_of_pages(person):
    """Return the URL of each page, about the newest challenge of a person, by its name."""
    names = {key for key in get_resolver("django_faceauth.urls").reverse_dict if type(key) is str}
    token = signing.dumps(person.challenge.pk, salt=notifications.SALTS[FaceChallenge])
    values = {"webhook": [], "done": [], "consent": [], "enrol": [], "report": [token]}
    values["second-way"] = [person.challenge.handle, "totp"]
    return {
        name: reverse(f"faceauth:{name}", args=values.get(name, [person.challenge.handle]))
        for name in names
    }


def test_no_page_of_ours_weakens_what_it_protects(person):
    """Nothing that changes something is a way around: each such page is known here (G-12)."""
    person.is_asked(GATE)

    posted = {name: person.browser.post(url) for name, url in urls_of_pages(person).items()}

    assert {name for name, answer in posted.items() if answer.status_code != 405} == set(UNGATED)
    assert FaceChallenge.objects.filter(state="granted").count() == 0


@pytest.mark.parametrize("has_middleware", [True, False])
def test_each_page_that_changes_something_needs_the_token_of_its_form(
    person, provider, settings, has_middleware
):
    """Another site cannot press a button, with or without Django's middleware (U-01)."""
    if not has_middleware:
        settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "csrf" not in name]
    person.is_asked(GATE)
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = person.browser.cookies
    urls = urls_of_pages(person)

    for name in UNGATED.keys() - {"webhook"}:
        assert strict.post(urls[name]).status_code == 403, name
    for name in ("contest", "not-me"):  # they have no page of their own
        assert person.browser.get(urls[name]).status_code == 405, name
    assert person.challenge.is_open
    assert Lockout.objects.count() == 0
    assert provider.calls == []
