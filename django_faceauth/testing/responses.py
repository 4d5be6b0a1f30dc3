"""Challenges in the responses of gates."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpResponseBase
from django.urls import Resolver404, ResolverMatch, resolve

from django_faceauth.models import FaceChallenge


def handle_of(response: HttpResponseBase) -> str:
    """Return the handle of the challenge in a response, or an empty string.

    Knows the redirect of pages, the header for htmx, and the problem document of APIs.
    """
    target = response.headers.get("Location", "") or response.headers.get("HX-Redirect", "")
    if target:
        match = page_at(target)
        return match.kwargs["handle"] if match and match.view_name == "faceauth:start" else ""
    if response.headers.get("Content-Type") != "application/problem+json":
        return ""
    body = json_in(response)
    return str(body.get("challenge", "")) if body.get("code") == "face_required" else ""


def challenge_of(response: HttpResponseBase) -> FaceChallenge:
    """Return the challenge in a response; raises `AssertionError` if there is none."""
    handle = handle_of(response)
    if not handle:
        raise AssertionError(
            f"This response ({response.status_code}) does not ask for a face. Either there is no "
            "gate, or it let the request through, or no face would help; its body may say why."
        )
    return FaceChallenge.objects.select_related("user", "authentication").get(handle=handle)


def assert_face_asked(response: HttpResponseBase, *, action: str | None = None) -> FaceChallenge:
    """Fail unless a response asks for a face, for `action` if that is given.

    Returns the challenge; its `snapshot` is what the user will be shown.
    """
    challenge = challenge_of(response)
    if action is not None and challenge.action != action:
        raise AssertionError(
            f"This response asks for a face for {challenge.action!r}, not for {action!r}."
        )
    return challenge


def json_in(response: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(response.content)
    return body


def page_at(url: str) -> ResolverMatch | None:
    """Return the view of the site at a URL, if there is one."""
    try:
        return resolve(urlsplit(url).path)
    except Resolver404:
        return None
