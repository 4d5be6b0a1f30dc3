"""Keep less of the provider's answers, where the site wants less."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from django_faceauth.conf import conf
from django_faceauth.models import FaceAuthentication

logger = logging.getLogger(__name__)


def filter_facts(authentication: FaceAuthentication, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts to store about an authentication, all of them lists or strings.

    `FACEAUTH_SCRUB` is given a copy and returns what to keep. What it adds does not count, and
    if it raises nothing is kept. Of an erased user nothing is kept either.
    """
    scrub = conf.SCRUB
    if authentication.is_scrubbed:
        wanted: Mapping[str, Any] = {}
    elif scrub is None:
        wanted = facts
    else:
        try:
            wanted = dict(scrub(deepcopy(dict(facts))))
        except Exception as error:  # the status must not be lost by it
            logger.error("scrub failed: %s", type(error).__name__)
            wanted = {}
    kept: dict[str, Any] = {}
    for name, value in facts.items():
        choice = wanted.get(name)
        if isinstance(value, list):
            choice = choice if isinstance(choice, list | tuple) else ()
            kept[name] = [item for item in value if item in choice]
        else:
            kept[name] = value if choice == value else type(value)()
    return kept
