"""`manage.py faceauth_simulate`, against a server of this machine."""

from __future__ import annotations

import json
import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from django_faceauth.exceptions import SignatureInvalid
from django_faceauth.provider import signatures, webhook_payloads
from django_faceauth.secret import Secret
from tests.provider.loopback import serving, tells
from tests.simulator.merchant import KEYS

pytestmark = pytest.mark.enable_socket


@pytest.fixture(autouse=True)
def keys(settings):
    settings.FACEAUTH_WEBHOOK_SECRET_KEYS = KEYS
    return KEYS


def simulate(server, *options):
    """Run the command; return what it printed and the event that arrived."""
    printed = StringIO()
    call_command("faceauth_simulate", "--url", server.url, *options, stdout=printed)
    return printed.getvalue(), json.loads(server.requests[-1].body)


def signer(server, *keys):
    request = server.requests[-1]
    given = request.headers["Cko-Signature"]
    return signatures.verify(request.body, given, keys=[Secret(key) for key in keys])


def test_an_event_is_sent_and_its_answer_printed():
    with serving(tells({})) as server:
        printed, event = simulate(server)

    assert printed == f"200 {event['id']}\n"
    assert signer(server, *KEYS) == 0
    assert re.fullmatch(r"fav_[a-z2-7]{26}", event["data"]["face_authentication_id"])
    assert event["type"] == "face_authentication_checks_completed"
    assert event["data"]["status"] == "approved"
    assert event["data"]["response_codes"] == [{"code": 10000, "summary": "approved"}]
    assert webhook_payloads.read(server.requests[0].body).is_ours


@pytest.mark.parametrize(
    ("status", "codes"),
    [
        ("declined", [{"code": 62321, "summary": "face_face_mismatch"}]),
        ("under_appeal", []),  # as the provider may add later
    ],
)
def test_everything_about_the_event_can_be_chosen(status, codes):
    with serving(tells({})) as server:
        printed, event = simulate(
            server,
            "--key=another",
            "--type=face_authentication_audit_completed",
            "--authentication=fav_aaaaaaaaaa",
            f"--status={status}",
            "--created-on=2026-03-01T12:00:00+01:00",
            "--event-id=evt_aaaaaaaaaa",
        )

    assert event["id"] == "evt_aaaaaaaaaa"
    assert event["type"] == "face_authentication_audit_completed"
    assert event["created_on"] == "2026-03-01T11:00:00.000000Z"
    assert event["data"]["face_authentication_id"] == "fav_aaaaaaaaaa"
    assert event["data"]["status"] == status
    assert event["data"]["response_codes"] == codes
    assert signer(server, *KEYS, "another") == 2
    assert "another" not in printed


@pytest.mark.parametrize("status", [202, 302, 401, 503])
def test_a_wrong_signature_and_any_status_but_200_are_failures(status, settings):
    printed = StringIO()
    with serving(tells({}, status, Location="/")) as server:
        settings.FACEAUTH_SIMULATOR_WEBHOOK_URL = server.url
        with pytest.raises(CommandError, match="not 200"):
            call_command("faceauth_simulate", "--wrong-signature", stdout=printed)

    assert printed.getvalue().startswith(f"{status} evt_")
    with pytest.raises(SignatureInvalid):
        signer(server, *KEYS)


def test_mistakes_are_explained_without_secrets(settings):
    with serving(tells({})) as server:
        url = f"http://user:password@127.0.0.1:{server.server_port}/"
    with pytest.raises(CommandError) as raised:
        call_command("faceauth_simulate", url=url)
    assert str(raised.value) == "no response: ConnectionError"

    with pytest.raises(CommandError, match="not a moment"):
        call_command("faceauth_simulate", "--url=http://127.0.0.1/", "--created-on=noon")
    with pytest.raises(CommandError, match="FACEAUTH_SIMULATOR_WEBHOOK_URL"):
        call_command("faceauth_simulate")
    settings.FACEAUTH_WEBHOOK_SECRET_KEYS = []
    with pytest.raises(CommandError, match="FACEAUTH_WEBHOOK_SECRET_KEYS"):
        call_command("faceauth_simulate", url="http://127.0.0.1/")
