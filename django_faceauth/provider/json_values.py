"""Tolerant reading of the provider's JSON: values of another type count as absent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn

from django.utils.dateparse import parse_datetime

from django_faceauth import clocks
from django_faceauth.exceptions import MalformedAnswer
from django_faceauth.identifiers import Prefix, is_id

Json = Mapping[str, Any]


def as_object(data: object, operation: str) -> Json:
    if not isinstance(data, Mapping):
        raise MalformedAnswer(operation, cause="not an object")
    return data


def id_in(data: Json, prefix: Prefix | None, operation: str) -> str:
    if not is_id(data.get("id"), prefix):
        raise MalformedAnswer(operation, cause=f"no {prefix or 'usable'} id")
    return str(data["id"])


def text_in(data: Json, key: str) -> str:
    return printable(data.get(key))


def printable(value: object) -> str:
    # Databases reject NUL and lone surrogates, and line ends forge log lines. Dropped as a
    # whole: without its odd character a text could become a different word.
    return value if isinstance(value, str) and value.isprintable() else ""


def list_in(data: Json, key: str) -> list[Any]:
    value = data.get(key)
    return value if isinstance(value, list) else []


def object_in(data: Json, key: str) -> Json:
    value = data.get(key)
    return value if isinstance(value, Mapping) else {}


def count_in(data: Json, key: str, default: int) -> int:
    value = data.get(key)
    return value if type(value) is int and value >= 0 else default


def href_in(data: Json, name: str) -> str:
    return text_in(object_in(object_in(data, "_links"), name), "href")


def moment_in(data: Json, key: str) -> datetime | None:
    """Return the timestamp under `key`, in UTC, or None if it is not usable."""
    try:
        moment = parse_datetime(text_in(data, key))
    except ValueError:
        return None
    # The provider documents UTC; a timestamp without an offset is taken as UTC.
    return clocks.in_range(moment and (moment if moment.tzinfo else moment.replace(tzinfo=UTC)))


def reject_constant(name: str) -> NoReturn:
    """Raise `ValueError`: NaN and Infinity are not JSON."""
    raise ValueError(name)
