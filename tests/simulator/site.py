"""The merchant's end of webhooks."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils import timezone

from django_faceauth.provider.webhook_payloads import FAMILY
from django_faceauth.simulator import webhook_sender

URL: Final = "https://bank.example/face/webhook/"
KEYS: Final = ["the-key-that-was-added-last-" + "a" * 8, "the-key-of-before-" + "b" * 20]


@dataclass(frozen=True)
class Received:
    """One webhook as it arrived."""

    url: str
    body: bytes
    headers: Mapping[str, str]

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.body)
        return event

    @property
    def name(self) -> str:
        return str(self.event["type"]).removeprefix(FAMILY)


@dataclass
class Site:
    """Keeps what it is sent; gives the next of `answers`, the last one for whatever follows."""

    answers: deque[int | BaseException] = field(default_factory=lambda: deque([200]))
    received: list[Received] = field(default_factory=list)

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Be sent a webhook."""
        self.received.append(Received(url, body, headers))
        answer = self.answers.popleft() if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def answer(self, *answers: int | BaseException) -> None:
        """Decide how the next webhooks are answered."""
        self.answers = deque(answers)

    def is_told(self) -> list[str]:
        """Have all delivered that is due, and return what that is."""
        before = len(self.received)
        webhook_sender.deliver_due(timezone.now(), self)
        return [one.name for one in self.received[before:]]
