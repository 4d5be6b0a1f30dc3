"""Passkeys, one-time codes and recovery codes in place of a face."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from decimal import Decimal

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.signals import authentication_failed, authenticator_used
from allauth.mfa.totp.internal import auth as totp
from django.core import mail
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from django_faceauth.models import FaceChallenge, Lockout
from django_faceauth.services import limits
from django_faceauth.services.grants import revocation
from tests.services.test_concurrency import at_once
from tests.site.models import Payment
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


# -- the way through


@each_kit
@each_way
def test_a_code_opens_the_gate_from_the_start_page(person, kit, way):
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
