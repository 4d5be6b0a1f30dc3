"""Forms of the control page and the control API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from django_faceauth.simulator.models import CallFaultKind
from django_faceauth.simulator.view_decorators import OPERATIONS

LONGEST_DELAY: Final = 3600
#: A slow call blocks a server thread.
LONGEST_CALL: Final = 60

#: The smallest and the largest `amount` of each kind.
RANGES: Final[Mapping[str, tuple[int, int]]] = {
    CallFaultKind.TOO_MANY_REQUESTS: (0, LONGEST_DELAY),
    CallFaultKind.SERVER_ERROR: (500, 599),
    CallFaultKind.LATENCY: (0, LONGEST_CALL),
    CallFaultKind.NO_ANSWER: (0, LONGEST_CALL),
    CallFaultKind.SLOW_BODY: (0, LONGEST_CALL),
}

AUDITS: Final = (("approved", _("audit: approved")), ("declined", _("audit: declined")))


class WebhookForm(forms.Form):
    drop = forms.FloatField(
        label=_("Lost"),
        min_value=0,
        max_value=1,
        help_text=_("Share of new events that are never sent, from 0 to 1."),
    )
    copies = forms.IntegerField(
        label=_("Copies"),
        min_value=1,
        max_value=5,
        help_text=_("How many times each event is sent."),
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
        help_text=_("Seconds that each minute between two tries lasts; the provider has 60."),
    )
    reorder = forms.BooleanField(
        label=_("Out of order: wait until no new events come, then send the newest first"),
        required=False,
    )
    wrong_signature = forms.BooleanField(label=_("Wrong signature"), required=False)


class CallFaultForm(forms.Form):
    kind = forms.ChoiceField(label=_("Fault"), choices=CallFaultKind.choices)
    amount = forms.FloatField(label=_("Number"), help_text=_("A status, or seconds."))
    calls = forms.IntegerField(
        label=_("Calls"),
        min_value=1,
        max_value=1000,
        required=False,
        help_text=_("How many calls; empty: all."),
    )
    operation = forms.ChoiceField(
        label=_("Operation"),
        choices=lambda: [("", _("any")), *((name, name) for name in OPERATIONS)],
        required=False,
    )

    def clean(self) -> dict[str, Any]:
        """Check the amount against the range of its kind."""
        facts: dict[str, Any] = super().clean() or {}
        least, most = RANGES.get(facts.get("kind", ""), (0, LONGEST_DELAY))
        if not least <= facts.get("amount", least) <= most:
            message = _("This must be from %(least)s to %(most)s.")
            error = ValidationError(message, params={"least": least, "most": most})
            self.add_error("amount", error)
        return facts


class AuditForm(forms.Form):
    status = forms.ChoiceField(choices=AUDITS)
    code = forms.IntegerField(min_value=62000, max_value=62999, required=False)


class CaseForm(forms.Form):
    """A change of a result by the provider itself."""

    case = forms.CharField(
        label=_("Id"),
        help_text=_("Of a face authentication or an identity verification."),
        max_length=64,
        widget=forms.TextInput({"autocomplete": "off", "dir": "ltr"}),
    )
    action = forms.ChoiceField(
        label=_("Action"),
        choices=[*AUDITS, ("anonymize", _("anonymize")), ("expire", _("expire the open link"))],
    )
    code = forms.IntegerField(
        label=_("Code"),
        min_value=62000,
        max_value=62999,
        required=False,
        help_text=_("Of a declined audit; empty: 62321."),
    )


class DeliveryForm(forms.Form):
    event = forms.CharField(max_length=64)
