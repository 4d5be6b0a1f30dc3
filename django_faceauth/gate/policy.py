"""Describe what a gate asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from django.http import HttpRequest
from django.views import View

from django_faceauth.conf import conf
from django_faceauth.durations import as_duration
from django_faceauth.gate.view_methods import UNSAFE, answered_by_framework
from django_faceauth.models import FaceChallenge, database
from django_faceauth.models.active_grants import Grant
from django_faceauth.models.challenge import ACTION_LENGTH
from django_faceauth.services.grants.binding import Snapshot, snapshot_of

SHORTEST: Final = timedelta(seconds=1)
LONGEST: Final = timedelta(days=365)

#: With SLOW_REVIEW, how long a bound approval counts from the decision, and at most from the
#: capture.
DECISION_WINDOW: Final = timedelta(minutes=15)
SLOWEST_DECISION: Final = timedelta(hours=24)

#: The hidden field by which the continue page names its challenge.
CHALLENGE_FIELD: Final = "face_challenge"
#: Form fields that a later request cannot use.
NEVER_KEPT: Final = frozenset({"csrfmiddlewaretoken", CHALLENGE_FIELD})

Bind = Callable[..., Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Policy:
    """What a gate asks for; build it with `policy()`.

    `max_age` None means `FACEAUTH_MAX_AGE`, `methods` None means every method, `keep` None
    that a request which may change something is not brought back. `spared` are methods that
    Django answers by itself.
    """

    action: str = ""
    max_age: timedelta | None = None
    methods: frozenset[str] | None = None
    bind: Bind | None = None
    single_use: bool = False
    keep: tuple[str, ...] | None = None
    spared: frozenset[str] = frozenset()

    @property
    def age_limit(self) -> timedelta:
        """How long a captured face counts here."""
        if self.counts_from_decision:
            return SLOWEST_DECISION
        return conf.MAX_AGE if self.max_age is None else self.max_age

    @property
    def counts_from_decision(self) -> bool:
        """Whether the window begins with the decision of the provider's staff."""
        return self.bind is not None and conf.SLOW_REVIEW

    def end_of(self, grant: FaceChallenge | Grant) -> datetime:
        """Return when a grant stops counting here. Raises `ValueError` if it was not granted."""
        if grant.verified_at is None or grant.granted_at is None:
            raise ValueError("this challenge was not granted")
        end = grant.verified_at + self.age_limit
        return min(end, grant.granted_at + DECISION_WINDOW) if self.counts_from_decision else end

    @property
    def is_single_use(self) -> bool:
        """Whether a grant counts once here; a bound one always does."""
        return self.single_use or self.bind is not None

    def covers(self, method: str | None) -> bool:
        """Return whether requests with that method must pass the gate."""
        return method not in self.left_open

    @property
    def left_open(self) -> frozenset[str]:
        """The methods that pass without a face: a closed set, so that unknown verbs do not.

        A view that tells GET from the rest does its work on any other verb.
        """
        if self.methods is None:
            return frozenset()
        changing = UNSAFE if self.methods.isdisjoint(UNSAFE) else frozenset()
        return (frozenset({"GET"}) | self.spared | changing) - self.methods

    def on(self, view: Any) -> Policy:
        """Return the policy for a view, with the methods that Django answers there itself."""
        return replace(self, spared=answered_by_framework(view))

    def resolved(self) -> Policy:
        """Return the policy for one request, with the settings that it depends on read once."""
        return replace(self, max_age=self.age_limit)

    def bound_to(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Policy:
        """Return the policy for one call of the view; `bind` takes the same arguments."""
        if self.bind is None:
            return self
        return replace(self, bind=partial(self.bind, request, *args, **kwargs))

    def snapshot(self) -> Snapshot:
        """Return what this call would approve; empty if the gate binds nothing.

        Raises what `bind` and `snapshot_of` raise.
        """
        return {} if self.bind is None else snapshot_of(self.bind())

    def transaction(self) -> AbstractContextManager[Any]:
        """Return the transaction that the grant and the view's work share."""
        return database.shared() if self.is_single_use else nullcontext()


def policy(
    *,
    action: str = "",
    max_age: float | timedelta | None = None,
    methods: Iterable[str] | None = None,
    bind: Bind | None = None,
    single_use: bool = False,
    keep: Iterable[str] | None = None,
) -> Policy:
    """Return a validated policy; `max_age` is seconds or a `timedelta`.

    Raises `ValueError` for a gate that could never open or would guard nothing, and
    `TypeError` if `max_age` is not a duration or `bind` is not callable.
    """
    if len(action) > ACTION_LENGTH:
        raise ValueError(f"action must not be longer than {ACTION_LENGTH} characters")
    if bind is not None and not callable(bind):
        raise TypeError("bind must be callable")
    limit = None if max_age is None else as_duration(max_age)
    if limit is not None and not SHORTEST <= limit <= LONGEST:
        raise ValueError("max_age must be between a second and a year")
    if isinstance(methods, str) or isinstance(keep, str):
        raise ValueError("methods and keep must be lists of names, not strings")
    named = None if methods is None else frozenset(method.upper() for method in methods)
    if named is not None:
        unknown = named - {name.upper() for name in View.http_method_names}
        if unknown:
            raise ValueError(f"methods names unknown HTTP methods: {', '.join(sorted(unknown))}")
        if not named:
            raise ValueError("methods must not be empty: the gate would guard nothing")
        if "GET" in named:  # Django answers HEAD with the view's GET
            named |= {"HEAD"}
    fields = None if keep is None else tuple(keep)
    useless = NEVER_KEPT.intersection(fields or ())
    if useless:
        raise ValueError(f"keep must not name {', '.join(sorted(useless))}")
    return Policy(action, limit, named, bind, single_use, fields)


def described_by(owner: Any, *, bind: Bind | None = None) -> Policy:
    """Return the policy of the `face_…` attributes of a class or an object.

    Raises what `policy` raises.
    """
    return policy(
        action=getattr(owner, "face_action", ""),
        max_age=getattr(owner, "face_max_age", None),
        methods=getattr(owner, "face_methods", None),
        bind=bind,
        single_use=getattr(owner, "face_single_use", False),
        keep=getattr(owner, "face_keep", None),
    )
