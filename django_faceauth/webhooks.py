"""The webhook endpoint: verify, read, store, answer; process afterwards.

The responses are those of the table in `docs/how-to/webhooks.md`. Nothing of a request is
stored before its signature is verified, and no call goes out before the response was sent.
"""

from __future__ import annotations

import logging
import re
from typing import Final

from django.contrib.auth.decorators import login_not_required
from django.db import Error as DatabaseTrouble
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from django_faceauth import metrics, runner
from django_faceauth.conf import conf
from django_faceauth.exceptions import ConfigurationError, EnvelopeInvalid, SignatureInvalid
from django_faceauth.models import WebhookEvent, database
from django_faceauth.networks import address_of
from django_faceauth.provider import signatures, webhook_payloads
from django_faceauth.secret import Secret
from django_faceauth.services.background import sweep, webhook_events
from django_faceauth.services.monitoring import observations
from django_faceauth.services.monitoring.observations import Observation
from django_faceauth.signals import webhook_rejected

logger = logging.getLogger(__name__)

LARGEST: Final = 64 * 1024
MEDIA_TYPES: Final = frozenset({"application/json", "application/cloudevents+json"})

#: Overdue events that are processed along with a new one, so that they need not wait for a sweep.
BATCH: Final = 5


@csrf_exempt
@login_not_required
@database.non_atomic
def webhook(request: HttpRequest) -> HttpResponse:
    """Accept one delivery; public, and safe for anyone to call."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    charset = (request.content_params or {}).get("charset", "utf-8")
    if request.content_type not in MEDIA_TYPES or charset.lower() not in {"utf-8", "utf8"}:
        return _answer(415, "unsupported media type")
    try:
        body = _body(request)
    except Exception:  # broken off or malformed: each server has errors of its own
        return _refuse("incomplete", status=400)
    if body is None:
        return _answer(413, "too large")
    if not body and not _has_known_end(request):
        logger.warning("webhook rejected: no_length")
        observations.note(Observation.WEBHOOK_WITHOUT_LENGTH, timezone.now())
        return _refuse("no_length", status=411)
    try:
        if networks := conf.WEBHOOK_NETWORKS:
            address = address_of(request)
            if address is None or not any(address in network for network in networks):
                return _refuse("network", status=403)
        return _accept(request, body)
    except SignatureInvalid as refusal:
        return _refuse(refusal.reason)
    except (ConfigurationError, DatabaseTrouble) as trouble:
        metrics.count("webhook_not_kept")
        logger.error("webhook not kept: %s", type(trouble).__name__)
        response = _answer(503, "come back later")
        response["Retry-After"] = "60"
        return response


class Acknowledgement(HttpResponse):
    """A response whose event is processed once it has been sent."""

    def __init__(self, event: WebhookEvent | None) -> None:
        super().__init__("ok", content_type="text/plain")
        self._event = event

    def close(self) -> None:
        """Process the event, once; called by the server when the response is out."""
        event, self._event = self._event, None
        try:
            if event is not None and event.due_at is not None:
                _process(event.pk)
        except Exception as error:
            # The event is stored, and the sweep takes care of it.
            logger.warning("event left to the sweep: %s", type(error).__name__)
        super().close()


def _process(pk: int) -> None:
    if tasks := runner.tasks():
        tasks.hand_over(tasks.process_event, pk)
        return
    now = timezone.now()
    for due in (pk, *sweep.claim_events(BATCH, now=now)):
        webhook_events.process(due, now=now)


def _accept(request: HttpRequest, body: bytes) -> HttpResponse:
    signature = request.headers.get(signatures.HEADER, "")
    number = signatures.verify(body, signature, keys=conf.WEBHOOK_SECRET_KEYS)
    authorization = Secret(request.headers.get("Authorization", ""))
    expected = conf.WEBHOOK_AUTHORIZATION_KEY
    if expected is not None and authorization != expected:  # in constant time
        raise SignatureInvalid("authorization")
    now = timezone.now()
    try:
        payload = webhook_payloads.read(body)
    except EnvelopeInvalid as unusable:
        metrics.count("webhook_unusable")
        logger.error("webhook unusable: %s", unusable)
        webhook_events.quarantine(body, reason=unusable.reason, now=now)
        return _answer(400, "unusable")
    event = webhook_events.store(payload, size=len(body), now=now)
    logger.info("webhook event=%s type=%s key=%d", payload.id, payload.type, number)
    return Acknowledgement(event)


def _body(request: HttpRequest) -> bytes | None:
    """Return the raw body, or None when it is too large; the stated length may be wrong."""
    length = request.headers.get("Content-Length")
    if length and (not re.fullmatch(r"[0-9]{1,9}", length) or int(length) > LARGEST):
        return None
    is_without_length = not length and _input_is_terminated(request)
    source = request.environ["wsgi.input"] if is_without_length else request  # type: ignore[attr-defined]
    body: bytes = source.read(LARGEST + 1)
    return body if len(body) <= LARGEST else None


def _has_known_end(request: HttpRequest) -> bool:
    """Return whether an empty body is known to be empty.

    Django reads nothing of a WSGI request without a length, because reading on could wait for
    ever unless the server ends the input. `Transfer-Encoding` decides nothing here: proxies
    that join the chunks pass it on beside the length.
    """
    is_asgi = not hasattr(request, "environ")
    has_length = bool(request.headers.get("Content-Length"))
    return is_asgi or has_length or _input_is_terminated(request)


def _input_is_terminated(request: HttpRequest) -> bool:
    return bool(getattr(request, "environ", {}).get("wsgi.input_terminated"))


def _refuse(reason: str, *, status: int = 401) -> HttpResponse:
    """Answer a request that cannot be trusted: always the same text, whatever was wrong."""
    metrics.count(f"webhook_rejected.{reason}")
    webhook_rejected.send_robust(sender=WebhookEvent, reason=reason)
    return _answer(status, "refused")


def _answer(status: int, text: str) -> HttpResponse:
    return HttpResponse(text, status=status, content_type="text/plain")
