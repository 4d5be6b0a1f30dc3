"""The least that a view which keeps signed events could do: what ours is held against.

It compares one signature, decodes, and inserts; it checks nothing else.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.csrf import csrf_exempt

from benchmarks import broker
from django_faceauth.models import WebhookEvent


@csrf_exempt
def store(request: HttpRequest) -> HttpResponse:
    """Keep an event."""
    if not _is_genuine(request):
        return HttpResponse("refused", status=401)
    _insert(json.loads(request.body), len(request.body))
    return HttpResponse("ok")


@csrf_exempt
def store_and_send(request: HttpRequest) -> HttpResponse:
    """Keep an event, and send one bare task."""
    if not _is_genuine(request):
        return HttpResponse("refused", status=401)
    event = json.loads(request.body)
    _insert(event, len(request.body))
    broker.nothing.apply_async((event["id"],))
    return HttpResponse("ok")


def _is_genuine(request: HttpRequest) -> bool:
    key = settings.FACEAUTH_WEBHOOK_SECRET_KEYS[0].encode()
    expected = hmac.new(key, request.body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, request.headers.get("Cko-Signature", ""))


def _insert(event: dict[str, Any], size: int) -> None:
    # The table of ours: the same columns and indexes, and the same rows in them.
    now = timezone.now()
    row = WebhookEvent(
        event_id=event["id"],
        type=event["type"],
        provider_id=event["data"]["face_authentication_id"],
        applicant_id=event["data"]["applicant_id"],
        created_on=parse_datetime(event["created_on"]),
        received_at=now,
        due_at=now,
        size=size,
    )
    WebhookEvent.objects.bulk_create([row], ignore_conflicts=True)
