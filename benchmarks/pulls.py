"""Rate of pulls in several threads, with a provider that takes its time."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import BytesIO
from time import perf_counter, sleep
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection
from django.utils import timezone
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from benchmarks.measuring import Figure
from django_faceauth.models import FaceAttempt, FaceAuthentication
from django_faceauth.provider.factory import answered_by
from django_faceauth.services.background import sweep
from django_faceauth.services.sync import provider_rate_limit

#: Seconds that the provider takes for an answer, and that we may add.
ANSWER, OVERHEAD = 0.05, 0.002


class _Provider(HTTPAdapter):
    """Answers that an authentication is in flight, after a while."""

    def send(self, request: PreparedRequest, **_options: Any) -> Response:
        """Answer the request without a network."""
        sleep(ANSWER)
        authentication = {
            "id": request.path_url.rpartition("/")[2],
            "status": "capture_in_progress",
            "applicant_id": "aplt_" + "a" * 26,
            "user_journey_id": "usj_" + "a" * 26,
            "created_on": "2026-03-02T12:00:00.000000Z",
            "modified_on": "2026-03-02T12:00:01.000000Z",
        }
        body = BytesIO(json.dumps(authentication).encode())
        headers = {"Content-Type": "application/json"}
        raw = HTTPResponse(body, headers=headers, status=200, preload_content=False)
        return self.build_response(request, raw)


def measure(*, quick: bool) -> Iterator[Figure]:
    """Yield the rates with one, four and eight threads."""
    seconds, rounds = (1, 1) if quick else (4, 3)
    with answered_by(_Provider()):
        for threads, least in ((1, 0.8), (4, 0.8), (8, None)):
            count = threads * seconds * round(1 / (ANSWER + OVERHEAD))
            rate = max(_rate(threads, count) for _ in range(rounds))
            most = threads / (ANSWER + OVERHEAD)
            what = f"pulls with {threads} threads, share of {most:.0f}/s"
            yield Figure(what, f"{rate:.1f}/s", value=rate / most, least=least)


def _rate(threads: int, count: int) -> float:
    """Return the answers a second; a row that is put off counts as none."""
    user, _ = get_user_model().objects.get_or_create(username="bench")
    now = timezone.now()
    provider_rate_limit.try_acquire(now=now, someone_waits=False)  # makes the row of the account
    due = FaceAuthentication.objects.bulk_create(
        FaceAuthentication(
            provider_id=f"fav_{uuid.uuid4().hex[:26]}",
            user=user,
            applicant_id="aplt_" + "a" * 26,
            environment="sandbox",
            status="capture_in_progress",
            next_poll_at=now,
            last_change_at=now - timedelta(hours=1),  # asked again in minutes, not in seconds
            attempts_synced_at=now,
        )
        for _ in range(count)
    )
    FaceAttempt.objects.bulk_create(  # as a capture that is in progress has one
        FaceAttempt(
            authentication=row,
            provider_id=f"fatp_{row.pk:026}",
            created_at=now,
            capture_not_before=now,
        )
        for row in due
    )
    begun, left, answers = perf_counter(), count, 0
    while left > 0:
        claimed = sweep.claim_due(now=timezone.now()).authentications
        if not claimed:
            raise RuntimeError("the sweep did not claim what is due")
        left -= len(claimed)
        with ThreadPoolExecutor(threads) as pool:
            answers += sum(pool.map(_poll, (claimed[number::threads] for number in range(threads))))
    seconds = perf_counter() - begun
    FaceAuthentication.objects.all().delete()
    return answers / seconds


def _poll(pks: Sequence[int]) -> int:
    try:
        return sum(sweep.poll(pk, now=timezone.now()) for pk in pks)
    finally:
        connection.close()
