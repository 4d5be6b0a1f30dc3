"""What the provider knows of a user, and we must not: looked for in every corner (V-01)."""

from __future__ import annotations

import logging
from io import StringIO

import pytest
from django.core import mail
from django.core.cache import cache
from django.core.management import call_command

from django_faceauth.admin import MODEL_ADMINS
from django_faceauth.models import FaceAttempt
from tests.admin.staff import stored
from tests.webhook_deliveries import deliver, event

pytestmark = pytest.mark.django_db

#: In pieces, lest a report that quotes this file is taken for a find.
MARK = "ca" + "nary"
CANARIES = {
    "face": f"https://faces.checkout.com/{MARK}-face.png?signature=1",
    "address": "203.0.113." + "77",
    "phone": "612345" + "678",
    "agent": f"{MARK}-agent/1.0",
    "template": f"{MARK}-template",
}
SECRETS = ("sk_sbox_" + "test", "signs-the-webhooks-of-" + "the-test-suite")


def tells_everything(data):
    """Let an answer hold all that the provider may know."""
    for one in [data, *data.get("data", [])]:
        if isinstance(one, dict) and str(one.get("id", "")).startswith(("fav_", "fatp_")):
            one |= {
                "face": {"image_signed_url": CANARIES["face"]},
                "biometric_template": CANARIES["template"],
                "phone_number": {"country_code": "+33", "number": CANARIES["phone"]},
                "applicant_session_information": {
                    "ip_address": CANARIES["address"],
                    "user_agent": CANARIES["agent"],
                },
            }


def pages(boss, row):
    """Return the HTML of every page of the desk, and what can be downloaded there."""
    told = [boss.opens(f"{model._meta.model_name}_changelist").content for model in MODEL_ADMINS]
    told += [
        boss.opens(f"faceauthentication_{page}", row.pk).content
        for page in ("change", "review", "history")
    ]
    told += [boss.opens("dashboard").content, boss.does("sync_now", row).content]
    for action in ("export_csv", "export_json"):
        told += list(boss.confirms(action, row).streaming_content)
    return b"\n".join(told).decode()


def test_nothing_of_it_is_kept_logged_or_shown(person, provider, staff, caplog, settings):
    caplog.set_level(logging.DEBUG)
    settings.FACEAUTH_NOTICES, settings.FACEAUTH_SITE_URL = True, "https://bank.example"
    provider.alterations.append(tells_everything)
    person.passes()
    row = person.authentication
    deliver(event(row, "checks_completed") | {"note": CANARIES["face"]})
    boss = staff("superuser")
    person.clock.shift(10)
    boss.confirms("sync_now", row)
    boss.finds(row, "genuine")
    exported = StringIO()
    call_command("faceauth_export", person.user.username, "--no-input", stdout=exported)

    corners = {
        "database": stored(),
        "pages": pages(boss, row),
        "log": caplog.text,
        "cache": str(vars(cache).get("_cache", "")),
        "mails": "\n".join(str(sent.message()) for sent in mail.outbox),
        "export": exported.getvalue(),
    }

    assert FaceAttempt.objects.get().network != ""  # the address was read, and is not kept
    found = [
        (corner, name)
        for corner, text in corners.items()
        for name, canary in [*CANARIES.items(), *((secret, secret) for secret in SECRETS)]
        if canary in text
    ]
    assert found == []
    assert all(corners[name] for name in ("database", "pages", "log", "export"))
