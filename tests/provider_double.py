"""The simulator, with an eye on every call and a way to make trouble."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable
from io import BytesIO
from typing import Any

import requests
from django.utils import timezone
from requests import PreparedRequest, Response
from urllib3 import HTTPResponse

from django_faceauth.simulator.adapter import SimulatorAdapter

Trouble = Callable[["Provider", PreparedRequest], Response]
Alteration = Callable[[dict[str, Any]], object]


class Provider(SimulatorAdapter):
    """Answers as the simulator does, unless `troubles` or `alterations` say otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []
        self.bodies: list[bytes] = []
        self.troubles: deque[Trouble] = deque()
        self.alterations: list[Alteration] = []

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        """Answer one call."""
        self.calls.append(f"{request.method} {request.path_url}")
        body = request.body or b""
        self.bodies.append(body.encode() if isinstance(body, str) else body)
        if self.troubles:
            return self.troubles.popleft()(self, request)
        return self.faithfully(request, **kwargs)

    def faithfully(self, request: PreparedRequest, **kwargs: Any) -> Response:
        """Answer as the simulator does, with the alterations."""
        response = super().send(request, **kwargs)
        if not self.alterations or response.headers["Content-Type"] != "application/json":
            return response
        data = json.loads(response.raw.read())
        for alter in self.alterations:
            alter(data)
        return self.answer(request, response.status_code, json.dumps(data))

    def answer(
        self,
        request: PreparedRequest,
        status: int,
        body: str = "",
        content_type: str = "application/json",
        **headers: str,
    ) -> Response:
        """Answer something of one's own."""
        head = {"Content-Type": content_type, **headers}
        raw = HTTPResponse(BytesIO(body.encode()), head, status, preload_content=False)
        return self.build_response(request, raw)

    def count(self, call: str) -> int:
        """Return how many calls begin with `call`, such as `POST /face-authentications`."""
        return sum(made.startswith(call) for made in self.calls)

    @property
    def questions(self) -> int:
        """How often the state of an authentication was asked for."""
        return sum(
            re.fullmatch(r"GET /face-authentications/\w+", call) is not None for call in self.calls
        )

    @property
    def attempts_bought(self) -> int:
        """How many attempts were asked for."""
        return sum(call.startswith("POST") and call.endswith("/attempts") for call in self.calls)


def answers(status: int, body: str = "", **options: str) -> Trouble:
    """Return the trouble of an answer that the simulator would not give."""
    return lambda provider, request: provider.answer(request, status, body, **options)


def breaks(error: type[Exception] = requests.ConnectionError) -> Trouble:
    """Return the trouble of a connection that fails before anything was done."""

    def trouble(provider: Provider, request: PreparedRequest) -> Response:
        raise error

    return trouble


def breaks_with(error: Exception) -> Trouble:
    """Return the trouble of a connection that fails in that way."""

    def trouble(provider: Provider, request: PreparedRequest) -> Response:
        raise error

    return trouble


def works_but_times_out(provider: Provider, request: PreparedRequest) -> Response:
    """Do what was asked, and never say so."""
    provider.faithfully(request)
    raise requests.ReadTimeout


def works(provider: Provider, request: PreparedRequest) -> Response:
    """Be no trouble at all, to let a call pass before the next trouble."""
    return provider.faithfully(request)


def says(**facts: Any) -> Alteration:
    """Let the provider say something else of the authentication, from now on."""
    moment = timezone.now().isoformat()

    def alter(data: dict[str, Any]) -> None:
        if "applicant_id" in data:
            data.update(facts, modified_on=moment)

    return alter
