"""A thief starts a face check, and has the victim show their face for it (TH-05, C-01 to C-06)."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path, reverse
from django.utils import timezone
from pytest_django.asserts import assertTemplateUsed

from django_faceauth.gate import face_required
from django_faceauth.messages import LIMITED, OTHER_NETWORK
from django_faceauth.models import FaceAttempt, FaceChallenge, Lockout, ReviewCase
from django_faceauth.services.grants.formatting import moment
from django_faceauth.services.notifications import link_to_report
from django_faceauth.services.privacy import erasure
from django_faceauth.signals import challenge_refused, challenge_revoked
from django_faceauth.simulator.adapter import CaptureDriver
from django_faceauth.testing import exempted, face_shown
from tests.conftest import NOON
from tests.pages.test_report import OPERATOR, link_in, the_mail
from tests.pages.test_report import reports as reports_by_mail
from tests.services.test_concurrency import at_once
from tests.site import urls as site
from tests.site.fallback import CODE

pytestmark = [
    pytest.mark.database,
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls(__name__),
]

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
#: Of the thief, of the victim's phone, and of another device at the thief's.
THIEF, VICTIM, NEIGHBOUR = "192.0.2.7", "203.0.113.9", "192.0.2.200"
GATE = "/payout/"


def view(request: HttpRequest, **_named: str) -> HttpResponse:
    return HttpResponse(f"secret {request.face.method}")


urlpatterns = [
    *(
        path(f"gates/{policy}/", face_required(action="gates", network=policy)(view))
        for policy in ("ignore", "flag", "deny")
    ),
    *site.urlpatterns,
]


@pytest.fixture(autouse=True)
def bank(settings):
    settings.FACEAUTH_SITE_URL = "https://bank.example"
    settings.ADMINS = [OPERATOR]


@pytest.fixture
def relay(alice):
    """Return a function that has alice's account relayed by a thief who is logged in as her."""

    def begin(thief=THIEF, victim=VICTIM, **headers):
        alice.browser = Client(REMOTE_ADDR=thief, HTTP_USER_AGENT=FIREFOX, **headers)
        alice.browser.force_login(alice.user)
        alice.visitor = CaptureDriver(address=victim)
        return alice

    return begin


def phone():
    return Client(REMOTE_ADDR=VICTIM)


def is_relayed(alice, gate=GATE):
    """Have the victim show their face for the thief, and return where their phone comes back to."""
    return alice.shows_face(alice.is_handed_over(alice.is_asked(gate))).partition("?")[0]


def reasons():
    return [reason for case in ReviewCase.objects.order_by("pk") for reason in case.reasons]


def disowns(alice, client=None):
    return (client or phone()).post(reverse("faceauth:not-me", args=[alice.challenge.handle]))


# -- the comparison


def test_a_relay_is_refused(relay, settings, hears):
    settings.FACEAUTH_NETWORK_POLICY, settings.FACEAUTH_NOTICES = "deny", True
    refused = hears(challenge_refused, "reason")
    alice = relay()

    page = alice.passes(GATE)

    assertTemplateUsed(page, "faceauth/result.html")
    assert page.context["wording"] == OTHER_NETWORK
    row = alice.challenge
    assert (row.state, row.reason) == ("failed", "network")
    assert (row.is_same_network, row.verified_at, row.dedup_key) == (False, None, None)
    assert refused == [("network",)]
    assert reasons() == ["relay"]
    assert "another network" in the_mail().body
    assert "/face/report/" not in the_mail().body
    assert page.context["next_url"] == GATE
    alice.visitor = CaptureDriver(address=NEIGHBOUR)
    assert alice.passes(GATE).content.startswith(b"secret")


def test_a_relay_is_flagged_by_default(relay, settings):
    settings.FACEAUTH_NOTICES = False
    alice = relay()

    assert alice.passes(GATE).content.startswith(b"secret")

    row = alice.challenge
    assert (row.state, row.is_same_network) == ("granted", False)
    assert reasons() == ["relay"]
    sent = the_mail()
    assert "another network" in sent.body
    assert "Payout" in sent.body
    reports_by_mail(link_in(sent))
    alice.is_asked(GATE)


