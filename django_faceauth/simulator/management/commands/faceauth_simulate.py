"""Send one webhook to a site, as the provider would."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any, Final

import requests
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from django_faceauth.conf import conf
from django_faceauth.management.arguments import moment
from django_faceauth.provider.webhook_payloads import FAMILY
from django_faceauth.secret import Secret
from django_faceauth.simulator import courier, machine, wire
from django_faceauth.simulator.events import Event
from django_faceauth.simulator.ids import new_id
from django_faceauth.simulator.outcomes import APPROVED, CHOICES, CLOSED

#: The code that goes with a status, where there is one.
CODES: Final = {one.authentication: one.code for one in (*CHOICES.values(), CLOSED)}


class Command(BaseCommand):
    """Posts the event, prints the HTTP status that came back, and fails unless it is 200."""

    help = (
        "Send one signed webhook to a site, as the provider would, print the HTTP status of "
        "the answer and the event's id, and fail unless the status is 200. The site believes "
        "no webhook: it asks its provider about the face authentication."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say what can be chosen about the event."""
        add = parser.add_argument
        add("--url", help="where to; default: FACEAUTH_SIMULATOR_WEBHOOK_URL")
        add(
            "--type",
            default=f"{FAMILY}checks_completed",
            help="what happened; default: %(default)s",
        )
        add("--authentication", metavar="FAV", help="the face authentication; default: a new id")
        add("--status", default=APPROVED.authentication.value, help="default: %(default)s")
        add("--created-on", type=moment, help="ISO 8601, or 6h ago as 6h; default: now")
        add("--event-id", metavar="EVT", help="default: a new id; give one twice for a duplicate")
        add(
            "--key", help="the key to sign with; default: the first of FACEAUTH_WEBHOOK_SECRET_KEYS"
        )
        add("--wrong-signature", action="store_true", help="sign with a key that no site has")

    def handle(self, **options: Any) -> None:
        """Send the event."""
        url = options["url"] or conf.SIMULATOR_WEBHOOK_URL
        if not url:
            raise CommandError("Say where to with --url, or set FACEAUTH_SIMULATOR_WEBHOOK_URL.")
        document = _document(options)
        body = json.dumps(document).encode()
        try:
            status = courier.over_http(url, body, courier.headers_of(body, _key(options)))
        except requests.RequestException as error:
            # What the error says may hold the address, and with it a password.
            raise CommandError(f"no answer: {type(error).__name__}") from None
        self.stdout.write(f"{status} {document['id']}")
        if status != 200:
            raise CommandError("the answer was not 200")


def _key(options: dict[str, Any]) -> Secret | None:
    if options["wrong_signature"]:
        return courier.NOBODYS_KEY
    key = Secret(options["key"]) if options["key"] else courier.first_key()
    if key is None:
        raise CommandError("Give a key with --key, or set FACEAUTH_WEBHOOK_SECRET_KEYS.")
    return key


def _document(options: dict[str, Any]) -> wire.Json:
    case = machine.create(
        options["authentication"] or new_id("fav"),
        applicant_id=new_id("aplt"),
        user_journey_id=conf.USER_JOURNEY_ID or new_id("usj"),
        now=options["created_on"] or timezone.now(),
    )
    event_id = options["event_id"] or new_id("evt")
    document = wire.event(event_id, Event(options["type"], case), conf.BASE_URL)
    status = options["status"]
    # As text: a status that the provider adds tomorrow can be sent today.
    document["data"] |= {
        "status": status,
        "response_codes": wire.response_codes(CODES.get(status)),
    }
    return document
