"""Link many users to their applicants at once, or none of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from time import sleep
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from django_faceauth.conf import conf
from django_faceauth.exceptions import NotFound
from django_faceauth.identifiers import Prefix, is_id
from django_faceauth.messages import Text
from django_faceauth.models import Applicant, database
from django_faceauth.services import audit_log
from django_faceauth.services.enrolment import applicants

#: Lines that are looked up together.
BATCH: Final = 500

Found = Sequence[AbstractBaseUser]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: which user, by name or primary key, is which applicant."""

    line: int
    user: str
    applicant_id: str


@dataclass(slots=True)
class Plan:
    """What to link, by line number, how many are linked already, and the problems."""

    links: list[tuple[int, AbstractBaseUser, str]] = field(default_factory=list)
    unchanged: int = 0
    problems: list[tuple[int, Text]] = field(default_factory=list)


def find_users(names: Iterable[str]) -> Mapping[str, Found]:
    """Return for each of `names` the users that it may mean: none, one, or two.

    Two if one user's name is the primary key of another: guessing would be unsafe.
    """
    model: Any = get_user_model()
    keys: dict[str, Any] = {}
    for name in names:
        try:
            keys[name] = model._meta.pk.clean(name, None)
        except ValidationError:
            keys[name] = None
    of_name = {f"{model.USERNAME_FIELD}__in": list(keys)}
    by_name = {user.get_username(): user for user in model._base_manager.filter(**of_name)}
    by_key = model._base_manager.in_bulk([key for key in keys.values() if key])
    return {
        name: tuple({user for user in (by_name.get(name), by_key.get(key)) if user})
        for name, key in keys.items()
    }


def plan(entries: Iterable[Entry]) -> Plan:
    """Compare all entries with each other and with the database; write nothing."""
    result, rest = Plan(), iter(entries)
    lines: dict[object, int] = {}  # which named a user or an applicant first
    while batch := list(islice(rest, BATCH)):
        users = find_users(entry.user for entry in batch)
        applicant_ids = [entry.applicant_id for entry in batch]
        user_ids = [user.pk for found in users.values() for user in found]
        owner_of = dict(
            Applicant.objects.filter(applicant_id__in=applicant_ids).values_list(
                "applicant_id", "user_id"
            )
        )
        applicant_of = dict(
            Applicant.objects.filter(user_id__in=user_ids).values_list("user_id", "applicant_id")
        )
        for entry in batch:
            found = users[entry.user]
            problem: Text = ""
            applicant = f"applicant {entry.applicant_id}"
            if not is_id(entry.applicant_id, Prefix.APPLICANT):
                problem = _("this is not an applicant id, which begins with aplt_")
            elif not found:
                problem = _("there is no such user")
            elif len(found) > 1:
                problem = _("this names two users, one by name and one by primary key")
            elif (line := lines.setdefault(found[0].pk, entry.line)) != entry.line:
                problem = _("this user is on line %d already") % line
            elif (line := lines.setdefault(applicant, entry.line)) != entry.line:
                problem = _("this applicant is on line %d already") % line
            elif owner_of.get(entry.applicant_id, found[0].pk) != found[0].pk:
                problem = _("another user has this applicant")
            elif (linked := applicant_of.get(found[0].pk)) is None:
                result.links.append((entry.line, found[0], entry.applicant_id))
            elif linked == entry.applicant_id:
                result.unchanged += 1
            else:
                # Another applicant is another face: staff decide on that, one by one.
                problem = _("this user has another applicant")
            if problem:
                result.problems.append((entry.line, problem))
    return result


def check(plan: Plan, *, tell: Callable[[int], object]) -> None:
    """Add the applicants that the provider does not know to the problems of a plan.

    Asks no faster than `FACEAUTH_POLL_RATE`. Raises another error of the provider, or a
    `ConfigurationError`.
    """
    for line, _user, applicant_id in plan.links:
        try:
            applicants.require_known(applicant_id, now=timezone.now())
        except NotFound:
            plan.problems.append((line, _("the provider does not know this applicant")))
        tell(1)
        sleep(1 / conf.POLL_RATE)


def carry_out(plan: Plan, *, now: datetime, tell: Callable[[int], object]) -> None:
    """Link all that was planned, in one transaction; call `tell(1)` after each.

    Raises `IntegrityError` if a user or an applicant was linked elsewhere in the meantime.
    """
    if not plan.links:
        return
    with database.atomic():
        for _line, user, applicant_id in plan.links:
            applicants.link(user, applicant_id, check=False)
            tell(1)
        audit_log.note("linked", by=None, now=now, users=len(plan.links))
