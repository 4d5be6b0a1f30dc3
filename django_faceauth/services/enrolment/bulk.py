"""Linking many users to their applicants at once: all of a list, or nothing of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Final

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from django_faceauth.identifiers import Prefix, is_id
from django_faceauth.models import Applicant, database
from django_faceauth.services import audit_log
from django_faceauth.services.enrolment import applicants, user_lookup

#: Lines that are looked up together.
BATCH: Final = 500

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Entry:
    """What a line says: which user, by name or primary key, is which applicant."""

    line: int
    user: str
    applicant_id: str


@dataclass(slots=True)
class Plan:
    """What is to be linked, what is so already, and what is wrong, by line number."""

    links: list[tuple[AbstractBaseUser, str]] = field(default_factory=list)
    unchanged: int = 0
    problems: list[tuple[int, Text]] = field(default_factory=list)
    _lines: dict[object, int] = field(default_factory=dict)

    def first_line_of(self, thing: object, line: int) -> int:
        """Return the line that named a user or an applicant first: this one, as a rule."""
        return self._lines.setdefault(thing, line)


def plan(entries: Iterable[Entry]) -> Plan:
    """Hold all entries against each other and against what is linked; write nothing."""
    made, rest = Plan(), iter(entries)
    while batch := list(islice(rest, BATCH)):
        for entry, user, wrong in _judged(batch, made):
            if wrong:
                made.problems.append((entry.line, wrong))
            elif user is None:
                made.unchanged += 1
            else:
                made.links.append((user, entry.applicant_id))
    return made


def carry_out(
    made: Plan, *, now: datetime, tell: Callable[[int], object] = int, dry_run: bool = False
) -> None:
    """Link all that was planned, in one transaction; `tell` hears of each.

    Raises `ValueError` if there are problems, and `IntegrityError` when somebody else linked
    one of them meanwhile.
    """
    if made.problems:
        raise ValueError("a plan with problems")
    if dry_run or not made.links:
        return
    with database.atomic():
        for user, applicant_id in made.links:
            applicants.link(user, applicant_id, now=now)
            tell(1)
        audit_log.note("linked", by=None, now=now, users=len(made.links))


def _judged(
    batch: Sequence[Entry], made: Plan
) -> Iterator[tuple[Entry, AbstractBaseUser | None, Text]]:
    """Yield each entry with the user to link, None when that is done, and what is wrong."""
    users = user_lookup.find(entry.user for entry in batch)
    owners = _owners(batch)
    former = _former(user for found in users.values() for user in found)
    for entry in batch:
        found = users[entry.user]
        wrong = _malformed(entry, found) or _repeated(entry, found[0], made)
        if wrong:
            yield entry, None, wrong
            continue
        held, owner = former.get(found[0].pk), owners.get(entry.applicant_id, found[0].pk)
        is_linked = held == entry.applicant_id
        yield entry, None if is_linked else found[0], _taken(held, entry, owner == found[0].pk)


def _malformed(entry: Entry, found: user_lookup.Found) -> Text:
    if not is_id(entry.applicant_id, Prefix.APPLICANT):
        return _("this is no applicant id, which begins with aplt_")
    if not found:
        return _("there is no such user")
    return _("this names two users, one by name and one by primary key") if len(found) > 1 else ""


def _repeated(entry: Entry, user: AbstractBaseUser, made: Plan) -> Text:
    line = made.first_line_of(user.pk, entry.line)
    if line != entry.line:
        return _("this user is on line %d already") % line
    line = made.first_line_of(f"applicant {entry.applicant_id}", entry.line)
    return _("this applicant is on line %d already") % line if line != entry.line else ""


def _taken(held: str | None, entry: Entry, is_own: bool) -> Text:
    if not is_own:
        return _("another user has this applicant")
    # Another applicant is another face: that is for staff to decide, one by one (T-1.2).
    if held not in {None, entry.applicant_id}:
        return _("this user has another applicant")
    return ""


def _owners(batch: Sequence[Entry]) -> dict[str, object]:
    ids = [entry.applicant_id for entry in batch]
    rows = Applicant.objects.filter(applicant_id__in=ids)
    return dict(rows.values_list("applicant_id", "user_id"))


def _former(users: Iterable[AbstractBaseUser]) -> dict[object, str]:
    rows = Applicant.objects.filter(user_id__in=[user.pk for user in users])
    return dict(rows.values_list("user_id", "applicant_id"))
