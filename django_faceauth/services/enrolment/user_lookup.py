"""Look up users by user name or primary key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError

Found = Sequence[AbstractBaseUser]


def find(names: Iterable[str]) -> Mapping[str, Found]:
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
