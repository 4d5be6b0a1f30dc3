"""Who is meant: users by the name that they log in with, or by their primary key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError

Found = Sequence[AbstractBaseUser]


def find(names: Iterable[str]) -> Mapping[str, Found]:
    """Return for each of `names` the users that it may mean: none, one, or two.

    Two are one whose user name is the primary key of another: nobody may guess then.
    """
    keys = {name: _key(name) for name in names}
    by_name = {user.get_username(): user for user in _users(_username(), keys)}
    by_key = {user.pk: user for user in _users("pk", filter(None, keys.values()))}
    return {
        name: tuple({user for user in (by_name.get(name), by_key.get(key)) if user})
        for name, key in keys.items()
    }


def _users(column: str, values: Iterable[Any]) -> Iterable[AbstractBaseUser]:
    users: Any = get_user_model()._base_manager.filter(**{f"{column}__in": list(values)})
    found: Iterable[AbstractBaseUser] = users
    return found


def _username() -> str:
    return str(get_user_model().USERNAME_FIELD)


def _key(text: str) -> Any:
    """Return `text` as a primary key of the user model; None when it is none."""
    try:
        return get_user_model()._meta.pk.clean(text, None)
    except ValidationError:
        return None
