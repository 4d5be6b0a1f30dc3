"""What a gate answers, as a test reads it."""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import urlsplit

from django.http import HttpResponseBase
from django.urls import Resolver404, ResolverMatch, resolve

from django_faceauth.models import FaceChallenge

START: Final = "faceauth:start"


def handle_of(response: HttpResponseBase) -> str:
    """Return the handle of the challenge that a response asks for; empty if it asks for none.

    Knows the redirect of pages, the header of htmx, and the problem that programs get.
    """
    sent_to = response.headers.get("Location", "") or response.headers.get("HX-Redirect", "")
    if sent_to:
        return _started(sent_to)
    if response.headers.get("Content-Type") != "application/problem+json":
        return ""
    told = problem_in(response)
    return str(told.get("challenge", "")) if told.get("code") == "face_required" else ""


def challenge_of(response: HttpResponseBase) -> FaceChallenge:
    """Return the challenge that a response asks for; raises `AssertionError` for none."""
    handle = handle_of(response)
    if not handle:
        raise AssertionError(
            f"This response ({response.status_code}) does not ask for a face. Either there is no "
            "gate, or it let the request through, or no face would help; its body may say why."
        )
    return FaceChallenge.objects.select_related("user", "authentication").get(handle=handle)


def assert_face_asked(response: HttpResponseBase, *, action: str | None = None) -> FaceChallenge:
    """Fail unless a response asks for a face, for `action` if that is given.

    Returns the challenge, whose `snapshot` is what the user will be shown. Raises
    `AssertionError`.
    """
    challenge = challenge_of(response)
    if action is not None and challenge.action != action:
        raise AssertionError(
            f"This response asks for a face for {challenge.action!r}, not for {action!r}."
        )
    return challenge


def problem_in(response: Any) -> dict[str, Any]:
    """Return the JSON object in a response."""
    told: dict[str, Any] = json.loads(response.content)
    return told


def page_at(url: str) -> ResolverMatch | None:
    """Return which page of the site answers at an address, if any does."""
    try:
        return resolve(urlsplit(url).path)
    except Resolver404:
        return None


def _started(url: str) -> str:
    match = page_at(url)
    return str(match.kwargs["handle"]) if match and match.view_name == START else ""
