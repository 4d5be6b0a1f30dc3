"""What is kept of what the provider says about a face: less, where the site wants less (V-01).

What passes our edge is an allow-list already: no picture, no template, no phone number, no
network address and no capture link. A site may keep less of the rest, and never more.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from copy import deepcopy
from typing import Any, TypeVar

from django_faceauth.conf import conf
from django_faceauth.models import FaceAuthentication

logger = logging.getLogger(__name__)

Value = TypeVar("Value")
Facts = Mapping[str, Any]


def filter_facts(authentication: FaceAuthentication, facts: Facts) -> dict[str, Any]:
    """Return what is kept of facts about an authentication: lists and texts, by their columns.

    `FACEAUTH_SCRUB` is given a copy and returns what to keep. What it adds does not count. Of
    somebody who was erased nothing is kept (V-07).
    """
    wanted = {} if authentication.is_scrubbed else _wanted(facts)
    return {name: _only(value, wanted.get(name)) for name, value in facts.items()}


def _wanted(facts: Facts) -> Facts:
    """Ask the site; one whose code raises keeps nothing, since news must not be lost by it."""
    scrub = conf.SCRUB
    if scrub is None:
        return facts
    try:
        return dict(scrub(deepcopy(dict(facts))))
    except Exception as error:
        logger.error("scrub failed: %s", type(error).__name__)
        return {}


def _only(value: Value, wanted: Any) -> Value:
    """Return what of `value` is wanted: items of a list, or a text as a whole."""
    if isinstance(value, list):
        chosen = wanted if isinstance(wanted, list | tuple) else ()
        return [item for item in value if item in chosen]  # type: ignore[return-value]
    return value if wanted == value else type(value)()