@pytest.mark.parametrize(
    ("setting", "gate", "policy"),
    [
        ("ignore", GATE, "ignore"),
        ("deny", "/gates/ignore/", "ignore"),
        ("ignore", "/gates/flag/", "flag"),
        ("deny", "/gates/flag/", "flag"),
        ("flag", "/gates/deny/", "deny"),
    ],
)
def test_a_gate_may_have_a_policy_of_its_own(relay, settings, setting, gate, policy):
    settings.FACEAUTH_NETWORK_POLICY = setting
    alice = relay()

    page = alice.passes(gate)

    assert page.content.startswith(b"secret") == (policy != "deny")
    assert alice.challenge.is_same_network is False
    assert reasons() == ([] if policy == "ignore" else ["relay"])
    assert policy != "ignore" or mail.outbox == []


@pytest.mark.parametrize(
    ("thief", "victim", "is_same"),
    [
        (THIEF, NEIGHBOUR, True),
        (f"::ffff:{THIEF}", f"::ffff:{VICTIM}", False),
        # What is not known is another network, and not the same as another unknown one.
        ("", VICTIM, False),
        (THIEF, "", False),
        ("", "", False),
        ("unix:", "unix:", False),
    ],
)
def test_networks(relay, settings, thief, victim, is_same):
    settings.FACEAUTH_NETWORK_POLICY = "deny"
    alice = relay(thief, victim)

    page = alice.passes(GATE)

    assert page.content.startswith(b"secret") == is_same
    assert alice.challenge.is_same_network == is_same
    assert reasons() == ([] if is_same else ["relay"])


def test_the_address_is_kept_as_a_digest_alone(relay):
    alice = relay(THIEF, NEIGHBOUR)
    alice.passes(GATE)

    row = alice.challenge
    assert re.fullmatch("[0-9a-f]{32}", row.network)
    assert row.network == FaceAttempt.objects.get().network
    assert row.browser == "Firefox"
    erasure.request(alice.user, reason="request", by=None, now=timezone.now())
    assert (alice.challenge.network, alice.challenge.browser) == ("", "")


def test_a_site_that_stores_no_network_of_a_face_has_it_compared(relay, settings):
    settings.FACEAUTH_SCRUB = f"{__name__}.nothing"
    settings.FACEAUTH_NETWORK_POLICY = "deny"

    assert relay(THIEF, NEIGHBOUR).passes(GATE).content.startswith(b"secret")
    assert FaceAttempt.objects.get().network == ""


def nothing(_facts):
    return {}


def test_the_secret_key_is_rotated_between_start_and_approval(relay, settings):
    settings.FACEAUTH_NETWORK_POLICY = "deny"
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.db"
    alice = relay(THIEF, NEIGHBOUR)
    way_back = alice.shows_face(alice.is_handed_over(alice.is_asked(GATE)))

    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-key-that-is-long-enough-for-the-tests"
    alice.clock.shift(3)

    assert alice.waits(alice.returns(way_back)).content.startswith(b"secret")
    assert alice.challenge.is_same_network is True


def test_an_api_client(relay, settings):
    pytest.importorskip("rest_framework")
    settings.FACEAUTH_NETWORK_POLICY = "deny"
    alice = relay()
    refusal = alice.browser.get("/shop/secret/").json()
    started = alice.browser.post(refusal["attempts_url"], {}, "application/json").json()
    assert alice.challenge.browser == "Firefox"
    back = alice.shows_face(started["capture_url"])
    alice.clock.shift(3)

    told = alice.browser.get(refusal["status_url"]).json()

    assert (told["state"], told["next"]) == ("failed", "ask_again")
    assert told["message"] == OTHER_NETWORK.message
    # The victim's phone ends on a page of its own, from which the other one is a link away.
    page = phone().get(back)
    assertTemplateUsed(page, "faceauth/done.html")
    assert 'href="?again=1"' in page.content.decode()
    assert not page.cookies
    page = phone().get(f"{back.partition('?')[0]}?again=1")
    assertTemplateUsed(page, "faceauth/elsewhere.html")
    assert page.context["not_me_url"]


# -- which start counts


def test_a_second_press_that_gets_the_old_link_changes_nothing(relay):
    alice = relay()
    start = alice.is_asked(GATE)
    link = alice.is_handed_over(start)
    other = Client(REMOTE_ADDR=VICTIM, headers={"user-agent": "Safari/605"})
    other.cookies = alice.browser.cookies
    before = alice.challenge

    for _ in range(2):  # from memory, and asked for at the provider
        assert link in other.post(start).content.decode()
        alice.clock.shift(10)

    after = alice.challenge
    assert (after.network, after.browser) == (before.network, "Firefox")


