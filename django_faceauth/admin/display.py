"""How values look in the admin: a word beside each colour, and nothing that is not escaped."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from django_faceauth.conf import conf
from django_faceauth.models import FaceAuthentication, ReviewCase
from django_faceauth.response_codes import FRAUD, meaning_of
from django_faceauth.statuses import LABELS, AuthenticationStatus

#: How a status feels: the class of its colour, and a sign for those who do not see colours.
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

NOTHING: Final = "\N{EN DASH}"


def badge(word: str, text: object = None) -> SafeString:
    """Return a word with its sign and colour."""
    mood, sign = MOODS.get(word, ("calm", "?"))
    return format_html(
        '<span class="faceauth-badge faceauth-{}"><span aria-hidden="true">{}</span> {}</span>',
        mood,
        sign,
        word if text is None else text,
    )


def status(word: str) -> SafeString | str:
    """Return a status of the provider; one that we do not know as it came."""
    return badge(word, LABELS.get(word, word)) if word else NOTHING


def codes(row: Any, *, with_fraud: bool) -> SafeString | str:
    """Return the response codes of a row and what they mean.

    Without the right to see them, fraud codes are one word (V-12).
    """
    shown = [code for code in _codes_of(row) if with_fraud or code not in FRAUD]
    hidden = len(shown) < len(_codes_of(row))
    lines = [(str(code), meaning_of(code)) for code in shown]
    lines += [("62…", _("kept from view"))] if hidden else []
    return format_html_join("", "<div><code>{}</code> {}</div>", lines) or NOTHING


def labels(row: FaceAuthentication, *, with_fraud: bool) -> SafeString | str:
    """Return the risk labels, for those who may see them."""
    if not row.risk_labels:
        return NOTHING
    if not with_fraud:
        return _("kept from view")
    return format_html_join(" ", '<span class="faceauth-label">{}</span>', _each(row.risk_labels))


def reasons(case: ReviewCase, *, with_fraud: bool) -> SafeString | str:
    """Return why a case is in the queue."""
    names = dict(ReviewCase.Reason.choices)
    hidden = frozenset() if with_fraud else SENSITIVE
    known = [names.get(reason, reason) for reason in case.reasons if reason not in hidden]
    known += [_("kept from view")] if len(known) < len(case.reasons) else []
    return format_html_join(" ", '<span class="faceauth-label">{}</span>', _each(known)) or NOTHING


def age(at: datetime | None, now: datetime) -> SafeString | str:
    """Return how long ago something was, and when exactly."""
    if at is None:
        return NOTHING
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', at.isoformat(), at, timesince(at, now)
    )


def provider_link(row: FaceAuthentication) -> SafeString | str:
    """Return a link to an authentication at the provider, if the site has said where that is."""
    if not conf.DASHBOARD_URL or not row.provider_id:
        return NOTHING
    url = conf.DASHBOARD_URL.replace("{id}", row.provider_id)
    text = _("Look at it at the provider")
    return format_html('<a href="{}" rel="noopener noreferrer">{}</a>', url, text)


#: Reasons that tell of a fraud code.
SENSITIVE: Final = frozenset({ReviewCase.Reason.FRAUD, ReviewCase.Reason.DURESS})


def _codes_of(row: Any) -> list[int]:
    # A row that holds something else must not take the whole list with it.
    return [
        entry["code"] for entry in row.response_codes if isinstance(entry, dict) and "code" in entry
    ]


def _each(words: Iterable[object]) -> list[tuple[object]]:
    return [(word,) for word in words]
