"""Webhook delivery, with the provider's signature and retries.

`deliver_due` sends what is due and returns. Any number of processes may call it at once: a
delivery is claimed before it is sent, and a claim expires. `thread` calls it in a running
server. It starts when the first webhook has been committed (`urls` sees to that), so there is
none without a workflow or `FACEAUTH_SIMULATOR_WEBHOOK_URL`.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final

import requests
from django.db import connections
from django.db.models import Min
from django.utils import timezone

from django_faceauth.conf import conf
from django_faceauth.provider import signatures
from django_faceauth.secret import Secret
from django_faceauth.simulator import fault_injection, store, webhook_queue
from django_faceauth.simulator.models import Delivery, DeliveryState, StoredCase

logger = logging.getLogger(__name__)

#: Posts a body with headers to a URL, and returns the HTTP status of the response.
Send = Callable[[str, bytes, Mapping[str, str]], int]

# Source: the provider's "webhooks" reference, for all three.
RETRY_MINUTES: Final = (5, 10, 15, 30, 60, 240, 720, 720)
TIMEOUT_SECONDS: Final = 10
ACCEPTED: Final = re.compile(r"2\d\d")

#: Longer than sending takes, also of the most copies.
CLAIM_LIFETIME: Final = timedelta(minutes=3)
WRONG_KEY: Final = Secret("no site has this key")
UNDER_WAY: Final = (DeliveryState.PENDING, DeliveryState.SENDING)


def over_http(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """Post over the network; raises a `requests.RequestException`."""
    with requests.Session() as session:
        session.trust_env = False  # a netrc file would replace the Authorization header
        with session.post(
            url,
            data=body,
            headers=headers,
            timeout=TIMEOUT_SECONDS,
            allow_redirects=False,
            stream=True,
        ) as response:
            return response.status_code


def headers_of(
    body: bytes, key: Secret | None, more: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the headers of a webhook; without a key it is not signed.

    `more` are those of a workflow; by default, the `Authorization` of the settings is sent.
    """
    headers = {"Content-Type": "application/json", **(more or {})}
    if key:
        headers[signatures.HEADER] = signatures.sign(body, key)
    if more is None and conf.WEBHOOK_AUTHORIZATION_KEY:
        headers["Authorization"] = conf.WEBHOOK_AUTHORIZATION_KEY.reveal()
    return headers


def first_key() -> Secret | None:
    """Return the key that signs webhooks, if the site has one."""
    return next(iter(conf.WEBHOOK_SECRET_KEYS), None)


def deliver_due(now: datetime, send: Send = over_http) -> int:
    """Advance all cases and send all due webhooks; return the number of deliveries."""
    if not webhook_queue.is_open():
        return 0
    store.advance_due(now)
    under_way = Delivery.objects.filter(state__in=UNDER_WAY)
    due = under_way.filter(next_try__lte=now).order_by("next_try", "id")
    if fault_injection.webhooks().reorder:
        # New ones wait until no more come, and then go newest first.
        if under_way.filter(tries=0, next_try__gt=now).exists():
            due = due.exclude(tries=0)
        due = due.order_by("-id")
    return sum(deliver(delivery, send) for delivery in due.select_related("workflow"))


def deliver(delivery: Delivery, send: Send) -> bool:
    """Send a delivery now, due or not, and update it with the result.

    Returns False, and sends nothing, if it has changed since it was read.
    """
    faults = fault_injection.webhooks()
    body = delivery.body.encode()
    url, key, more = conf.SIMULATOR_WEBHOOK_URL, first_key(), None
    if delivery.workflow:
        webhook = delivery.workflow.webhook
        signature = webhook.get("signature")
        url, key = webhook["url"], Secret(signature["key"]) if signature else None
        more = webhook.get("headers") or {}
    headers = headers_of(body, WRONG_KEY if faults.wrong_signature else key, more)
    # Claimed by the condition on what was read, so that one of several processes sends it.
    read = Delivery.objects.filter(pk=delivery.pk, state=delivery.state, next_try=delivery.next_try)
    claim = {"state": DeliveryState.SENDING, "next_try": timezone.now() + CLAIM_LIFETIME}
    if not read.update(**claim):
        return False
    for _ in range(faults.copies):
        try:
            answer = str(send(url, body, headers))
        except requests.RequestException as error:
            answer = type(error).__name__
    delivery.answer, delivery.answered_on = answer, timezone.now()
    delivery.tries += 1
    delivery.next_try = None
    if ACCEPTED.fullmatch(answer):
        delivery.state = DeliveryState.DELIVERED
    elif delivery.tries > len(RETRY_MINUTES):
        delivery.state = DeliveryState.GIVEN_UP
    else:
        delivery.state = DeliveryState.PENDING
        pause = RETRY_MINUTES[delivery.tries - 1] * timedelta(seconds=faults.minute)
        delivery.next_try = delivery.answered_on + pause
    names = ("answer", "answered_on", "tries", "state", "next_try")
    # If it was sent again meanwhile, this try does not count.
    claimed = Delivery.objects.filter(pk=delivery.pk, **claim)
    claimed.update(**{name: getattr(delivery, name) for name in names})
    return True


def pause() -> float | None:
    """Return how many seconds to wait until something is due, None without end."""
    if not webhook_queue.is_open():
        return None
    under_way = Delivery.objects.filter(state__in=UNDER_WAY).aggregate(on=Min("next_try"))
    cases = StoredCase.objects.aggregate(on=Min("due_on"))
    due_on = min(filter(None, (under_way["on"], cases["on"])), default=None)
    if due_on is None:
        return None
    seconds: float = (due_on - timezone.now()).total_seconds()
    return min(max(seconds, 0.2), 30.0)


class SenderThread:
    """A thread that delivers what is due until the process ends."""

    def __init__(self, send: Send = over_http) -> None:
        self._send = send
        self._wake_up = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_on = True

    def wake(self, **_signal: Any) -> None:
        """Deliver what is due in the thread; start it if it does not run yet."""
        with self._lock:
            if not self._is_on:
                return
            # After a fork the thread is that of the other process.
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="faceauth", daemon=True)
                self._thread.start()
        self._wake_up.set()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Run no thread in this block: tests call `deliver_due` themselves."""
        was_on = self._is_on
        with self._lock:
            self._is_on = False
            thread, self._thread = self._thread, None
        self._wake_up.set()
        if thread:
            thread.join()
        try:
            yield
        finally:
            self._is_on = was_on

    def _run(self) -> None:
        while self._is_on:
            try:
                deliver_due(timezone.now(), self._send)
                seconds = pause()
            except Exception as error:
                # A database that is locked or away comes back; try again after any error.
                logger.warning("webhooks could not be delivered: %s", type(error).__name__)
                seconds = 5.0
            finally:
                connections.close_all()
            self._wake_up.wait(seconds)
            # A call of `wake` between these two lines is served by the next turn.
            self._wake_up.clear()


thread: Final = SenderThread()