def test_a_new_attempt_is_that_of_its_own_start(relay):
    alice = relay()
    start = alice.is_asked(GATE)
    alice.proves(start, outcome="no_camera")
    before = alice.challenge.network
    alice.browser.defaults |= {"REMOTE_ADDR": VICTIM, "HTTP_USER_AGENT": "Safari/605"}

    assert alice.proves(start).content.startswith(b"secret")

    after = alice.challenge
    assert after.network != before
    assert (after.browser, after.is_same_network) == ("Safari", True)


# -- after a refusal


def test_a_user_on_mobile_data_takes_another_way(relay, settings):
    settings.FACEAUTH_NETWORK_POLICY, settings.FACEAUTH_FALLBACK = "deny", "by-code"
    alice = relay()

    page = alice.passes(GATE)

    assert page.context["fallback"]
    way = alice.browser.post(page.context["fallback"], {"code": CODE})
    assert way["Location"] == GATE
    assert alice.browser.get(GATE).status_code == 200
    assert alice.challenge.is_same_network is False


def test_one_mail_about_one_approval(relay, settings):
    settings.FACEAUTH_NOTICES = True
    alice = relay()
    alice.visitor = CaptureDriver(address=NEIGHBOUR)
    alice.passes(GATE)
    assert "another network" not in the_mail().body
    alice.clock.shift(600)
    mail.outbox.clear()

    alice.visitor = CaptureDriver(address=VICTIM)
    alice.passes(GATE)

    assert "another network" in the_mail().body
    assert set(reasons()) == {"network", "relay"}


def test_no_mail_without_the_address_of_the_site(relay, settings, caplog):
    """There would be no link in it; the case is in the queue."""
    settings.FACEAUTH_SITE_URL = ""
    relay().passes(GATE)

    assert mail.outbox == []
    assert reasons() == ["relay"]
    assert "another network" in caplog.text
    assert THIEF not in caplog.text
    assert VICTIM not in caplog.text


@pytest.mark.parametrize(
    ("victim", "words"),
    [(NEIGHBOUR, "the same network · flag"), (VICTIM, "another network, or not known · flag")],
)
def test_staff_read_browser_policy_and_networks(relay, admin_client, victim, words):
    alice = relay(victim=victim)
    alice.passes(GATE)

    for page in (
        f"facechallenge/{alice.challenge.pk}/change/",
        f"faceauthentication/{alice.authentication.pk}/review/",
    ):
        html = admin_client.get(f"/admin/faceauth/{page}").content.decode()
        assert words in html
        assert "Firefox" in html
        assert alice.challenge.network not in html
    queue = admin_client.get("/admin/faceauth/reviewcase/?reason=relay")
    assert queue.context["cl"].result_count == len(reasons())


# -- the phone


def test_the_phone_is_told_what_for_when_and_in_which_browser(relay, owes):
    """No values, and no status (B-09)."""
    alice = relay()
    payment = owes(alice, payee="Mallory")
    back = alice.shows_face(alice.is_handed_over(alice.is_asked(f"/pay/{payment.pk}/", "post")))
    page = phone().get(f"{back}&again=1")
    alice.clock.shift(3)
    assert alice.waits(alice.returns(back)).status_code == 200  # the thief has what they want
    later = phone().get(f"{back}&again=1")

    html = page.content.decode()
    assert page.status_code == 200
    assert [(line.label, line.values) for line in page.context["lines"]] == [
        ("Purpose", ("Pay",)),
        ("Requested", (moment(NOON),)),
        ("Browser", ("Firefox",)),
    ]
    assert "Mallory" not in html
    assert "12.50" not in html
    assert alice.user.username not in html
    token = re.compile('name="csrfmiddlewaretoken" value="[^"]+"')
    assert token.sub("", html) == token.sub("", later.content.decode())


@pytest.mark.parametrize("client_of", ["phone", "logged in"])
def test_after_a_day_the_page_is_neutral(relay, client_of):
    alice = relay()
    back = is_relayed(alice)
    FaceChallenge.objects.update(started_at=F("started_at") - timezone.timedelta(days=1))
    client = phone() if client_of == "phone" else alice.new_browser()

    page = client.get(f"{back}?again=1")

    assertTemplateUsed(page, "faceauth/elsewhere.html")
    assert page.status_code == (200 if client_of == "phone" else 404)
    assert "not-me" not in page.content.decode()
    assert disowns(alice).status_code == 404
    assert Lockout.objects.count() == 0


# -- the button


