"""What customers see. What matters asks for a face.

Statements and settings open for a few minutes; a payout is approved as it stands, once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView
from django.contrib.messages.views import SuccessMessageMixin
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse_lazy
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_POST
from django.views.generic import UpdateView

from bank import transfers
from bank.forms import EmailForm, PayoutForm
from bank.models import Payout
from bank.people import PASSWORD, PEOPLE
from django_faceauth.gate import FaceRequest, FaceRequiredMixin, face_required


class CustomerRequest(HttpRequest):
    """A request of somebody who is logged in, for the type checker."""

    user: User


class GatedRequest(CustomerRequest, FaceRequest):
    """A request of theirs that came through a gate."""


@login_required
def overview(request: CustomerRequest) -> HttpResponse:
    """Welcome the customer; no face is needed here."""
    return render(request, "bank/overview.html")


@face_required
async def statements(request: GatedRequest) -> HttpResponse:
    """Show where the money went; one face opens this for five minutes."""
    context = {
        "payouts": [payout async for payout in Payout.objects.of(request.user).executed()],
        "savings": transfers.SAVINGS,
        "balance": await sync_to_async(transfers.balance_of)(request.user),
    }
    return await sync_to_async(render)(request, "bank/statements.html", context)


def _or_the_payout(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Lead people who want what cannot be done to the payout, and say why."""

    @wraps(view)
    def led(request: HttpRequest, pk: int) -> HttpResponse:
        try:
            return view(request, pk)
        except transfers.AlreadySent:
            messages.warning(request, _("This was sent before. Nothing was sent a second time."))
        except transfers.NotEnoughMoney:
            messages.warning(request, _("Your balance is too small for this. Nothing was sent."))
        return redirect("payout_detail", pk)

    return led


@login_required
def payout(request: CustomerRequest) -> HttpResponse:
    """Write a payout down; no face is needed for a draft."""
    form = PayoutForm(request.POST or None, instance=Payout(user=request.user))
    if form.is_valid():
        return redirect(form.save())
    drafts = Payout.objects.of(request.user).drafts()
    return render(request, "bank/payout.html", {"form": form, "drafts": drafts})


@login_required
def payout_detail(request: CustomerRequest, pk: int) -> HttpResponse:
    """Show a draft with what can be done, or the receipt of what was sent."""
    payout = get_object_or_404(Payout.objects.of(request.user), pk=pk)
    template = "bank/review.html" if payout.is_draft else "bank/receipt.html"
    return render(request, template, {"payout": payout})


@login_required
@_or_the_payout
@transaction.atomic
def payout_edit(request: CustomerRequest, pk: int) -> HttpResponse:
    """Change a draft; an approval of what it was before is worth nothing then."""
    draft = transfers.locked(request.user, pk)
    form = PayoutForm(request.POST or None, instance=draft)
    if form.is_valid():
        return redirect(form.save())
    return render(request, "bank/payout.html", {"form": form, "draft": draft})


@login_required
@require_POST
@_or_the_payout
@transaction.atomic
def payout_delete(request: CustomerRequest, pk: int) -> HttpResponse:
    """Throw a draft away."""
    transfers.locked(request.user, pk).delete()
    messages.success(request, _("The draft is deleted."))
    return redirect("payout")


def what_is_approved(request: CustomerRequest, pk: int) -> dict[str, Any]:
    """Return what the gate shows and holds fast: the draft, locked until it is sent."""
    return transfers.facts_of(transfers.locked(request.user, pk))


@login_required
@_or_the_payout
@face_required(action="payout", bind=what_is_approved, max_age=180, methods=["POST"], keep=[])
def payout_send(request: GatedRequest, pk: int) -> HttpResponse:
    """Send a draft on a face that was shown for just this, and use up the approval with it."""
    if request.method == "POST":
        transfers.execute(request.user, pk, request.face, now=timezone.now())
    return redirect("payout_detail", pk)


@login_required
@ensure_csrf_cookie
def app(request: CustomerRequest) -> HttpResponse:
    """Show the page whose script does the rest, with the API."""
    return render(request, "bank/app.html")


class AccountSettings(FaceRequiredMixin, SuccessMessageMixin, UpdateView):
    """Change the e-mail address: whoever controls it can take over the account."""

    request: GatedRequest
    face_action = "settings"
    form_class = EmailForm
    template_name = "bank/settings.html"
    success_url = reverse_lazy("settings")
    success_message = _("Your e-mail address is saved.")

    def get_object(self, queryset: object = None) -> User:  # noqa: ARG002 - Django's argument
        """Return the customer."""
        return self.request.user


class Login(LoginView):
    """Log in, in the demo with one click."""

    template_name = "bank/login.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the people of the demo, while this is one."""
        people = PEOPLE if settings.DEBUG else ()
        return super().get_context_data(people=people, password=PASSWORD, **kwargs)
