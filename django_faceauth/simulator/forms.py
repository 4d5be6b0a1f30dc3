"""What can be asked of the simulator by hand, read and judged: for the page and the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from django_faceauth.simulator.models import CallFaultKind

MOST_COPIES: Final = 5
LONGEST_DELAY: Final = 3600
#: A server thread is busy for as long as a call is slow.
LONGEST_CALL: Final = 60

#: The operations of the API, as our client names them.
OPERATIONS: Final[tuple[str, ...]] = (
    "create_authentication",
    "get_authentication",
    "anonymize_authentication",
    "create_attempt",
    "list_attempts",
    "get_attempt",
    "list_assets",
)

#: What `amount` may be, from the least to the most.
RANGES: Final[Mapping[str, tuple[int, int]]] = {
    CallFaultKind.TOO_MANY_REQUESTS: (0, LONGEST_DELAY),
    CallFaultKind.SERVER_ERROR: (500, 599),
    CallFaultKind.LATENCY: (0, LONGEST_CALL),
    CallFaultKind.NO_ANSWER: (0, LONGEST_CALL),
    CallFaultKind.SLOW_BODY: (0, LONGEST_CALL),
}


class WebhookForm(forms.Form):
    """What goes wrong with webhooks."""

    drop = forms.FloatField(
        label=_("Lost"),
        min_value=0,
        max_value=1,
        help_text=_("The share of new events that are never sent: 0 none, 1 all."),
    )
    copies = forms.IntegerField(
        label=_("Copies"),
        min_value=1,
        max_value=MOST_COPIES,
        help_text=_("How many times each is sent."),
    )
    delay = forms.FloatField(
        label=_("Delay"),
        min_value=0,
        max_value=LONGEST_DELAY,
        help_text=_("Seconds before a new event is sent."),
    )
    minute = forms.FloatField(
        label=_("Length of a minute"),
        min_value=0.001,
        max_value=60,
        help_text=_("Seconds that each minute between two tries lasts: 60 as the provider has it."),
    )
    reorder = forms.BooleanField(
        label=_("Out of order: wait until no new ones are coming, then newest first"),
        required=False,
    )
    wrong_signature = forms.BooleanField(label=_("Wrong signature"), required=False)


class CallFaultForm(forms.Form):
    """What goes wrong with calls of the API."""

    kind = forms.ChoiceField(label=_("Answer"), choices=CallFaultKind.choices)
    amount = forms.FloatField(label=_("Number"), help_text=_("A status, or seconds."))
    calls = forms.IntegerField(
        label=_("Calls"),
        min_value=1,
        max_value=1000,
        required=False,
        help_text=_("How many calls; empty: all, until it is switched off."),
    )
    operation = forms.ChoiceField(
        label=_("Operation"),
        choices=[("", _("any")), *((name, name) for name in OPERATIONS)],
        required=False,
    )

    def clean(self) -> dict[str, Any]:
        """Hold the number against what it means for this kind."""
        facts: dict[str, Any] = super().clean() or {}
        least, most = RANGES.get(facts.get("kind", ""), (0, LONGEST_DELAY))
        if not least <= facts.get("amount", least) <= most:
            text = _("This must be from %(least)s to %(most)s.")
            wrong = ValidationError(text, params={"least": least, "most": most})
            self.add_error("amount", wrong)
        return facts


class AuditForm(forms.Form):
    """The result of an audit."""

    status = forms.ChoiceField(choices=[("approved", _("approved")), ("declined", _("declined"))])
    code = forms.IntegerField(min_value=62000, max_value=62999, required=False)


class CaseForm(forms.Form):
    """What the provider does to a face authentication of its own accord."""

    ACTIONS: Final[Mapping[str, str | Promise]] = {
        "approved": _("audit it: approved"),
        "declined": _("audit it: declined"),
        "anonymize": _("anonymize it"),
        "expire": _("let its link expire"),
    }

    case = forms.CharField(
        label=_("Face authentication"),
        max_length=64,
        widget=forms.TextInput({"list": "cases", "autocomplete": "off", "dir": "ltr"}),
    )
    action = forms.ChoiceField(label=_("Action"), choices=list(ACTIONS.items()))
    code = forms.IntegerField(
        label=_("Code"),
        min_value=62000,
        max_value=62999,
        required=False,
        help_text=_("Of a declined audit; empty: 62321."),
    )


class DeliveryForm(forms.Form):
    """One event."""

    event = forms.CharField(max_length=64)
