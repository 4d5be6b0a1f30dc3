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
from django_faceauth.simulator import representations, state_machine, webhook_sender
from django_faceauth.simulator.scenarios import APPROVED, CHOICES, CLOSED
from django_faceauth.simulator.state_machine import new_id

#: The response code of a status that has one.
CODES: Final = {outcome.authentication: outcome.code for outcome in (*CHOICES.values(), CLOSED)}


class Command(BaseCommand):
    """Posts the event, prints the HTTP status of the response, and fails unless it is 200."""

    help = (
        "Send one signed webhook to a site, as the provider would, print the HTTP status of "
        "the response and the event's id, and fail unless the status is 200. The site never "
        "trusts a webhook: it asks its provider about the face authentication."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("--url", help="URL to send to; default: FACEAUTH_SIMULATOR_WEBHOOK_URL")
        add("--type", default=f"{FAMILY}checks_completed", help="event type; default: %(default)s")
        add("--authentication", metavar="FAV", help="the face authentication; default: a new id")
        add("--status", default=APPROVED.authentication.value, help="default: %(default)s")
        add("--created-on", type=moment, help="ISO 8601, or 6h ago as 6h; default: now")
        add("--event-id", metavar="EVT", help="default: a new id; give one twice for a duplicate")
        add(
            "--key", help="the key to sign with; default: the first of FACEAUTH_WEBHOOK_SECRET_KEYS"
        )
        add("--wrong-signature", action="store_true", help="sign with a wrong key")

    def handle(self, **options: Any) -> None:
        url = options["url"] or conf.SIMULATOR_WEBHOOK_URL
        if not url:
            raise CommandError("Give a URL with --url, or set FACEAUTH_SIMULATOR_WEBHOOK_URL.")
        key = Secret(options["key"]) if options["key"] else webhook_sender.first_key()
        if options["wrong_signature"]:
            key = webhook_sender.WRONG_KEY
        if key is None:
            raise CommandError("Give a key with --key, or set FACEAUTH_WEBHOOK_SECRET_KEYS.")
        case = state_machine.create(
            options["authentication"] or new_id("fav"),
            applicant_id=new_id("aplt"),
            user_journey_id=conf.USER_JOURNEY_ID or new_id("usj"),
            now=options["created_on"] or timezone.now(),
            # As text: a status that the provider adds later can be sent today.
            status=options["status"],
            code=CODES.get(options["status"]),
        )
        event_id = options["event_id"] or new_id("evt")
        event = representations.event(event_id, options["type"], case, conf.BASE_URL)
        body = json.dumps(event).encode()
        try:
            headers = webhook_sender.headers_of(body, key)
            answer = webhook_sender.over_http(url, body, headers)
        except requests.RequestException as error:
            # The text of the error may hold the URL, and with it a password.
            raise CommandError(f"no response: {type(error).__name__}") from None
        self.stdout.write(f"{answer} {event_id}")
        if answer != 200:
            raise CommandError("the response was not 200")
