"""What a gate asks for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.views import View

from django_faceauth.conf import as_duration, conf
from django_faceauth.models.challenge import ACTION_LENGTH

SHORTEST: Final = timedelta(seconds=1)
LONGEST: Final = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Policy:
    """What a gate asks for; build it with `policy()`.

    `max_age` None means `FACEAUTH_MAX_AGE`, `methods` None means every method.
    """

    action: str = ""
    max_age: timedelta | None = None
    methods: frozenset[str] | None = None

    @property
    def age_limit(self) -> timedelta:
        """How long a shown face counts here."""
        return conf.MAX_AGE if self.max_age is None else self.max_age

    def covers(self, method: str | None) -> bool:
        """Tell whether requests with that method must pass the gate."""
        return self.methods is None or method in self.methods


def policy(
    *,
    action: str = "",
    max_age: float | timedelta | None = None,
    methods: Iterable[str] | None = None,
) -> Policy:
    """Return the policy that a site developer wrote; `max_age` is seconds or a `timedelta`.

    Raises `ValueError` for a gate that could never open or that would guard nothing, and
    `TypeError` for a `max_age` that is no duration.
    """
    if len(action) > ACTION_LENGTH:
        raise ValueError(f"action must not be longer than {ACTION_LENGTH} characters")
    limit = None if max_age is None else as_duration(max_age)
    if limit is not None and not SHORTEST <= limit <= LONGEST:
        raise ValueError("max_age must be between a second and a year")
    return Policy(action, limit, None if methods is None else _named(methods))


def _named(methods: Iterable[str]) -> frozenset[str]:
    if isinstance(methods, str):
        raise ValueError("methods must be a list of names, not one string")
    named = {method.upper() for method in methods}
    unknown = named - {name.upper() for name in View.http_method_names}
    if unknown:
        raise ValueError(f"methods names no HTTP method: {', '.join(sorted(unknown))}")
    if not named:
        raise ValueError("methods must not be empty: the gate would guard nothing")
    # Django answers HEAD with the view's GET: who guards one guards the other (G-15).
    return frozenset(named | {"HEAD"} if "GET" in named else named)