def test_the_button_ends_what_was_asked_for(relay):
    alice = relay()
    back = is_relayed(alice)
    page = phone().get(f"{back}?again=1")
    action = re.search(r'action="([^"]+)"', page.content.decode())[1]

    thanks = phone().post(action)

    assertTemplateUsed(thanks, "faceauth/not_me.html")
    row = alice.challenge
    assert (row.state, row.reason, row.reported_at) == ("expired", "not_me", timezone.now())
    alice.clock.shift(3)
    assert alice.waits(alice.returns(back)).context["word"] == "expired"
    locked = alice.browser.get(alice.is_asked(GATE))
    assert (locked.status_code, locked.context["wording"]) == (429, LIMITED["reported"])
    (lock,) = Lockout.objects.all()
    assert (lock.reason, lock.until - lock.started_at) == ("reported", timezone.timedelta(days=1))
    assert reasons() == ["reported"]
    (to_operator,) = mail.outbox
    assert to_operator.to == ["operator@bank.example"]
    assert "nothing else was ended" in to_operator.body
    assert str(row.pk) in to_operator.body


@pytest.mark.parametrize(("action", "state"), [("payout", "revoked"), ("once", "consumed")])
def test_the_button_takes_a_grant_back_or_marks_what_was_used(relay, hears, action, state):
    alice = relay()
    assert alice.passes(f"/{action}/").content.startswith(b"secret")
    told = hears(challenge_revoked, "reason", "executed")

    disowns(alice)

    row = alice.challenge
    assert (row.state, row.reason, row.revoked_at) == (state, "not_me", timezone.now())
    assert told == [("not_me", (action,))]
    alice.is_asked(f"/{action}/")


def test_the_button_closes_other_ways_of_a_refused_check(relay, settings):
    settings.FACEAUTH_NETWORK_POLICY, settings.FACEAUTH_FALLBACK = "deny", "by-code"
    alice = relay()
    way = alice.passes(GATE).context["fallback"]

    disowns(alice)
    Lockout.objects.update(lifted_at=timezone.now())

    assert alice.browser.post(way, {"code": CODE}).status_code == 404
    assert alice.challenge.state == "failed"


def test_the_button_is_pressed_while_the_face_is_approved(relay):
    alice = relay()
    back = is_relayed(alice)
    alice.clock.shift(3)

    at_once(lambda: disowns(alice), lambda: alice.returns(back))

    assert alice.challenge.state in {"expired", "revoked"}
    assert alice.challenge.reason == "not_me"
    alice.is_asked(GATE)


@pytest.mark.usefixtures("signs_out")
def test_the_button_does_nothing_else(relay, people):
    """Grants, exemptions and sessions of the victim stay, and other users (TH-26)."""
    alice, officer, bob = relay(), people(), people()
    mine = alice.new_browser()
    face_shown(mine)
    exempted(alice.user, author=officer.user, action="close")
    face_shown(bob.browser)
    is_relayed(alice)

    disowns(alice)

    assert mine.get("/statements/").status_code == 200
    assert mine.post("/close/").status_code == 200
    assert bob.browser.get("/statements/").status_code == 200
    assert alice.browser.get("/home/").status_code == 200


def test_a_second_press_changes_nothing(relay):
    alice = relay()
    is_relayed(alice)
    disowns(alice)
    first = alice.challenge
    alice.clock.shift(3600)
    Lockout.objects.update(lifted_at=timezone.now())

    again = disowns(alice)

    assertTemplateUsed(again, "faceauth/not_me.html")
    assert alice.challenge.reported_at == first.reported_at
    assert Lockout.objects.count() == len(mail.outbox) == 1


def test_the_mail_can_report_more_afterwards(relay):
    """The owner of the account, whose mailbox it is, ends everything (C-05)."""
    alice = relay()
    mine = alice.new_browser()
    face_shown(mine)
    is_relayed(alice)
    disowns(alice)
    link = link_to_report(alice.challenge)
    assertTemplateUsed(Client().get(link), "faceauth/report.html")

    reports_by_mail(link)

    assert alice.challenge.reason == "reported"
    assert Lockout.objects.count() == 2
    assertTemplateUsed(Client().post(link, follow=True), "faceauth/reported.html")
    assert Lockout.objects.count() == 2
    disowns(alice)
    assert (alice.challenge.reason, Lockout.objects.count()) == ("reported", 2)
    assert mine.get("/statements/").status_code == 302


def test_handles_that_nothing_was_started_for(relay):
    alice = relay()
    alice.is_asked(GATE)

    assert disowns(alice).status_code == 404
    assert phone().post("/face/not-me/invented/").status_code == 404
    handle = alice.challenge.handle.swapcase()
    FaceChallenge.objects.update(started_at=timezone.now())
    assert phone().post(f"/face/not-me/{handle}/").status_code == 404
    assert Lockout.objects.count() == 0
