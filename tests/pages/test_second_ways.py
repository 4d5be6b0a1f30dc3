"""Passkeys, one-time codes and recovery codes in place of a face."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from decimal import Decimal
from html import unescape

import pytest
from allauth.core import context
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.signals import authentication_failed, authenticator_used
from allauth.mfa.totp.internal import auth as totp
from allauth.mfa.webauthn.internal import auth as webauthn
from django.core import mail
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from django_faceauth.models import FaceChallenge, Lockout, Verdict
from django_faceauth.services import limits
from django_faceauth.services.review import timeline, verdicts
from django_faceauth.services.second_ways.allauth_mfa import PASSKEY_KEY
from tests.services.test_concurrency import at_once
from tests.site.models import Payment
from tests.soft_passkey import FLAGS, SoftPasskey
from tests.user_driver import form_in

pytestmark = pytest.mark.database

GATE = "/statements/"
SECRET = "JBSWY3DPEHPK3PXP"
WRONG = "000001"


@pytest.fixture(autouse=True)
def offered(settings):
    settings.FACEAUTH_SECOND_WAYS = ["passkey", "totp", "recovery_code"]


class OfAllauth:
    """What a user sets up with django-allauth."""

    def totp(self, user):
        totp.TOTP.activate(user, SECRET)

    def totp_code(self, user):
        (counter,) = totp.yield_hotp_counters_from_time()
        return totp.format_hotp_value(totp.hotp_value(SECRET, counter))

    def recovery_code(self, user):
        RecoveryCodes.activate(user)

    def recovery_code_code(self, user):
        row = Authenticator.objects.get(user=user, type="recovery_codes")
        return row.wrap().get_unused_codes()[0]


class OfOtp:
    """What a user sets up with django-otp, and so with django-two-factor-auth."""

    def totp(self, user, **more):
        return TOTPDevice.objects.create(user=user, name="phone", **more)

    def totp_code(self, user):
        device = TOTPDevice.objects.filter(user=user).latest("pk")
        return f"{TOTP(device.bin_key, device.step, device.t0, device.digits).token():06}"

    def recovery_code(self, user, **more):
        device = StaticDevice.objects.create(user=user, name="backup", **more)
        device.token_set.create(token="abcd1234")
        device.token_set.create(token="efgh5678")
        return device

    def recovery_code_code(self, user):
        return StaticDevice.objects.get(user=user).token_set.earliest("pk").token


KITS = {"allauth": OfAllauth(), "otp": OfOtp()}
each_kit = pytest.mark.parametrize("kit", KITS.values(), ids=KITS)
each_way = pytest.mark.parametrize("way", ["totp", "recovery_code"])


def set_up(kit, way, person):
    getattr(kit, way)(person.user)


def code_of(kit, way, person):
    return getattr(kit, f"{way}_code")(person.user)


def page_of(person, way="totp"):
    return reverse("faceauth:second-way", args=[person.challenge.handle, way])


def choice_of(person):
    return reverse("faceauth:second-ways", args=[person.challenge.handle])


def enters(person, code, way="totp", browser=None):
    """Type a code on the page of a way for the newest challenge."""
    return (browser or person.browser).post(page_of(person, way), {"code": code})


def is_closed(person, way="totp", code=WRONG):
    """Tell whether the page leads away without looking at the code."""
    answer = enters(person, code, way)
    return answer.status_code == 302 and person.challenge.state != "granted"


@pytest.fixture
def asked(person):
    """A user with a one-time code, who is asked at a gate."""
    set_up(KITS["otp"], "totp", person)
    person.is_asked(GATE)
    return person


# -- the way through


@pytest.mark.parametrize(("kit", "way"), [("allauth", "totp"), ("otp", "recovery_code")])
def test_a_code_opens_the_gate_from_the_start_page(person, kit, way):
    kit = KITS[kit]
    set_up(kit, way, person)
    start = person.browser.get(person.is_asked(GATE)).content.decode()
    assert f'<a href="{choice_of(person)}">Use another way</a>' in start

    page = person.browser.get(choice_of(person), follow=True)  # there is but one
    assert page.redirect_chain == [(page_of(person, way), 302)]
    assert 'autocomplete="one-time-code"' in page.content.decode()
    assert ('inputmode="numeric"' in page.content.decode()) == (way == "totp")
    answer = enters(person, code_of(kit, way, person), way)

    assert answer["Location"] == GATE
    assert person.browser.get(GATE).content.startswith(b"secret")
    row = person.challenge
    assert (row.state, row.method, row.reason) == ("granted", way, "other_method")
    assert row.verified_at == row.granted_at == timezone.now()


@each_kit
def test_a_wrong_code_opens_nothing_and_the_right_one_does_then(person, clock, kit, caplog):
    set_up(kit, "totp", person)
    person.is_asked(GATE)

    answer = enters(person, WRONG)

    assert answer.status_code == 400
    assert "This code is not right" in answer.content.decode()
    assert WRONG not in answer.content.decode()
    assert WRONG not in caplog.text
    assert f"second way wrong: totp challenge={person.challenge.pk}" in caplog.text
    person.is_asked(GATE)
    clock.shift(60)
    assert enters(person, code_of(kit, "totp", person))["Location"] == GATE


@each_kit
@each_way
def test_a_code_is_good_once(person, people, kit, way):
    set_up(kit, way, person)
    person.is_asked(GATE)
    code = code_of(kit, way, person)
    enters(person, code, way)

    person.is_asked("/payout/")
    answer = enters(person, code, way)

    assert answer.status_code in {400, 429}  # django-otp throttles at once
    person.is_asked("/payout/")


def test_a_user_who_is_not_enrolled_takes_a_code(people):
    stranger = people(None)
    set_up(KITS["otp"], "totp", stranger)
    refused = stranger.browser.get(GATE)
    assert refused.status_code == 403
    assert f'href="{choice_of(stranger)}"' in refused.content.decode()

    assert enters(stranger, code_of(KITS["otp"], "totp", stranger))["Location"] == GATE

    assert stranger.browser.get(GATE).content.startswith(b"secret")


def test_a_user_without_any_way_is_told_of_none(people):
    stranger = people(None)

    refused = stranger.browser.get(GATE)

    assert refused.status_code == 403
    assert "another way, without your face" not in refused.content.decode()
    assert not FaceChallenge.objects.exists()


@each_way
def test_the_kits_stand_side_by_side(person, way):
    for kit in KITS.values():
        set_up(kit, way, person)
    for kit in KITS.values():
        person.is_asked("/once/")
        answer = enters(person, code_of(kit, way, person), way)
        assert answer.status_code == 302, kit
        assert person.browser.get("/once/").status_code == 200
    person.is_asked("/once/")
    assert person.browser.get(choice_of(person))["Location"] == page_of(person, way)


def test_all_that_a_user_has_set_up_is_offered_and_the_fallback_last(person, settings):
    set_up(KITS["otp"], "totp", person)
    set_up(KITS["allauth"], "recovery_code", person)
    settings.FACEAUTH_FALLBACK = "by-code"
    person.is_asked(GATE)

    page = person.browser.get(choice_of(person)).content.decode()

    urls = [page_of(person), page_of(person, "recovery_code"), "/by-code/?challenge="]
    places = [page.index(f'href="{url}') for url in urls]
    assert places == sorted(places)
    assert page_of(person, "passkey") not in page
    way = person.browser.get(page_of(person)).content.decode()
    assert f'href="{choice_of(person)}"' in way


# -- what is offered where


def test_a_lock_out_after_declines_closes_no_way_and_a_report_does(person, settings):
    settings.FACEAUTH_RATE_LIMITS = {"lockout": (1, "30m")}
    set_up(KITS["otp"], "totp", person)
    person.passes(GATE, "someone_else")
    limited = person.browser.get(person.is_asked("/payout/"))
    assert limited.status_code == 429
    assert f'href="{choice_of(person)}"' in limited.content.decode()
    assert person.browser.get(choice_of(person), follow=True).status_code == 200
    limits.lock(
        person.user.pk,
        reason=Lockout.Reason.REPORTED,
        until=timezone.now() + timedelta(days=1),
        now=timezone.now(),
    )

    assert is_closed(person, "totp", code_of(KITS["otp"], "totp", person))
    limited = person.browser.get(choice_of(person), follow=True)
    assert limited.status_code == 429
    assert choice_of(person) not in limited.content.decode()


# -- what opens nothing


def of_another_user(people, person):
    other = people()
    set_up(KITS["otp"], "totp", person)
    set_up(KITS["otp"], "totp", other)
    return code_of(KITS["otp"], "totp", other)


def of_an_unconfirmed_device(people, person):
    KITS["otp"].totp(person.user, confirmed=False)
    code = code_of(KITS["otp"], "totp", person)
    KITS["otp"].totp(person.user)
    return code


@pytest.mark.parametrize("code_to_try", [of_another_user, of_an_unconfirmed_device])
def test_a_code_that_is_not_of_this_user(people, person, code_to_try):
    code = code_to_try(people, person)
    person.is_asked(GATE)

    assert enters(person, code).status_code == 400
    person.is_asked(GATE)


@each_kit
def test_a_recovery_code_in_the_wrong_place_opens_nothing_and_is_not_burnt(person, kit):
    set_up(kit, "totp", person)
    set_up(kit, "recovery_code", person)
    code = code_of(kit, "recovery_code", person)
    person.is_asked(GATE)
    assert enters(person, code, "totp").status_code == 400

    assert enters(person, code, "recovery_code")["Location"] == GATE


def test_an_unconfirmed_device_alone_offers_nothing(person):
    KITS["otp"].totp(person.user, confirmed=False)
    KITS["otp"].recovery_code(person.user, confirmed=False)

    start = person.browser.get(person.is_asked(GATE)).content.decode()

    assert "Use another way" not in start
    assert is_closed(person, "totp", code_of(KITS["otp"], "totp", person))


@each_kit
def test_recovery_codes_that_are_used_up_are_not_offered(person, kit, settings):
    settings.MFA_RECOVERY_CODE_COUNT = 2
    set_up(kit, "recovery_code", person)
    for _number in range(2):
        person.is_asked("/once/")
        enters(person, code_of(kit, "recovery_code", person), "recovery_code")
        person.browser.get("/once/")

    start = person.browser.get(person.is_asked(GATE)).content.decode()

    assert "Use another way" not in start


@each_kit
@pytest.mark.parametrize("code", ["", "12345\0", "9" * 10_000, "\ud800", "ⅷⅷⅷⅷⅷⅷ"])
def test_an_odd_code_is_wrong(person, kit, code):
    set_up(kit, "totp", person)
    set_up(kit, "recovery_code", person)
    person.is_asked(GATE)

    for way in ("totp", "recovery_code"):
        body = f"code={code}".encode("utf-8", "surrogatepass")
        kind = "application/x-www-form-urlencoded"
        assert person.browser.post(page_of(person, way), body, kind).status_code == 400
    person.is_asked(GATE)


@each_kit
def test_a_code_as_people_type_it(person, kit):
    set_up(kit, "totp", person)
    person.is_asked(GATE)
    code = code_of(kit, "totp", person)
    arabic = code.translate({ord("0") + number: 0x660 + number for number in range(10)})

    assert enters(person, f" {arabic[:3]} {arabic[3:]}\n")["Location"] == GATE


def test_an_invented_way(asked):
    for way in ("face", "exemption", "letter", "passkey", "TOTP"):
        assert is_closed(asked, way, code_of(KITS["otp"], "totp", asked)), way


@each_kit
def test_too_many_wrong_codes_lock_the_way_and_time_unlocks_it(person, clock, kit):
    set_up(kit, "totp", person)
    person.is_asked(GATE)
    answers = [enters(person, WRONG).status_code for _try in range(12)]
    assert answers[0] == 400
    assert answers[-1] == 429

    locked = enters(person, code_of(kit, "totp", person))

    assert locked.status_code == 429
    assert "Too many attempts" in locked.content.decode()
    person.is_asked(GATE)
    clock.shift(600)
    assert enters(person, code_of(kit, "totp", person))["Location"] == GATE


def test_a_right_code_lets_the_wrong_ones_before_it_be_forgotten(person, clock):
    set_up(KITS["allauth"], "totp", person)
    for _time in range(3):
        clock.shift(60)
        person.is_asked("/once/")
        assert [enters(person, WRONG).status_code for _try in range(3)] == [400] * 3
        assert enters(person, code_of(KITS["allauth"], "totp", person)).status_code == 302
        person.browser.get("/once/")


def test_a_second_phone_does_not_lock_the_first(person, clock):
    first, second = (KITS["otp"].totp(person.user) for _device in range(2))
    for _time in range(4):
        clock.shift(60)
        person.is_asked("/once/")
        assert enters(person, code_of(KITS["otp"], "totp", person)).status_code == 302
        person.browser.get("/once/")
    first.refresh_from_db()
    second.refresh_from_db()

    assert (first.throttling_failure_count, second.throttling_failure_count) == (0, 0)
    assert (first.last_t, second.last_t > 0) == (-1, True)


def test_a_setting_or_a_gate_that_accepts_some_ways(person, settings):
    set_up(KITS["otp"], "totp", person)
    set_up(KITS["otp"], "recovery_code", person)
    start = person.is_asked(GATE)
    every = settings.FACEAUTH_SECOND_WAYS
    for ways, accept, leads_to in (
        (["recovery_code"], None, page_of(person, "recovery_code")),
        (every, ["face", "recovery_code"], page_of(person, "recovery_code")),
        (every, ["face"], start),
    ):
        settings.FACEAUTH_SECOND_WAYS = ways
        FaceChallenge.objects.update(accept=accept)
        assert person.browser.get(choice_of(person))["Location"] == leads_to
        assert is_closed(person, "totp", code_of(KITS["otp"], "totp", person))
    assert "Use another way" not in person.browser.get(start).content.decode()
    settings.FACEAUTH_FALLBACK = "by-code"
    FaceChallenge.objects.update(accept=["code", "face"])
    assert person.browser.get(choice_of(person))["Location"].startswith("/by-code/")


def test_staff_who_act_as_the_user(asked):
    asked.marks(hijack_history=["1"])

    assert is_closed(asked, "totp", code_of(KITS["otp"], "totp", asked))


# -- what it is good for


def test_a_payment_is_shown_and_approved_once_and_as_it_was_shown(person, owes, clock):
    set_up(KITS["otp"], "totp", person)
    payment = owes(person)
    pay = f"/pay/{payment.pk}/"
    for changed in (False, True):
        person.is_asked(pay, "post")
        page = person.browser.get(page_of(person)).content.decode()
        assert "<bdi>Anna</bdi>" in page
        assert "12.50\N{NO-BREAK SPACE}EUR" in page
        enters(person, code_of(KITS["otp"], "totp", person))
        if changed:
            Payment.objects.update(amount=Decimal(9999))
            person.is_asked(pay, "post")
            Payment.objects.update(amount=Decimal("12.50"))
        assert person.browser.post(pay).content == b"paid totp"
        clock.shift(60)
    person.is_asked(pay, "post")


def test_kept_fields_come_back_on_the_continue_page(person):
    set_up(KITS["otp"], "totp", person)
    person.is_asked("/change/", "post", data={"email": "a@example.com"})

    page = person.browser.get(enters(person, code_of(KITS["otp"], "totp", person))["Location"])

    assert form_in(page)[1]["email"] == "a@example.com"
    assert "Your face was recognised" not in page.content.decode()
    assert person.confirms(page).content == b"changed a@example.com []"


@pytest.mark.django_db(transaction=True)
@each_kit
@each_way
def test_many_times_the_same_code_at_once_is_one_approval(person, kit, way):
    set_up(kit, way, person)
    code = code_of(kit, way, person)
    person.is_asked("/payout/")
    first = page_of(person, way)
    person.is_asked(GATE)
    second = page_of(person, way)

    answers = at_once(
        *[lambda url=url: person.browser.post(url, {"code": code}) for url in (first, second)]
    )

    assert sorted(answer.status_code for answer in answers)[0] == 302
    assert FaceChallenge.objects.filter(state="granted").count() == 1


# -- who is told


@pytest.fixture
def notices(settings):
    settings.FACEAUTH_NOTICES = True
    settings.FACEAUTH_SITE_URL = "https://bank.example"


@pytest.mark.django_db(transaction=True)
def test_the_user_is_mailed_and_can_report_it(alice, notices):
    set_up(KITS["otp"], "totp", alice)
    alice.is_asked(GATE)
    enters(alice, code_of(KITS["otp"], "totp", alice))
    (message,) = mail.outbox
    assert "your face" not in message.body
    assert "Code from your authenticator app" in message.body
    link = message.body.partition("https://bank.example")[2].split()[0]
    assert alice.browser.get(GATE).status_code == 200

    alice.new_browser().post(link)

    assert alice.challenge.state == "revoked"
    refused = alice.browser.get(GATE, follow=True)
    assert refused.status_code == 429
    assert is_closed(alice, "totp", code_of(KITS["otp"], "totp", alice))


def test_the_signals_of_allauth_are_sent(person):
    set_up(KITS["allauth"], "totp", person)
    told = []

    def used(user, authenticator, reauthenticated, **_more):
        told.append((user.pk, authenticator.type, reauthenticated))

    def failed(user, authenticator, reauthentication, **_more):
        told.append((user.pk, "failed", reauthentication))

    authenticator_used.connect(used)
    authentication_failed.connect(failed)
    person.is_asked(GATE)

    enters(person, WRONG)
    enters(person, code_of(KITS["allauth"], "totp", person))

    assert told == [(person.user.pk, "failed", True), (person.user.pk, "totp", True)]
    assert Authenticator.objects.get().last_used_at == timezone.now()


# -- passkeys


@pytest.fixture
def passkey(person):
    """A passkey that the person has registered at this site."""
    return registered(person)


def registered(person):
    key = SoftPasskey()
    key.add_to(person.user, person.request())
    return key


def options_in(page):
    """Return what a page of ours gives to `navigator.credentials.get`."""
    found = re.search(r'data-faceauth-passkey="([^"]*)"', page.content.decode())
    assert found, page.content.decode()
    return json.loads(unescape(found[1]))


def begins(person):
    """Open the page of the newest challenge, and return the options on it."""
    return options_in(person.browser.get(page_of(person, "passkey")))


def test_a_passkey_pays_what_is_on_the_page(person, passkey, owes):
    payment = owes(person)
    person.is_asked(f"/pay/{payment.pk}/", "post")
    page = person.browser.get(page_of(person, "passkey"))
    assert "<bdi>Anna</bdi>" in page.content.decode()

    answer = enters(person, passkey.signs(options_in(page)), "passkey")

    assert answer.status_code == 302
    assert person.browser.post(f"/pay/{payment.pk}/").content == b"paid passkey"
    assert Authenticator.objects.get().last_used_at == timezone.now()
    person.is_asked(f"/pay/{payment.pk}/", "post")


def test_an_assertion_is_good_once(person, passkey):
    person.is_asked("/once/")
    assertion = passkey.signs(begins(person))
    enters(person, assertion, "passkey")
    assert PASSKEY_KEY not in person.browser.session
    person.browser.get("/once/")
    person.is_asked("/once/")

    assert enters(person, assertion, "passkey").status_code == 400
    assert enters(person, passkey.signs(begins(person)), "passkey").status_code == 302


def test_an_assertion_for_another_challenge(person, passkey):
    """What was signed for one page does not approve another (T-2.6)."""
    person.is_asked(GATE)
    for_statements = begins(person)
    person.is_asked("/payout/")

    assert enters(person, passkey.signs(for_statements), "passkey").status_code == 400
    person.is_asked("/payout/")


def test_an_assertion_that_the_login_of_allauth_asked_for(person, passkey):
    request = person.request()
    with context.request_context(request):
        foreign = webauthn.begin_authentication(person.user)
    request.session.save()
    person.is_asked(GATE)

    assert enters(person, passkey.signs(foreign["publicKey"]), "passkey").status_code == 400
    begins(person)
    assert webauthn.STATE_SESSION_KEY not in person.browser.session


def test_a_passkey_of_another_user(people, person, passkey):
    other = registered(people())
    other.id = passkey.id
    person.is_asked(GATE)

    assert enters(person, other.signs(begins(person)), "passkey").status_code == 400
    person.is_asked(GATE)


def test_a_passkey_without_the_check_of_its_user(person, passkey, settings):
    """The setting of django-allauth decides whether a PIN or a finger is needed."""
    settings.MFA_WEBAUTHN_USER_VERIFICATION = "required"
    person.is_asked(GATE)

    assert (
        enters(person, passkey.signs(begins(person), flags=FLAGS.UP), "passkey").status_code == 400
    )
    assert enters(person, passkey.signs(begins(person)), "passkey").status_code == 302


@pytest.mark.parametrize(
    "sent",
    ["", "[]", '{"id": 1}', "{" * 9_000, "x" * 30_000, "\0", '{"response": {}}'],
)
def test_an_odd_assertion_is_wrong(person, passkey, sent):
    person.is_asked(GATE)
    begins(person)

    answer = enters(person, sent, "passkey")

    assert answer.status_code == 400
    assert "The passkey could not be checked" in answer.content.decode()
    assert options_in(answer)  # for another try


@given(
    part=st.sampled_from(["authenticatorData", "clientDataJSON", "signature"]),
    damage=st.none() | st.integers() | st.text(max_size=40) | st.lists(st.text()),
)
@hypothesis_settings(
    max_examples=hypothesis_settings().max_examples // 5,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@example(part="authenticatorData", damage=2**40)  # must not become as many bytes
@example(part="signature", damage=2**40)
def test_a_damaged_assertion_is_wrong(person, passkey, part, damage):
    cache.clear()
    person.is_asked(GATE)
    sent = json.loads(passkey.signs(begins(person)))
    sent["response"][part] = damage

    assert enters(person, json.dumps(sent), "passkey").status_code == 400


def test_a_site_without_passkeys_offers_none(person, passkey, settings):
    settings.MFA_SUPPORTED_TYPES = ["totp"]
    start = person.is_asked(GATE)

    assert "Use another way" not in person.browser.get(start).content.decode()
    assert person.browser.get(page_of(person, "passkey"))["Location"] == start


# -- staff


def test_a_verdict_after_it_takes_the_grant_back(person, django_user_model):
    """A grant by a way after a decline is one of that authentication."""
    set_up(KITS["otp"], "totp", person)
    declined = person.passes(GATE, "someone_else").content.decode()
    assert f'href="{choice_of(person)}"' in declined
    enters(person, code_of(KITS["otp"], "totp", person))
    reviewer = django_user_model.objects.create_superuser("reviewer")

    verdicts.record(
        person.authentication,
        finding=Verdict.Finding.FRAUD,
        note="seen",
        reviewer=reviewer,
        now=timezone.now(),
    )

    person.is_asked(GATE)


def test_staff_see_in_which_way_access_was_granted(person, admin_client):
    set_up(KITS["otp"], "totp", person)
    person.passes(GATE, "leave")
    enters(person, code_of(KITS["otp"], "totp", person))
    person.is_asked("/payout/")
    events = {str(event.what): event.detail for event in timeline.of(person.authentication)}
    assert events["Access granted"] == "totp"

    url = reverse("admin:faceauth_facechallenge_changelist")
    counts = {
        value: admin_client.get(url, {"method": value}).context["cl"].result_count
        for value in ("face", "totp", "passkey", "-", "invented")
    }

    assert counts == {"face": 1, "totp": 1, "passkey": 0, "-": 0, "invented": 0}
    FaceChallenge.objects.filter(method="totp").update(method="letter")
    assert admin_client.get(url, {"method": "-"}).context["cl"].result_count == 1
