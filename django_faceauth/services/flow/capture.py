"""Capture links that were handed out, and what the capture page is told beforehand."""

from __future__ import annotations

import logging
import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django.utils import translation

from django_faceauth import clocks
from django_faceauth.conf import PREFIX, conf
from django_faceauth.exceptions import MalformedAnswer
from django_faceauth.models import FaceAuthentication
from django_faceauth.models.resource import Resource
from django_faceauth.provider.factory import get_client
from django_faceauth.provider.url_validation import is_capture_url
from django_faceauth.services import unexpected_errors
from django_faceauth.services.sync import provider_rate_limit, sync
from django_faceauth.services.sync.polling_schedule import PULL_INTERVAL, PULL_TIMEOUT
from django_faceauth.statuses import AttemptStatus

if TYPE_CHECKING:
    from django_faceauth.provider.resources import AttemptSnapshot, ClientInformation, PhoneNumber

logger = logging.getLogger(__name__)

#: How long a capture page can be opened (the provider's documentation, "attempt statuses").
LINK_LIFE: Final = timedelta(minutes=15)
#: A capture link is handed out again while it is this young.
LINK_REUSE: Final = timedelta(minutes=8)
MOST_LINKS: Final = 1000

#: A language (BCP 47), a country (ISO 3166-1), and a number with a space after its country code.
LANGUAGE: Final = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*", re.ASCII)
COUNTRY: Final = re.compile(r"[A-Z]{2}", re.ASCII)
PHONE: Final = re.compile(r"(\+[1-9]\d{0,3}) ((?:[ -]?\d){4,14})", re.ASCII)


@dataclass(frozen=True, slots=True)
class HandOff:
    """A capture URL that the browser may go to now and open until `expires_at`."""

    capture_url: str = field(repr=False)
    expires_at: datetime


class CaptureOptions(NamedTuple):
    """Preselections of the capture page, and the number that its link may be sent to."""

    information: ClientInformation | None = None
    phone_number: PhoneNumber | None = None

    def without_number(self) -> CaptureOptions:
        """Return the options for a link that is not sent by SMS."""
        return self._replace(phone_number=None)

    @property
    def masked_number(self) -> str:
        """The end of the number, by which its owner recognises it; empty without one."""
        return f"…{self.phone_number.number[-3:]}" if self.phone_number else ""


#: The newest links, by the handles of their challenges, so that a second press costs no second
#: call. Only in the memory of this process: a link lets its holder take the place of its user,
#: so no row and no cache ever holds one.
_links: Final[OrderedDict[str, HandOff]] = OrderedDict()
_links_lock: Final = Lock()


def hand_out(
    handle: str, capture_url: str, *, created_on: datetime | None, now: datetime
) -> HandOff:
    """Return a capture URL to go to, and remember it.

    Raises `MalformedAnswer` for a URL of a host that the settings do not allow.
    """
    if not is_capture_url(capture_url, hosts=conf.CAPTURE_HOSTS, debug=settings.DEBUG):
        logger.error("capture host not allowed")
        raise MalformedAnswer("create_attempt", cause="capture host not allowed")
    created_on = clocks.given(created_on, now=now) or now
    link = HandOff(capture_url, min(created_on, now) + LINK_LIFE)
    with _links_lock:
        _links[handle] = link
        _links.move_to_end(handle)
        if len(_links) > MOST_LINKS:
            _links.popitem(last=False)
    return link


def handed_out(handle: str, *, now: datetime) -> HandOff | None:
    """Return the link that this process handed out last, if it has not expired."""
    with _links_lock:
        link = _links.get(handle)
        if link is not None and now >= link.expires_at:
            del _links[handle]
            return None
    return link


def can_be_opened(attempt: AttemptSnapshot, handle: str, *, now: datetime) -> bool:
    """Return whether the link of an attempt can be handed out again for that handle."""
    created_on = clocks.given(attempt.created_on, now=now)
    return (
        attempt.status == AttemptStatus.PENDING_REDIRECTION
        and created_on is not None
        and now - created_on < LINK_REUSE
        and carries(attempt.redirect_url, handle)
        and attempt.capture_url != ""
    )


def create_attempt(
    resource: Resource, redirect_url: str, options: CaptureOptions, *, now: datetime
) -> AttemptSnapshot:
    """Create an attempt at the provider; plan a poll for when no answer comes, too."""
    client = get_client()
    create = (
        client.create_attempt
        if isinstance(resource, FaceAuthentication)
        else client.create_identity_verification_attempt
    )
    sync.expect(resource, by=now + PULL_TIMEOUT, now=now)
    with provider_rate_limit.honour_retry_after(now=now):
        attempt = create(
            resource.provider_id or "",
            redirect_url=redirect_url,
            phone_number=options.phone_number,
            client_information=options.information,
        )
    sync.expect(resource, by=now + PULL_INTERVAL, now=now)
    return attempt


def carries(redirect_url: str, handle: str) -> bool:
    """Return whether the redirect URL of an attempt is that of the challenge `handle`."""
    return f"/{handle}/" in redirect_url.partition("?")[0]


def options_for(request: HttpRequest | None, user: AbstractBaseUser) -> CaptureOptions:
    """Return what `FACEAUTH_CAPTURE_OPTIONS` says; malformed parts are logged and left out."""
    # Loaded with the client: it is slow to load, and many processes never call the provider.
    from django_faceauth.provider.resources import ClientInformation, PhoneNumber

    # As BCP 47 writes it: `pt-BR` for `pt-br`, `zh-Hans` for `zh-hans`.
    language, _, rest = (translation.get_language() or "").partition("-")
    rest = rest.upper() if len(rest) == 2 else rest.title()
    given: Mapping[str, Any] = {"language": f"{language}-{rest}".rstrip("-")}
    hook = conf.CAPTURE_OPTIONS
    if hook is not None:
        try:
            given = {**given, **hook(request, user)}
        except Exception as error:
            unexpected_errors.note(error, f"{PREFIX}CAPTURE_OPTIONS user={user.pk}")
    parts: dict[str, re.Match[str] | None] = {}
    for name, pattern in (("language", LANGUAGE), ("country", COUNTRY), ("phone_number", PHONE)):
        text = given.get(name) or ""
        parts[name] = pattern.fullmatch(text) if isinstance(text, str) else None
        if text and parts[name] is None:
            logger.error("%sCAPTURE_OPTIONS: %s is malformed", PREFIX, name)
    country, phone = parts["country"], parts["phone_number"]
    number = phone and PhoneNumber(phone[1], re.sub(r"[ -]", "", phone[2]))
    information = ClientInformation(
        pre_selected_residence_country=country and country[0],
        pre_selected_language=parts["language"] and parts["language"][0],
    )
    return CaptureOptions(information, number)
