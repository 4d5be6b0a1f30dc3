"""A phone that speaks for a person: an app with a token, and the browser that it opens."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.test import Client
from rest_framework_simplejwt.tokens import AccessToken, Token

from tests.api_client import Program
from tests.user_driver import Person


class Phone(Program):
    """A program without a session, with one question, and a browser logged in nowhere."""

    def __init__(self, person: Person, token: Token | None = None) -> None:
        super().__init__(person)
        self.refusal: dict[str, Any] = {}
        self.uses(token or AccessToken.for_user(person.user))

    def uses(self, token: Token) -> None:
        """Take another token."""
        self.headers = {"authorization": f"Bearer {token}"}

    @property
    def http(self) -> Client:
        """What sends requests with the token."""
        return Client(headers=self.headers)

    def is_refused(self, path: str = "/shop/secret/", method: str = "get") -> str:
        """Send a request, be refused, read why, and return the handle of the question."""
        self.refusal = self.is_asked(path, method.upper())
        return str(self.refusal["challenge"])

    def starts(self, **body: Any) -> HttpResponse:
        """Start an attempt for what it was asked."""
        return self.sends("POST", self.refusal["attempts_url"], body)

    def comes_back(self, outcome: str = "same_person", **body: Any) -> HttpResponse:
        """Let the person show their face in a browser, and return what that sees at the end."""
        capture = self.starts(**body).json()["capture_url"]
        return Client().get(self.person.shows_face(capture, outcome))

    def shows(self, outcome: str = "same_person") -> dict[str, str]:
        """Do the whole face check, and return the header that names the question."""
        self.comes_back(outcome)
        self.waits(self.refusal)
        return {"Face-Challenge": str(self.refusal["challenge"])}
