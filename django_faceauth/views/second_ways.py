"""The pages on which users confirm without a face."""

from __future__ import annotations

import json

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from django_faceauth.conf import PASSKEY, TOTP
from django_faceauth.gate.fallback import answerable, try_second_way
from django_faceauth.gate.redirects import fallback_for, takes_fallback, way_on
from django_faceauth.messages import LOCKED_WAY, WAYS, WRONG_CODE, WRONG_PASSKEY
from django_faceauth.models import FaceChallenge
from django_faceauth.services.second_ways import Result, registry
from django_faceauth.views.pages import of_this_session, page, render_page


@page
@require_safe
@of_this_session
def choose(request: HttpRequest, challenge: FaceChallenge) -> HttpResponse:
    """Offer what the user has set up, and the site's fallback."""
    if answerable(request, challenge.handle, timezone.now()) is None:
        return redirect("faceauth:start", challenge.handle)
    entries = [
        (WAYS[way], reverse("faceauth:second-way", args=[challenge.handle, way]))
        for way in registry.open_for(challenge)
    ]
    fallback = fallback_for(challenge.handle) if takes_fallback(challenge) else ""
    if len(entries) + bool(fallback) == 1:
        return redirect(fallback or entries[0][1])
    return render_page(request, "second_ways", challenge, entries=entries, fallback=fallback)


@page
@sensitive_post_parameters("code")
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
@of_this_session
def answer(request: HttpRequest, challenge: FaceChallenge, way: str) -> HttpResponse:
    """Take a code or a passkey, and approve the challenge if it is the user's."""
    status, error = 200, None
    if request.method == "POST":
        result = try_second_way(request, challenge.handle, way, request.POST.get("code", ""))
        if result is Result.ACCEPTED:
            return redirect(way_on(challenge))
        wrong = WRONG_PASSKEY if way == PASSKEY else WRONG_CODE
        status, error = (429, LOCKED_WAY) if result is Result.LOCKED else (400, wrong)
    ways = registry.open_for(challenge)
    if way not in ways or answerable(request, challenge.handle, timezone.now()) is None:
        return redirect("faceauth:start", challenge.handle)
    return render_page(
        request,
        "second_way",
        challenge,
        status=status,
        error=error,
        way=way,
        label=WAYS[way],
        is_numeric=way == TOTP,
        has_others=len(ways) > 1 or takes_fallback(challenge),
        passkey=json.dumps(registry.begin_passkey(request, challenge)) if way == PASSKEY else "",
    )
