"""The test site's other way: a code that was sent by letter (docs/how-to/fallback.md)."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.crypto import constant_time_compare
from django.views.decorators.debug import sensitive_post_parameters

from django_faceauth.gate import approve_by_other_method, pending_challenge

CODE = "4711"


def is_right(user: AbstractBaseUser, code: str) -> bool:
    return user.is_authenticated and constant_time_compare(code, CODE)


@sensitive_post_parameters("code")
@login_required
def by_code(request: HttpRequest) -> HttpResponse:
    """Show what is to be approved, and take the code."""
    question = pending_challenge(request, request.GET.get("challenge", ""))
    if question is None:
        return HttpResponse("Please open the page that you wanted once more.", status=404)
    if request.method == "POST" and is_right(request.user, request.POST.get("code", "")):
        return redirect(approve_by_other_method(request, question.handle, method="code"))
    shown = "; ".join(f"{line.label}: {', '.join(line.values)}" for line in question.lines)
    return HttpResponse(f"{question.action}|{shown}", status=403 if request.POST else 200)
