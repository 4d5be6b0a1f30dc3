"""A phone that speaks for a person: an app with a token, and the browser that it opens."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.http import HttpResponse
from django.test import Client
from rest_framework_simplejwt.tokens import AccessToken, Token

from tests.person import Person


class Phone:
    """An app without a session, and a browser that is logged in nowhere."""

    def __init__(self, person: Person, token: Token | None = None) -> None:
        self.person = person
        self.refusal: dict[str, Any] = {}
        self.uses(token or AccessToken.for_user(person.user))

    def uses(self, token: Token) -> None:
        """Take another token."""
        self.http = Client(headers={"Authorization": f"Bearer {token}"})

    def is_asked(self, path: str = "/shop/secret/", method: str = "get") -> str:
        """Send a request, be refused, read why, and return the handle of the question."""
        answer: HttpResponse = getattr(self.http, method)(path)
        assert answer.status_code == 401, (answer.status_code, answer.content)
        self.refusal = answer.json()
        return str(self.refusal["challenge"])

    def starts(self, **body: Any) -> HttpResponse:
        """Start an attempt for what it was asked."""
        path = urlsplit(self.refusal["attempts_url"]).path
        answer: HttpResponse = self.http.post(path, body, "application/json")
        return answer

    def comes_back(self, outcome: str = "same_person", **body: Any) -> HttpResponse:
        """Let the person show their face in a browser, and return what that sees at the end."""
        capture = self.starts(**body).json()["capture_url"]
        return Client().get(self.person.shows_face(capture, outcome))

    def proves(self, outcome: str = "same_person") -> dict[str, str]:
        """Do the whole face check, and return the header that names the question."""
        self.comes_back(outcome)
        for _ in range(20):
            told = self.http.get(urlsplit(self.refusal["status_url"]).path).json()
            if told["next"] != "wait":
                return {"Face-Challenge": str(self.refusal["challenge"])}
            self.person.clock.shift(3)
        raise AssertionError("the waiting never ended")
