"""How a call of the API goes wrong, when `faults` say that it shall.

Waiting is done by `time.sleep`, or by what the request brings under `PAUSE`: behind an
adapter it is the patience of the client that runs out, without anybody waiting.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

from django_faceauth.simulator import fault_injection
from django_faceauth.simulator.models import CallFaultKind

Response = HttpResponse | StreamingHttpResponse
Answer = Callable[[], HttpResponse]
Pause = Callable[[float], object]

#: A key that no header of a request can set.
PAUSE: Final = "faceauth_simulator.pause"


def answer(operation: str, request: HttpRequest, faithfully: Answer) -> Response:
    """Answer a call as `faithfully` does, unless something shall go wrong with it."""
    fault = fault_injection.take(operation)
    if fault is None:
        return faithfully()
    pause: Pause = request.META.get(PAUSE, time.sleep)
    return TROUBLES[fault.kind](faithfully, fault.amount, pause)


def _too_many_requests(_faithfully: Answer, amount: float, _pause: Pause) -> Response:
    return HttpResponse(status=429, headers={"Retry-After": str(round(amount))})


def _server_error(_faithfully: Answer, amount: float, _pause: Pause) -> Response:
    return HttpResponse(status=round(amount))


def _latency(faithfully: Answer, amount: float, pause: Pause) -> Response:
    pause(amount)
    return faithfully()


def _no_answer(faithfully: Answer, amount: float, pause: Pause) -> Response:
    response = faithfully()
    pause(amount)
    return response


def _slow_body(faithfully: Answer, amount: float, pause: Pause) -> Response:
    whole = faithfully()
    return StreamingHttpResponse(
        _drops(whole.content, amount, pause),
        status=whole.status_code,
        # With a length, a client that gives up knows that it has not read everything.
        headers={**whole.headers, "Content-Length": str(len(whole.content))},
    )


def _drops(content: bytes, seconds: float, pause: Pause) -> Iterator[bytes]:
    for number in range(len(content)):
        pause(seconds / len(content))
        yield content[number : number + 1]


TROUBLES: Final[Mapping[str, Callable[[Answer, float, Pause], Response]]] = {
    CallFaultKind.TOO_MANY_REQUESTS: _too_many_requests,
    CallFaultKind.SERVER_ERROR: _server_error,
    CallFaultKind.LATENCY: _latency,
    CallFaultKind.NO_ANSWER: _no_answer,
    CallFaultKind.SLOW_BODY: _slow_body,
}
