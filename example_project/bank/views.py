"""What customers see. Three pages ask for a face, each in its own way."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView
from django.contrib.messages.views import SuccessMessageMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _
from django.views.generic import UpdateView

from bank.forms import EmailForm, PayoutForm
from bank.models import Payout
from bank.people import PASSWORD, PEOPLE
from django_faceauth.gate import FaceRequest, FaceRequiredMixin, face_required

#: What everybody starts with.
SAVINGS: Final = Decimal("4200.00")


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
    payouts = [payout async for payout in Payout.objects.of(request.user)]
    balance = SAVINGS - sum(payout.amount for payout in payouts)
    context = {"payouts": payouts, "savings": SAVINGS, "balance": balance}
    return await sync_to_async(render)(request, "bank/statements.html", context)


@face_required(action="payout", max_age=180)
def payout(request: GatedRequest) -> HttpResponse:
    """Send money; a face that was shown for something else does not count."""
    draft = Payout(user=request.user, face_challenge=request.face.challenge)
    form = PayoutForm(request.POST or None, instance=draft)
    if not form.is_valid():
        return render(request, "bank/payout.html", {"form": form})
    return redirect(form.save())


@login_required
def receipt(request: CustomerRequest, pk: int) -> HttpResponse:
    """Show a payout to the customer who made it."""
    payout = get_object_or_404(Payout.objects.of(request.user), pk=pk)
    return render(request, "bank/receipt.html", {"payout": payout})


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
