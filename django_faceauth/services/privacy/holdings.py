"""What is held about a person: which rows, where they come from, for how long, who sees them.

One table, so that a model or a column that is not in it is noticed (V-09).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import Model, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from django_faceauth.models import (
    Applicant,
    AttemptRequest,
    AuditEntry,
    Consent,
    Erasure,
    ErasureTask,
    FaceAttempt,
    FaceAuthentication,
    FaceChallenge,
    FaceExemption,
    Lockout,
    ProviderRateLimit,
    ReviewCase,
    StatusChange,
    Verdict,
    WebhookEvent,
)

Text = str | Promise

PROVIDER: Final = _("the provider")
SITE: Final = _("the site")
PERSON: Final = _("the person")
STAFF: Final = _("staff of the site")

#: What the limits look back on: they forget by themselves, whatever `FACEAUTH_RETENTION` says.
COUNTED: Final = "counted"

#: Of nobody in particular.
IMPERSONAL: Final[frozenset[type[Model]]] = frozenset({ProviderRateLimit})

SESSION: Final = _("A secret digest of the session: whoever knew it could look for the session.")
DIGEST: Final = _("A digest that only this site can make sense of.")
SLOT: Final = _("Keeps a question from being asked twice at once.")


@dataclass(frozen=True, slots=True)
class DataCategory:
    """The rows of one model about one person.

    `rows` finds them by the primary key of the user; `kept` names a period of
    `FACEAUTH_RETENTION`, is `COUNTED`, or is empty for as long as the account; `left_out` says
    why a column is not told, `others` names the columns that lead to other people.
    """

    model: type[Model]
    rows: Callable[[Any], QuerySet[Any]]
    source: tuple[Text, ...]
    kept: str = ""
    recipients: tuple[Text, ...] = (STAFF,)
    left_out: Mapping[str, Text] = field(default_factory=dict)
    others: frozenset[str] = frozenset()


def _by(lookup: str, model: type[Model]) -> Callable[[Any], QuerySet[Any]]:
    return lambda user_id: model._base_manager.filter(**{lookup: user_id})


def _events(user_id: Any) -> QuerySet[Any]:
    known = FaceAuthentication.objects.filter(user_id=user_id).exclude(provider_id=None)
    applicants = Applicant.objects.filter(user_id=user_id)
    return WebhookEvent.objects.filter(
        Q(provider_id__in=known.values("provider_id"))
        | Q(applicant_id__in=applicants.values("applicant_id"))
    )


def _wishes(user_id: Any) -> QuerySet[Any]:
    return Erasure.objects.filter(who=str(user_id))


def _tasks(user_id: Any) -> QuerySet[Any]:
    return ErasureTask.objects.filter(erasure__who=str(user_id))


def _consents(user_id: Any) -> QuerySet[Any]:
    return Consent.objects.filter(Q(user_id=user_id) | Q(who=str(user_id)))


HOLDINGS: Final = (
    DataCategory(Applicant, _by("user", Applicant), (SITE,), recipients=(PROVIDER, STAFF)),
    DataCategory(
        FaceAuthentication,
        _by("user", FaceAuthentication),
        (PROVIDER, SITE),
        "flows",
        (PROVIDER, STAFF),
    ),
    DataCategory(
        FaceAttempt,
        _by("authentication__user", FaceAttempt),
        (PROVIDER, PERSON),
        "flows",
        (PROVIDER, STAFF),
        left_out={"network": DIGEST},
    ),
    DataCategory(StatusChange, _by("authentication__user", StatusChange), (PROVIDER,), "flows"),
    DataCategory(
        FaceChallenge,
        _by("user", FaceChallenge),
        (SITE, PERSON),
        "flows",
        left_out={"session_digest": SESSION, "binding_digest": DIGEST, "dedup_key": SLOT},
    ),
    DataCategory(ReviewCase, _by("authentication__user", ReviewCase), (SITE,), "flows"),
    DataCategory(
        Verdict,
        _by("authentication__user", Verdict),
        (SITE,),
        "flows",
        others=frozenset({"reviewer"}),
    ),
    DataCategory(
        FaceExemption,
        _by("user", FaceExemption),
        (SITE,),
        "flows",
        others=frozenset({"author"}),
    ),
    DataCategory(
        AttemptRequest,
        _by("user", AttemptRequest),
        (PERSON,),
        COUNTED,
        left_out={"session_digest": SESSION},
    ),
    DataCategory(Lockout, _by("user", Lockout), (SITE, PERSON), "limits"),
    DataCategory(WebhookEvent, _events, (PROVIDER,), "tombstones"),
    DataCategory(Consent, _consents, (PERSON,), "consents"),
    DataCategory(Erasure, _wishes, (PERSON, SITE), "consents"),
    DataCategory(ErasureTask, _tasks, (SITE, PROVIDER), "consents", (PROVIDER, STAFF)),
)


def log_of(subjects: list[str]) -> DataCategory:
    """Return what the audit log says about rows that it names so."""
    entries = AuditEntry.objects.filter(subject__in=subjects).order_by("pk")
    return DataCategory(
        AuditEntry,
        lambda _user_id: entries,
        (SITE,),
        "audit",
        others=frozenset({"by"}),
    )
