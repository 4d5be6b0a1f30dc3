"""Describe what a gate asks for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from functools import partial
from inspect import isawaitable
from typing import Any, Final, NamedTuple

from asgiref.sync import async_to_sync
from django.views import View

from django_faceauth.conf import NETWORK_POLICIES, conf
from django_faceauth.durations import as_duration
from django_faceauth.gate.view_methods import UNSAFE, answered_by_framework
from django_faceauth.models import FaceChallenge, database
from django_faceauth.models.active_grants import Grant
from django_faceauth.models.challenge import ACTION_LENGTH, EXEMPTION, FACE, METHOD_NAME
from django_faceauth.services import unexpected_errors
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
#: Returns whether a face is needed; a coroutine function in front of an async view.
When = Callable[..., bool | Awaitable[bool]]


class Policy(NamedTuple):
    """What a gate asks for; build it with `policy()`.

    `max_age` None means `FACEAUTH_MAX_AGE`, `methods` None means every method, `keep` None
    that a request which may change something is not brought back. `spared` are methods that
    Django answers by itself. `accept` None means every method of recognising the user, `network`
    None means `FACEAUTH_NETWORK_POLICY`.
    """

    action: str = ""
    max_age: timedelta | None = None
    methods: frozenset[str] | None = None
    bind: Bind | None = None
    single_use: bool = False
    keep: tuple[str, ...] | None = None
    spared: frozenset[str] = frozenset()
    when: When | None = None
    accept: tuple[str, ...] | None = None
    network: str | None = None

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
        return self._replace(spared=answered_by_framework(view))

    def resolved(self) -> Policy:
        """Return the policy for one request, for which the settings are read once."""
        if self.max_age is not None and self.network is not None:
            return self
        max_age = conf.MAX_AGE if self.max_age is None else self.max_age
        network = conf.NETWORK_POLICY if self.network is None else self.network
        return self._replace(max_age=max_age, network=network)

    def bound_to(self, *args: Any, **kwargs: Any) -> Policy:
        """Return the policy for one call of a view, whose arguments `bind` and `when` take."""
        if self.bind is None and self.when is None:
            return self
        bind = self.bind and partial(self.bind, *args, **kwargs)
        when = self.when and partial(self.when, *args, **kwargs)
        return self._replace(bind=bind, when=when)

    def is_face_needed(self) -> bool:
        """Return whether this call needs a face: unless `when` returns False.

        Every other value and every error means yes. The savepoint keeps the transaction of the
        gate usable after an error of the database; the error is raised if it could not.
        """
        if self.when is None:
            return True
        try:
            with database.savepoint():
                needed: Any = self.when()
                if isawaitable(needed):
                    needed = async_to_sync(_result_of)(needed)
        except Exception as error:
            if database.must_roll_back():
                raise  # after a deadlock the gate begins another one
            unexpected_errors.note(error, f"when action={self.action}")
            return True
        return needed is not False

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
    when: When | None = None,
    accept: Iterable[str] | None = None,
    network: str | None = None,
) -> Policy:
    """Return a validated policy; `max_age` is seconds or a `timedelta`.

    Raises `ValueError` for a gate that could never open or would guard nothing, and
    `TypeError` if `max_age` is not a duration, or `bind` or `when` is not callable.
    """
    if len(action) > ACTION_LENGTH:
        raise ValueError(f"action must not be longer than {ACTION_LENGTH} characters")
    if bind is not None and not callable(bind):
        raise TypeError("bind must be callable")
    if when is not None and not callable(when):
        raise TypeError("when must be callable")
    limit = None if max_age is None else as_duration(max_age)
    if limit is not None and not SHORTEST <= limit <= LONGEST:
        raise ValueError("max_age must be between a second and a year")
    if any(isinstance(names, str) for names in (methods, keep, accept)):
        raise ValueError("methods, keep and accept must be lists of names, not strings")
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
    ways = None if accept is None else tuple(sorted({*accept}))
    if ways is not None and FACE not in ways:
        raise ValueError(f"accept must name {FACE!r}, and may name other methods beside it")
    if ways is not None and (EXEMPTION in ways or not all(map(METHOD_NAME.fullmatch, ways))):
        raise ValueError(
            "accept must name methods: exemptions always count, and a method is at most 32 small "
            "letters, digits, hyphens and underscores"
        )
    if network is not None and network not in NETWORK_POLICIES:
        raise ValueError(f"network must be one of {', '.join(NETWORK_POLICIES)}")
    return Policy(
        action,
        limit,
        named,
        bind,
        single_use,
        fields,
        when=when,
        accept=ways,
        network=network,
    )


def described_by(owner: Any, *, bind: Bind | None = None, when: When | None = None) -> Policy:
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
        when=when or getattr(owner, "face_when", None),
        accept=getattr(owner, "face_accept", None),
        network=getattr(owner, "face_network", None),
    )


async def _result_of(awaitable: Awaitable[Any]) -> Any:
    return await awaitable
