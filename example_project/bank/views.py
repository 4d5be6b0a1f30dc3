"""Pages of the bank: some are open, some ask for a face."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.mfa.webauthn.forms import AddWebAuthnForm
from allauth.mfa.webauthn.internal import auth as webauthn
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
from django.views.generic import FormView, UpdateView

from bank import transfers
from bank.demo import PASSWORD, USERS
from bank.forms import EmailForm, PayoutForm
from bank.models import Payout
from django_faceauth.gate import Face, FaceRequest, FaceRequiredMixin, face_required


class CustomerRequest(HttpRequest):
    """A request of a logged-in customer, for the type checker."""

    user: User


class GatedRequest(CustomerRequest, FaceRequest):
    """A request that passed a gate, for the type checker."""


class PayoutRequest(CustomerRequest):
    """A request that passed a gate with `when`, for the type checker."""

    face: Face | None


@login_required
def overview(request: CustomerRequest) -> HttpResponse:
    """Link to all pages; no face is needed here."""
    return render(request, "bank/overview.html")


@face_required
async def statements(request: GatedRequest) -> HttpResponse:
    """Show the latest movements; one face check opens this page for five minutes."""
    context = {
        "movements": await sync_to_async(transfers.movements_of)(request.user),
        "balance": await sync_to_async(transfers.balance_of)(request.user),
    }
    return await sync_to_async(render)(request, "bank/statements.html", context)


def _redirect_with_reason(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Redirect to the payout with a message when it cannot be sent or changed."""

    @wraps(view)
    def wrapper(request: HttpRequest, pk: int) -> HttpResponse:
        try:
            return view(request, pk)
        except transfers.AlreadySent:
            messages.warning(request, _("This payment was already sent. It was not sent again."))
        except transfers.NotEnoughMoney:
            messages.warning(request, _("Your balance is too low. Nothing was sent."))
        return redirect("payout_detail", pk)

    return wrapper


@login_required
def payout(request: CustomerRequest) -> HttpResponse:
    """Save a draft; no face is needed for this."""
    form = PayoutForm(request.POST or None, instance=Payout(user=request.user))
    if form.is_valid():
        return redirect(form.save())
    drafts = Payout.objects.of(request.user).drafts()
    return render(request, "bank/payout.html", {"form": form, "drafts": drafts})


@login_required
def payout_detail(request: CustomerRequest, pk: int) -> HttpResponse:
    """Show a draft with its buttons, or the receipt of what was sent."""
    payout = get_object_or_404(Payout.objects.of(request.user), pk=pk)
    if not payout.is_draft:
        return render(request, "bank/receipt.html", {"payout": payout})
    needs_approval = transfers.needs_approval(payout, now=timezone.now())
    return render(request, "bank/review.html", {"payout": payout, "needs_approval": needs_approval})


@login_required
@_redirect_with_reason
@transaction.atomic
def payout_edit(request: CustomerRequest, pk: int) -> HttpResponse:
    """Change a draft, which makes an earlier approval worthless."""
    draft = transfers.locked(request.user, pk)
    form = PayoutForm(request.POST or None, instance=draft)
    if form.is_valid():
        return redirect(form.save())
    return render(request, "bank/payout.html", {"form": form, "draft": draft})


@login_required
@require_POST
@_redirect_with_reason
@transaction.atomic
def payout_delete(request: CustomerRequest, pk: int) -> HttpResponse:
    transfers.locked(request.user, pk).delete()
    messages.success(request, _("The draft is deleted."))
    return redirect("payout")


def payout_details(request: CustomerRequest, pk: int) -> dict[str, Any]:
    """Return what is shown and approved: the draft, locked until it is sent."""
    return transfers.facts_of(transfers.locked(request.user, pk))


def needs_approval(request: CustomerRequest, pk: int) -> bool:
    """Return whether a draft needs an approval; it is locked until it is sent."""
    return transfers.locked_needs_approval(request.user, pk, now=timezone.now())


@login_required
@_redirect_with_reason
@face_required(
    action="payout",
    when=needs_approval,
    bind=payout_details,
    network="deny",
    max_age=180,
    methods=["POST"],
    keep=[],
)
def payout_send(request: PayoutRequest, pk: int) -> HttpResponse:
    """Send a draft with an approval of exactly this draft, and consume the approval.

    A small draft needs none.
    """
    if request.method == "POST":
        transfers.execute(request.user, pk, request.face, now=timezone.now())
    return redirect("payout_detail", pk)


@login_required
@ensure_csrf_cookie
def app(request: CustomerRequest) -> HttpResponse:
    """Show the single-page app, which uses the API."""
    return render(request, "bank/app.html")


class AccountSettings(FaceRequiredMixin, SuccessMessageMixin, UpdateView):
    """Change the e-mail address, which controls access to the account."""

    request: GatedRequest
    face_action = "settings"
    form_class = EmailForm
    template_name = "bank/settings.html"
    success_url = reverse_lazy("settings")
    success_message = _("Your e-mail address is saved.")

    def get_object(self, queryset: object = None) -> User:  # noqa: ARG002 - Django's argument
        return self.request.user


class AddPasskey(FaceRequiredMixin, SuccessMessageMixin, FormView):
    """Add a passkey. Behind a gate: a thief in a session must not add one of their own."""

    request: GatedRequest
    face_action = "passkey"
    form_class = AddWebAuthnForm
    template_name = "bank/passkey.html"
    success_url = reverse_lazy("overview")
    success_message = _("Your passkey is added. You can use it instead of your face.")

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "user": self.request.user}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add what the browser needs to make a passkey."""
        options = webauthn.begin_registration(self.request.user, passwordless=False)
        return super().get_context_data(options=options, **kwargs)

    def form_valid(self, form: AddWebAuthnForm) -> HttpResponse:
        webauthn.WebAuthn.add(self.request.user, **form.cleaned_data)
        return super().form_valid(form)


class Login(LoginView):
    """Log in, with the users of the demo at hand."""

    template_name = "bank/login.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        users = USERS if settings.DEBUG else ()
        return super().get_context_data(demo_users=users, password=PASSWORD, **kwargs)
