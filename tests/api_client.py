"""A program that speaks for a person: with their session, a token or a JWT."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpResponse
from django.test import Client
from rest_framework.authtoken.models import Token
from rest_framework_simplejwt.tokens import AccessToken

from tests.user_driver import Person


class Program:
    """A client of the test site's API; it sends a handle along only when it is told to."""

    def __init__(self, person: Person, **headers: str) -> None:
        self.person = person
        self.headers = headers
        self.client = Client()

    @classmethod
    def with_session(cls, person: Person) -> Program:
        """Return a program in a browser in which the person is logged in."""
        program = cls(person)
        program.client = person.browser
        return program

    @classmethod
    def with_token(cls, person: Person) -> Program:
        """Return a program with the person's token of Django REST framework."""
        token, _created = Token.objects.get_or_create(user=person.user)
        return cls(person, authorization=f"Token {token.key}")

    @classmethod
    def with_jwt(cls, person: Person, **claims: str) -> Program:
        """Return a program with a JWT of the person."""
        token = AccessToken.for_user(person.user)
        for name, value in claims.items():
            token[name] = value
        return cls(person, authorization=f"Bearer {token}")

    def sends(
        self, method: str, path: str, data: Any = None, *, handle: str = "", **headers: str
    ) -> HttpResponse:
        """Send a request as JSON, on behalf of `handle` if there is one."""
        named = {"face-challenge": handle} if handle else {}
        return self.client.generic(
            method,
            path,
            b"" if data is None else json.dumps(data),
            content_type="application/json",
            headers={**self.headers, **named, **headers},
        )

    def calls(self, method: str, path: str, headers: Any = None, **extra: Any) -> HttpResponse:
        """Send a request as it is."""
        headers = {**self.headers, **(headers or {})}
        return self.client.generic(method.upper(), path, headers=headers, **extra)

    def is_asked(self, path: str = "/shop/secret/", method: str = "GET") -> dict[str, Any]:
        """Send a request, be refused, and return the challenge."""
        response = self.sends(method, path)
        assert response.status_code == 401, (response.status_code, response.content)
        asked: dict[str, Any] = response.json()
        assert asked["code"] == "face_required", asked
        return asked

    def proves(self, asked: dict[str, Any], outcome: str = "same_person") -> dict[str, Any]:
        """Have the person show a face for a challenge; return what is said of it at the end."""
        started = self.sends("POST", asked["attempts_url"])
        assert started.status_code == 201, (started.status_code, started.content)
        self.person.shows_face(started.json()["capture_url"], outcome)
        return self.waits(asked)

    def waits(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Ask where a challenge stands until there is something else to do than to wait."""
        for _ in range(20):
            told: dict[str, Any] = self.sends("GET", asked["status_url"]).json()
            if told["next"] != "wait":
                return told
            self.person.clock.shift(3)
        raise AssertionError("the waiting never ended")

    def passes(self, path: str = "/shop/secret/", method: str = "GET") -> HttpResponse:
        """Do the whole face check for a request, and return the answer to its repetition."""
        asked = self.is_asked(path, method)
        assert self.proves(asked)["next"] == "repeat"
        return self.sends(method, path, handle=asked["challenge"])


KINDS = {
    "session": Program.with_session,
    "token": Program.with_token,
    "jwt": Program.with_jwt,
}
