"""Takes events to the merchant, with the provider's signature and the provider's patience.

Nothing here is a thread: `deliver_due` does what is due and returns. Any number of
processes may do so at once; a delivery is claimed before it is sent, and a claim that
nobody came back from runs out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

import requests
from django.db.models import Min, QuerySet
from django.utils import timezone

from django_faceauth.conf import conf
from django_faceauth.provider import signatures
from django_faceauth.secret import Secret
from django_faceauth.simulator import faults, outbox, store
from django_faceauth.simulator.models import Delivery, DeliveryState, StoredCase

#: Posts a body with headers to an address, and returns the HTTP status that came back.
Send = Callable[[str, bytes, Mapping[str, str]], int]

# Source: the provider's "webhooks" reference, for all three.
WAITS: Final = tuple(timedelta(minutes=n) for n in (5, 10, 15, 30, 60, 240, 720, 720))
PATIENCE_SECONDS: Final = 10
ACCEPTED: Final = re.compile(r"2\d\d")

#: Longer than any sending takes, also of the most copies.
LEASE: Final = timedelta(minutes=3)
NOBODYS_KEY: Final = Secret("no site has this key")
UNDER_WAY: Final = (DeliveryState.PENDING, DeliveryState.SENDING)


def over_http(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """Post over the network; raises a `requests.RequestException`."""
    with requests.Session() as session:
        session.trust_env = False  # a netrc file would replace the Authorization header
        with session.post(
            url,
            data=body,
            headers=headers,
            timeout=PATIENCE_SECONDS,
            allow_redirects=False,
            stream=True,
        ) as response:
            return response.status_code


def deliver_due(now: datetime, send: Send = over_http) -> int:
    """Do all that is due, as time alone makes it so; returns how many deliveries were sent."""
    if not outbox.is_open():
        return 0
    store.advance_due(now)
    return sum(deliver(delivery, send) for delivery in list(_due(now)))


def deliver(delivery: Delivery, send: Send = over_http) -> bool:
    """Send a delivery now, due or not, and write down how it went, in `delivery` too.

    Returns False, and sends nothing, if it has changed since it was read.
    """
    found = faults.webhooks()
    body = delivery.body.encode()
    headers = headers_of(body, NOBODYS_KEY if found.wrong_signature else first_key())
    if not _is_claimed(delivery):
        return False
    answers = [_answer(send, body, headers) for _ in range(found.copies)]
    _write_down(delivery, answers[-1], minute=timedelta(seconds=found.minute))
    return True


def headers_of(body: bytes, key: Secret | None) -> dict[str, str]:
    """Return the headers of a webhook; without a key it is not signed."""
    headers = {"Content-Type": "application/json"}
    if key:
        headers[signatures.HEADER] = signatures.sign(body, key)
    if conf.WEBHOOK_AUTHORIZATION_KEY:
        headers["Authorization"] = conf.WEBHOOK_AUTHORIZATION_KEY.reveal()
    return headers


def first_key() -> Secret | None:
    """Return the key that signs, if the site has one."""
    return next(iter(conf.WEBHOOK_SECRET_KEYS), None)


def due_on() -> datetime | None:
    """Return when there will be something to do, if ever."""
    if not outbox.is_open():
        return None
    under_way = Delivery.objects.filter(state__in=UNDER_WAY)
    moments = (
        under_way.aggregate(on=Min("next_try"))["on"],
        StoredCase.objects.aggregate(on=Min("due_on"))["on"],
    )
    return min(filter(None, moments), default=None)


def retry_on(tries: int, failed_on: datetime, *, minute: timedelta) -> datetime | None:
    """Return when to try again after so many tries, or None to give up."""
    if tries > len(WAITS):
        return None
    return failed_on + WAITS[tries - 1] / timedelta(minutes=1) * minute


def _due(now: datetime) -> QuerySet[Delivery]:
    under_way = Delivery.objects.filter(state__in=UNDER_WAY)
    due = under_way.filter(next_try__lte=now)
    if not faults.webhooks().reorder:
        return due.order_by("next_try", "id")
    # New ones wait until no more are coming, and then go newest first.
    if under_way.filter(tries=0, next_try__gt=now).exists():
        due = due.exclude(tries=0)
    return due.order_by("-id")


def _is_claimed(delivery: Delivery) -> bool:
    seen = Delivery.objects.filter(pk=delivery.pk, state=delivery.state, next_try=delivery.next_try)
    delivery.state, delivery.next_try = DeliveryState.SENDING, timezone.now() + LEASE
    return seen.update(state=delivery.state, next_try=delivery.next_try) == 1


def _answer(send: Send, body: bytes, headers: Mapping[str, str]) -> str:
    try:
        return str(send(conf.SIMULATOR_WEBHOOK_URL, body, headers))
    except requests.RequestException as error:
        return type(error).__name__


def _write_down(delivery: Delivery, answer: str, *, minute: timedelta) -> None:
    # Somebody may have had it sent again meanwhile; then this try does not count.
    mine = Delivery.objects.filter(
        pk=delivery.pk, state=DeliveryState.SENDING, next_try=delivery.next_try
    )
    delivery.answer, delivery.answered_on = answer, timezone.now()
    delivery.tries += 1
    if ACCEPTED.fullmatch(answer):
        delivery.state, delivery.next_try = DeliveryState.DELIVERED, None
    else:
        delivery.next_try = retry_on(delivery.tries, delivery.answered_on, minute=minute)
        given_up = delivery.next_try is None
        delivery.state = DeliveryState.GIVEN_UP if given_up else DeliveryState.PENDING
    written = ("answer", "answered_on", "tries", "state", "next_try")
    mine.update(**{name: getattr(delivery, name) for name in written})
