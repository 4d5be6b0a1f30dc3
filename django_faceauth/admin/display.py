"""Escaped HTML for values in the admin, with a word beside each colour."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from django.contrib import admin
from django.contrib.admin import AdminSite
from django.contrib.admin.utils import quote
from django.db.models import Model
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_faceauth.conf import conf
from django_faceauth.models import FaceAuthentication, FaceChallenge, ReviewCase
from django_faceauth.models.resource import Resource
from django_faceauth.response_codes import FRAUD, meaning_of
from django_faceauth.services.grants.formatting import visible
from django_faceauth.services.privacy.exports import FRAUD_REASONS
from django_faceauth.statuses import LABELS, AuthenticationStatus

#: The class of the colour of a status, and a sign for users who do not see colours.
MOODS: Final[dict[str, tuple[str, str]]] = {
    AuthenticationStatus.APPROVED: ("good", "✓"),
    AuthenticationStatus.DECLINED: ("bad", "✗"),
    AuthenticationStatus.REFUSED: ("bad", "·"),
    AuthenticationStatus.INCONCLUSIVE: ("bad", "?"),
    AuthenticationStatus.RETRY_REQUIRED: ("warm", "↻"),
    AuthenticationStatus.CHECKS_IN_PROGRESS: ("busy", "…"),
    AuthenticationStatus.CAPTURE_IN_PROGRESS: ("busy", "…"),
    AuthenticationStatus.PENDING: ("calm", "·"),
    AuthenticationStatus.CREATED: ("calm", "·"),
    "granted": ("good", "✓"),
    "consumed": ("good", "✓"),
    "revoked": ("bad", "✗"),
    "failed": ("bad", "✗"),
    "expired": ("calm", "·"),
    "open": ("busy", "…"),
    "stored": ("busy", "…"),
    "processed": ("good", "✓"),
    "ignored": ("calm", "·"),
    "genuine": ("good", "✓"),
    "suspicious": ("warm", "!"),
    "fraud": ("bad", "✗"),
    "done": ("good", "✓"),
    "due": ("busy", "…"),
}

#: Why a challenge was made, and how it ended.
REASONS: Final[dict[str, object]] = {
    **LABELS,
    "abandoned": gettext_lazy("not answered in time"),
    "changed": gettext_lazy("approved something else"),
    "consent_withdrawn": gettext_lazy("consent was withdrawn"),
    "enrolment_revoked": gettext_lazy("enrolment was revoked"),
    "erased": gettext_lazy("data was erased"),
    "gave_way": gettext_lazy("too many open checks"),
    "logout": gettext_lazy("logged out"),
    "mismatch": gettext_lazy("result of another check"),
    "network": gettext_lazy("face from another network"),
    "not_me": gettext_lazy("disowned on the phone"),
    "not_shown": gettext_lazy("no face for this yet"),
    "other_method": gettext_lazy("another method"),
    "relinked": gettext_lazy("linked to another applicant"),
    "reported": gettext_lazy("reported by the user"),
    "reviewed": gettext_lazy("adverse verdict"),
    "revoked": gettext_lazy("grant was revoked"),
    "sequence_fail": gettext_lazy("used for something else"),
    "stale": gettext_lazy("last face was too old"),
    "superseded": gettext_lazy("result or applicant changed"),
    "too_late": gettext_lazy("result came too late"),
    "unknown_to_provider": gettext_lazy("unknown to the provider"),
    "used": gettext_lazy("grant was used"),
}

NOTHING: Final = "\N{EN DASH}"


def badge(word: str, text: object = None) -> SafeString:
    """Return a word with its sign and colour."""
    mood, sign = MOODS.get(word, ("calm", "?"))
    return format_html(
        '<span class="faceauth-badge faceauth-{}">'
        '<span aria-hidden="true">{}</span>&nbsp;{}</span>',
        *(mood, sign, word if text is None else text),
    )


def column(title: Any, show: Callable[[Any], object]) -> Callable[[Any, Any], Any]:
    """Return a method of an admin that shows what a function makes of a row."""

    @admin.display(description=title)
    def method(_admin: Any, row: Any) -> Any:
        return show(row) or NOTHING

    return method


def badge_column(field: str, title: Any) -> Callable[[Any, Any], Any]:
    """Return a method of an admin that shows a field with choices as a badge."""
    text = f"get_{field}_display"
    return column(title, lambda row: badge(getattr(row, field), getattr(row, text)()))


def status(word: str) -> SafeString | str:
    """Return a status of the provider; an unknown one as it came."""
    return badge(word, LABELS.get(word, word)) if word else NOTHING


def named(row: Resource) -> SafeString:
    """Return the beginning of the id of a row, marked if it is anonymized."""
    name = short(row.provider_id) if row.provider_id else _("not yet created")
    return format_html("{}{}", name, anonymized(row))


def anonymized(row: Resource | None) -> SafeString:
    """Return a mark for what is anonymized at the provider."""
    is_marked = row is not None and row.erased_at is not None
    return format_html(" {}", badge("ignored", _("anonymized"))) if is_marked else SafeString()


def period(until: datetime, ended_at: datetime | None) -> SafeString:
    """Return whether a lock-out or an exemption is in force."""
    if ended_at is not None:
        return badge("revoked", _("ended early"))
    is_over = until <= timezone.now()
    return badge("expired", _("expired")) if is_over else badge("open", _("in force"))


def codes(row: Any, *, with_fraud: bool) -> SafeString | str:
    """Return the response codes of a row and their meanings; fraud codes only with the right."""
    # A row that holds something else must not take the whole list with it.
    known = [entry["code"] for entry in row.response_codes if "code" in entry]
    shown = [code for code in known if with_fraud or code not in FRAUD]
    lines = [(str(code), meaning_of(code)) for code in shown]
    lines += [("62…", _("hidden"))] if len(shown) < len(known) else []
    return format_html_join("", "<div><code>{}</code> {}</div>", lines) or NOTHING


def labels(row: FaceAuthentication, *, with_fraud: bool) -> SafeString | str:
    """Return the risk labels, or that they are hidden from the user."""
    if not row.risk_labels:
        return NOTHING
    return _spans(row.risk_labels) if with_fraud else _("hidden")


def reasons(case: ReviewCase, *, with_fraud: bool) -> SafeString | str:
    """Return why a case is in the queue."""
    names = dict(ReviewCase.Reason.choices)
    hidden = frozenset() if with_fraud else FRAUD_REASONS
    shown = [names.get(reason, reason) for reason in case.reasons if reason not in hidden]
    shown += [_("hidden")] if len(shown) < len(case.reasons) else []
    return _spans(shown) or NOTHING


def _spans(words: list[Any]) -> SafeString:
    spans = ((word,) for word in words)
    return format_html_join(" ", '<span class="faceauth-label">{}</span>', spans)


def networks(challenge: FaceChallenge | None) -> str:
    """Return whether a face was captured in the network that started, and what then follows."""
    if challenge is None or challenge.is_same_network is None:
        return NOTHING
    same, other = _("the same network"), _("another network, or not known")
    return f"{same if challenge.is_same_network else other} · {challenge.network_policy}"


def age(at: datetime | None, now: datetime) -> SafeString | str:
    """Return the age of a moment, with the moment as its title."""
    if at is None:
        return NOTHING
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', at.isoformat(), at, timesince(at, now)
    )


def provider_link(row: FaceAuthentication) -> SafeString | str:
    """Return a link to an authentication in the provider's dashboard, if its URL is set."""
    if not conf.DASHBOARD_URL or not row.provider_id:
        return NOTHING
    url = conf.DASHBOARD_URL.replace("{id}", row.provider_id)
    text = _("Open in the provider’s dashboard")
    return format_html('<a href="{}" rel="noopener noreferrer">{}</a>', url, text)


def short(text: str, length: int = 11) -> SafeString:
    """Return the beginning of an id or a note, with the whole as its title."""
    return format_html('<bdi title="{}">{}</bdi>', text, Truncator(text).chars(length))


def action(challenge: FaceChallenge | None) -> str:
    """Return what a face was asked for."""
    return NOTHING if challenge is None else challenge.action or _("any page")


def link(row: Model, text: object, site: AdminSite) -> SafeString:
    """Return a link to the page of a row."""
    name = f"{site.name}:{row._meta.app_label}_{row._meta.model_name}_change"
    url = reverse(name, args=[quote(row.pk)])
    return format_html('<a href="{}">{}</a>', url, visible(str(text)))
