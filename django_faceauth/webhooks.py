"""The door for what the provider tells us: verify, read, store, answer; act afterwards.

The answers are those of the table in `docs/how-to/webhooks.md`. Nothing of a request
is stored before its signature has proved genuine (W-18), and no call goes out before the
answer has been sent (W-13).
"""

from __future__ import annotations

import logging
import re
from datetime import datetime
from ipaddress import ip_address
from typing import Final

from django.contrib.auth.decorators import login_not_required
from django.db import Error as DatabaseTrouble
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.utils import timezone
from django.utils.module_loading import import_string
from django.views.decorators.csrf import csrf_exempt

from django_faceauth import metrics
from django_faceauth.conf import conf
from django_faceauth.exceptions import ConfigurationError, EnvelopeInvalid, SignatureInvalid
from django_faceauth.models import WebhookEvent, database
from django_faceauth.provider import signatures, webhook_payloads
from django_faceauth.secret import Secret
from django_faceauth.services.background import sweep, webhook_events
from django_faceauth.services.monitoring import observations
from django_faceauth.services.monitoring.observations import Observation
from django_faceauth.signals import webhook_rejected

logger = logging.getLogger(__name__)

LARGEST: Final = 64 * 1024
MEDIA_TYPES: Final = frozenset({"application/json", "application/cloudevents+json"})
#: Seconds after which the provider may come back when we could not keep an event.
COME_BACK: Final = "60"

#: Events left behind that are taken along in process, so that they do not only wait for a sweep.
TAKEN_ALONG: Final = 5

_LENGTH: Final = re.compile(r"[0-9]{1,9}")

#: Imported when it is needed: Celery is heavy, and many sites have none.
HAND_OVER: Final = "django_faceauth.tasks.hand_over"


@csrf_exempt
@login_not_required
@database.non_atomic
def webhook(request: HttpRequest) -> HttpResponse:
    """Take one delivery; public, and safe for anybody to call."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if not _is_json(request):
        return _answer(415, "unsupported media type")
    try:
        body = _body(request)
    except Exception:  # broken off or malformed: each server has errors of its own
        return _refuse("incomplete", status=400)
    if body is None:
        return _answer(413, "too large")
    if not body and not _has_known_end(request):
        return _refuse_without_length()
    try:
        return _take(request, body, timezone.now())
    except SignatureInvalid as refusal:
        return _refuse(refusal.reason)
    except (ConfigurationError, DatabaseTrouble) as trouble:
        metrics.count("webhook_not_kept")
        logger.error("webhook not kept: %s", type(trouble).__name__)
        return _come_back()


class Acknowledgement(HttpResponse):
    """An answer whose event is acted upon once it has been sent; without one, nothing is."""

    def __init__(self, event: WebhookEvent | None) -> None:
        super().__init__("ok", content_type="text/plain")
        self._event = event

    def close(self) -> None:
        """Act, once; called by the server when the answer is out."""
        event, self._event = self._event, None
        try:
            if event is not None and event.due_at is not None:
                _hand_over(event.pk)
        except Exception as error:
            # The event is kept, and the sweep takes care of it.
            logger.warning("event left to the sweep: %s", type(error).__name__)
        super().close()


def _take(request: HttpRequest, body: bytes, now: datetime) -> HttpResponse:
    if not _is_from_allowed_network(request):
        return _refuse("network", status=403)
    signature = request.headers.get(signatures.HEADER, "")
    number = signatures.verify(body, signature, keys=conf.WEBHOOK_SECRET_KEYS)
    _require_authorization(request, conf.WEBHOOK_AUTHORIZATION_KEY)
    try:
        notice = webhook_payloads.read(body)
    except EnvelopeInvalid as unusable:
        metrics.count("webhook_unusable")
        logger.error("webhook unusable: %s", unusable)
        webhook_events.quarantine(body, reason=unusable.reason, now=now)
        return _answer(400, "unusable")
    event = webhook_events.store(notice, size=len(body), now=now)
    logger.info("webhook event=%s type=%s key=%d", notice.id, notice.type, number)
    return Acknowledgement(event)


def _hand_over(pk: int) -> None:
    if conf.CELERY:
        import_string(HAND_OVER)(pk)
        return
    now = timezone.now()
    for due in (pk, *sweep.take_events(TAKEN_ALONG, now=now)):
        webhook_events.process(due, now=now)


def _is_json(request: HttpRequest) -> bool:
    charset = (request.content_params or {}).get("charset", "utf-8")
    return request.content_type in MEDIA_TYPES and charset.lower() in {"utf-8", "utf8"}


def _body(request: HttpRequest) -> bytes | None:
    """Return the raw body, or None when it is too large; the length that is told may lie."""
    told = request.headers.get("Content-Length")
    if told and (not _LENGTH.fullmatch(told) or int(told) > LARGEST):
        return None
    is_without_length = not told and _input_is_terminated(request)
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


def _require_authorization(request: HttpRequest, expected: Secret | None) -> None:
    given = Secret(request.headers.get("Authorization", ""))
    if expected is not None and given != expected:  # in constant time (W-16)
        raise SignatureInvalid("authorization")


def _is_from_allowed_network(request: HttpRequest) -> bool:
    networks = conf.WEBHOOK_NETWORKS
    if not networks:
        return True
    try:
        source = ip_address(_source(request, conf.TRUSTED_PROXIES))
    except ValueError:
        return False
    return any(source in network for network in networks)


def _source(request: HttpRequest, proxies: int) -> str:
    """Return the address that the outermost proxy of the site saw (W-17)."""
    hops = request.headers.get("X-Forwarded-For", "").split(",") if proxies else []
    if len(hops) < proxies:
        return ""
    return hops[-proxies].strip() if proxies else request.META.get("REMOTE_ADDR", "")


def _refuse(reason: str, *, status: int = 401) -> HttpResponse:
    """Answer what cannot be trusted: always the same, whatever was wrong (W-11)."""
    metrics.count(f"webhook_rejected.{reason}")
    webhook_rejected.send_robust(sender=WebhookEvent, reason=reason)
    return _answer(status, "refused")


def _refuse_without_length() -> HttpResponse:
    logger.warning("webhook rejected: no_length")
    observations.note(Observation.WEBHOOK_WITHOUT_LENGTH, timezone.now())
    return _refuse("no_length", status=411)


def _come_back() -> HttpResponse:
    answer = _answer(503, "come back later")
    answer["Retry-After"] = COME_BACK
    return answer


def _answer(status: int, text: str) -> HttpResponse:
    return HttpResponse(text, status=status, content_type="text/plain")
