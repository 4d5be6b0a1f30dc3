"""What a session has been granted. The only toucher of the session.

A session holds one random secret; rows hold a digest of that secret, of the user and of
the user's session authentication hash. So a grant survives the rotation of the session
key, and ends with the session, with another user and with another password (B-04 to
B-06), without anything to remember on those occasions.

The second half of the digest also covers a secret in a cookie of our own. There is none
until a grant is first seen. Then it is replaced, so that cookies which were stolen or
planted before are worth nothing, while the session goes on (B-05).

A client without a session is known by its credential in the same way, and has to name the
challenge besides: the handle, which nobody else was told, is its secret (B-07).
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, TypeVar, cast

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import DatabaseError, transaction
from django.db.models import Q
from django.db.models.functions import Greatest
from django.http import HttpRequest, HttpResponseBase
from django.utils.crypto import salted_hmac
from django.utils.http import MAX_URL_LENGTH, url_has_allowed_host_and_scheme

from django_faceauth import clocks
from django_faceauth.conf import conf
from django_faceauth.models import FaceChallenge, FaceExemption, database
from django_faceauth.models.active_grants import Grant, standing
from django_faceauth.models.challenge import (
    EXEMPTION,
    SESSION_PART,
    FaceChallengeQuerySet,
)
from django_faceauth.services.dispatch import send_on_commit
from django_faceauth.services.grants import challenge_spec
from django_faceauth.services.grants.binding import Snapshot, is_storable
from django_faceauth.services.grants.challenge_spec import ChallengeSpec, Principal
from django_faceauth.signals import challenge_granted, exemption_changed

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

State = FaceChallenge.State

SESSION_KEY: Final = "_faceauth"
#: Open questions of one user, in all sessions and clients.
MOST_OPEN: Final = 20
#: Where `recognise` leaves its note on a request, and `see` another.
CREDENTIAL: Final = "_faceauth_credential"
SIGHT: Final = "_faceauth_sight"

#: As long as the longest grant. The session decides; this cookie is worth nothing without it.
COOKIE_LASTS: Final = timedelta(days=365)

#: What django-hijack and django-impersonate leave on the user, and these, django-loginas,
#: django-su and django-disguise in the session, while staff act as another user.
IMPERSONATION_MARKS: Final = ("is_hijacked", "is_impersonate")
IMPERSONATION_KEYS: Final = (
    "hijack_history",
    "loginas_from_user",
    "_impersonate",
    "exit_users_pk",
    "django_disguise:original_user",
)


@dataclass(slots=True)
class _Sight:
    """The grants that a request was the first to see, and the digests under which it did."""

    digests: tuple[str, ...]
    now: datetime
    pks: list[int] = field(default_factory=list)


def prepare(request: HttpRequest) -> None:
    """Give the session its secret, so that two first pages at once do not give it two."""
    if request.session.get(SESSION_KEY) is None:
        request.session[SESSION_KEY] = secrets.token_urlsafe(32)


def recognise(request: HttpRequest, credential: str) -> None:
    """Note that a request was authenticated by a credential, and not by its session.

    `credential` is what stays the same of it when it is renewed; empty if nothing does.
    """
    setattr(request, CREDENTIAL, credential)


def is_impersonated(request: HttpRequest) -> bool:
    """Tell whether somebody else acts as this user, by what tools for that leave (TH-44)."""
    if any(getattr(request.user, mark, False) for mark in IMPERSONATION_MARKS):
        return True
    has_session = _credential_of(request) is None
    if not has_session:
        return False
    loginas = getattr(settings, "LOGINAS_FROM_USER_SESSION_FLAG", "")
    keys = (*IMPERSONATION_KEYS, loginas, *conf.IMPERSONATION_KEYS)
    return any(isinstance(key, str) and request.session.get(key) for key in keys)


def seat_of(request: HttpRequest) -> Principal:
    """Return who sits in which session; an empty digest if nothing was asked there (B-04)."""
    user, credential = _user(request), _credential_of(request)
    if not request.user.is_authenticated:
        return Principal(user, "")
    if credential is not None:
        digest, *former = (_digest("credential", credential, user, key) for key in _keys(user))
        return Principal(user, digest, names_challenge=True, former=tuple(former))
    digest, *former = _digests_of_session(request, request.COOKIES.get(cookie_name(), ""))
    return Principal(user, digest, former=tuple(former))


def cookie_name() -> str:
    """Return the name of our cookie."""
    return f"{settings.SESSION_COOKIE_NAME}_faceauth"


def asked_by(seat: Principal) -> FaceChallengeQuerySet:
    """Return what the user was asked in that session, with that cookie."""
    return FaceChallenge.objects.of(user_id=seat.user.pk, digests=seat.digests)


def asked_in_session_of(seat: Principal) -> FaceChallengeQuerySet:
    """Return what the user was asked in that session, with whatever cookie."""
    return FaceChallenge.objects.in_session(user_id=seat.user.pk, digests=seat.digests)


def fresh(seat: Principal, *, action: str, max_age: timedelta, now: datetime) -> list[Grant]:
    """Return the grants for `action` that stand and are fresh, the newest first.

    The future is not fresh.
    """
    if not seat.session_digest:
        return []
    grants = standing(
        user_id=seat.user.pk,
        digests=seat.digests,
        action=action,
        since=now - max_age,
    )
    return [grant for grant in grants if not _is_of_the_future(grant, now)]


def one(asked: FaceChallengeQuerySet, handle: str) -> FaceChallenge | None:
    """Return the challenge with that handle if it is among what was asked (B-07).

    One that was not started has more than one if several clients share a credential.
    """
    if not is_storable(handle):  # the database would raise
        return None
    asked = asked.select_related("authentication", "user")
    challenge = asked.filter(handle=handle).first()
    if challenge is not None:
        return challenge if challenge.handle == handle else None
    if len(handle) != challenge_spec.NONCE_LENGTH + challenge_spec.MARK_LENGTH:
        return None
    for shared in asked.filter(state=State.OPEN, started_at=None):
        if challenge_spec.is_handle_of(handle, shared.handle):
            shared.handle = handle
            return shared
    return None


def find(request: HttpRequest, handle: str) -> FaceChallenge | None:
    """Return the challenge with that handle if it was asked here, of this user (B-07)."""
    return one(asked_by(seat_of(request)), handle)


def find_replaced(request: HttpRequest, handle: str) -> FaceChallenge | None:
    """Return the challenge with that handle if it was asked in this session, with another cookie.

    Either the request was on its way while the cookie was replaced, or the one was that asked.
    """
    return one(asked_in_session_of(seat_of(request)), handle)


def is_behind(request: HttpRequest, handle: str) -> bool:
    """Tell whether a request was on its way while the cookie was replaced.

    Only then a grant was seen with the cookie of the challenge that it is about.
    """
    challenge = find_replaced(request, handle)
    if challenge is None:
        return False
    asked = FaceChallenge.objects.of(user_id=challenge.user_id, digests=[challenge.session_digest])
    return asked.filter(session_rotated_at__isnull=False).exists()


def return_url_of(handle: str) -> str:
    """Return where a program wants the browser to go that comes back for a challenge.

    Whoever knows the handle is told, in whatever browser: it is an address that the site has
    listed, and says nothing about the user (B-09).
    """
    challenge = FaceChallenge.objects.filter(handle=handle).only("handle", "return_url").first()
    return challenge.return_url if challenge is not None and challenge.handle == handle else ""


@database.repeated
def ask(
    request: HttpRequest,
    question: ChallengeSpec,
    *,
    window: timedelta,
    now: datetime,
    named: str = "",
) -> FaceChallenge:
    """Return the open challenge for a question in this session; there is never more than one.

    One whose attempt is older than `window` is out of date, and a new one takes its place.
    Clients without a session get the one that they have `named`, or, with a handle of their
    own, the one of their credential for the same thing, as long as nothing was started for it.
    """
    seat = _taken(request)
    slot, held = _slot_for(seat, question), None
    if seat.names_challenge:
        held = one(asked_by(seat).filter(state=State.OPEN), named)
        slot = held.dedup_key if held and held.dedup_key else _set_aside(slot)
    in_slot = FaceChallenge.objects.filter(dedup_key=slot)
    in_slot.filter(started_at__lte=now - window).close(State.EXPIRED, reason="abandoned")
    challenge, created = FaceChallenge.objects.get_or_create(
        dedup_key=slot, defaults=challenge_spec.columns(seat, question, now)
    )
    if not created:
        # The newest page that asked is the one to go on to, unless the link to it was on
        # another site; a script of another tab leaves it as it is. The longest window decides
        # when an approval is of no more use; each gate holds to its own.
        is_kept = question.is_of_program or _comes_from_another_site(request)
        way_on = {} if is_kept else question.way_on
        in_slot.update(
            max_age=Greatest("max_age", question.seconds), **way_on, reason=question.reason
        )
        if held is not None:
            challenge.handle = held.handle
        elif seat.names_challenge:
            challenge.handle = challenge_spec.handle_of_another_client(challenge.handle)
    else:
        _make_room(challenge)
    return challenge


def of_client(challenge: FaceChallenge) -> FaceChallengeQuerySet:
    """Return the row of a challenge, unless a client with another handle has started it."""
    is_its_own = Q(handle=challenge.handle) | Q(started_at=None)
    return FaceChallenge.objects.filter(is_its_own, pk=challenge.pk)


def handle_columns(challenge: FaceChallenge) -> dict[str, str]:
    """Return what to write into the row when the client that holds this handle starts."""
    return challenge_spec.handle_columns(
        challenge.handle, challenge.action, challenge.snapshot, challenge.user_id
    )


def go_on_to(challenge: FaceChallenge, url: str) -> None:
    """Have the user of an open challenge go on to a local URL, in place of anything kept."""
    asked = FaceChallenge.objects.filter(pk=challenge.pk, state=State.OPEN)
    asked.update(next_url=url, resume_url="", saved_form_data=None)


def approve_by_other_method(
    challenge: FaceChallenge, *, method: str, since: datetime, now: datetime
) -> bool:
    """Grant an unanswered question by another way of the site; tell whether it was one."""
    asked = of_client(challenge)
    # As a start does, unless another client is at it.
    asked.filter(start_locked_at=None).update(**handle_columns(challenge))
    asked = asked.filter(handle=challenge.handle)
    granted = asked.answer(method, since=since, now=now) == 1
    if granted:
        send_on_commit(challenge_granted, sender=FaceChallenge, challenge=asked.get())
    return granted


def note_exemption(
    request: HttpRequest,
    exemption: FaceExemption,
    *,
    action: str,
    snapshot: Snapshot,
    now: datetime,
) -> FaceChallenge:
    """Leave a used challenge behind that says by which exemption somebody passed."""
    question = ChallengeSpec(action, timedelta(0), snapshot, reason=f"exemption {exemption.pk}")
    used = FaceChallenge.objects.create(
        **challenge_spec.columns(_taken(request), question, now),
        state=State.CONSUMED,
        method=EXEMPTION,
        verified_at=now,
        granted_at=now,
        consumed_at=now,
    )
    send_on_commit(
        exemption_changed,
        sender=FaceExemption,
        exemption=exemption,
        change="used",
        challenge=used,
    )
    return used


def issue(challenge: FaceChallenge, *, verified_at: datetime, now: datetime) -> bool:
    """Grant an open challenge; `verified_at` is the anchor, set here once and for all (G-05)."""
    asked = FaceChallenge.objects.filter(pk=challenge.pk)
    granted = asked.close(State.GRANTED, reason="approved", verified_at=verified_at, granted_at=now)
    if granted:
        send_on_commit(challenge_granted, sender=FaceChallenge, challenge=asked.get())
    return granted == 1


def see(request: HttpRequest, challenge: FaceChallenge | Grant, *, now: datetime) -> None:
    """Note that a request is the first to see a grant: its answer has to go through `carry`."""
    if challenge.session_rotated_at is not None or _credential_of(request) is not None:
        return
    noted = vars(_plain(request))
    sight, digests = noted.get(SIGHT), seat_of(request).digests
    if sight is None or sight.digests != digests:
        sight = noted[SIGHT] = _Sight(digests, now)
    sight.pks.append(challenge.pk)


def has_seen(request: HttpRequest) -> bool:
    """Tell whether `carry` has something to do for a request."""
    return SIGHT in vars(_plain(request))


def carry(request: HttpRequest, answer: Answer) -> Answer:
    """Replace the secret of our cookie if the request was the first to see a grant (B-05).

    In a transaction of the site it is done after the commit: a view that raises takes back
    its rows, and its answer does not get to the browser. Returns the answer.
    """
    if not isinstance(answer, HttpResponseBase) or not has_seen(request):
        return answer
    renew = partial(_replace, request, answer, vars(_plain(request)).pop(SIGHT))
    if database.is_surrounded():
        database.on_commit(renew)
    else:
        renew()
    return answer


def consume(challenge: FaceChallenge | Grant, max_age: timedelta, *, now: datetime) -> bool:
    """Use up a grant; tell whether it was this caller who did (B-02)."""
    return FaceChallenge.objects.filter(pk=challenge.pk).consume(max_age, now=now) == 1


def _is_of_the_future(grant: Grant, now: datetime) -> bool:
    is_ahead = clocks.is_ahead(grant.verified_at, now=now)
    if is_ahead:
        logger.warning("refused, anchor in the future: %s", grant)
    return is_ahead


def _replace(request: HttpRequest, response: HttpResponseBase, sight: _Sight) -> None:
    # The view may have logged the user out, or changed the password: there is no grant then.
    if seat_of(request).digests != sight.digests:
        return
    secret = secrets.token_urlsafe(32)
    try:
        is_replaced = _rekey(_user(request), sight, _digests_of_session(request, secret)[0])
    except DatabaseError as error:
        # What the view did is done. The grant stays unseen, so the next request tries again.
        logger.error("cookie not replaced: %s", type(error).__name__)
        return
    if is_replaced:
        # What is still rendered for this request goes by the new secret, too.
        request.COOKIES[cookie_name()] = secret
        lasts = None if request.session.get_expire_at_browser_close() else COOKIE_LASTS
        response.set_cookie(
            cookie_name(),
            secret,
            max_age=lasts,
            path=settings.SESSION_COOKIE_PATH,
            domain=settings.SESSION_COOKIE_DOMAIN,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite=settings.SESSION_COOKIE_SAMESITE,
        )


def _rekey(user: AbstractBaseUser, sight: _Sight, digest: str) -> bool:
    """Give all rows of a seat another digest; tell whether the grants were among them.

    Of several requests at once, one finds them there.
    """
    rows = FaceChallenge.objects
    with database.atomic():
        asked = rows.of(user_id=user.pk, digests=sight.digests)
        asked.rekey(digest, seen=sight.pks, now=sight.now)
        is_first = rows.filter(pk__in=sight.pks, session_digest=digest).exists()
        if not is_first:  # the rows were asked by others that come late, and stay theirs
            transaction.set_rollback(True, using=database.alias())
    return is_first


def _comes_from_another_site(request: HttpRequest) -> bool:
    """Tell whether a page of another site led here; older browsers tell by the referrer."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "cross-site"
    referrer = request.headers.get("Referer", "")[:MAX_URL_LENGTH]
    return referrer != "" and not url_has_allowed_host_and_scheme(
        referrer, allowed_hosts={request.get_host()}
    )


def _set_aside(slot: str) -> str:
    """Leave a started challenge to the client that named it: others are not told its handle."""
    started = FaceChallenge.objects.filter(dedup_key=slot, started_at__isnull=False)
    started.update(dedup_key=secrets.token_hex(32))
    return slot


def _make_room(challenge: FaceChallenge) -> None:
    """Let the oldest questions of a user that were not started give way to a new one.

    So no client fills the table, and none keeps its owner from being asked.
    """
    others = FaceChallenge.objects.filter(user_id=challenge.user_id, state=State.OPEN)
    others = others.exclude(pk=challenge.pk)
    surplus = others.count() - (MOST_OPEN - 1)
    if surplus > 0:
        unstarted = others.filter(started_at=None, start_locked_at=None).order_by(
            "created_at", "pk"
        )
        oldest = list(unstarted.values_list("pk", flat=True)[:surplus])
        FaceChallenge.objects.filter(pk__in=oldest).close(State.EXPIRED, reason="gave_way")


def _slot_for(seat: Principal, question: ChallengeSpec) -> str:
    """Return the slot of a question, or the one that it had before a rotation of `SECRET_KEY`."""
    if seat.former:
        slots = [
            challenge_spec.slot(replace(seat, session_digest=former), question)
            for former in seat.former
        ]
        held = FaceChallenge.objects.filter(dedup_key__in=slots).first()
        if held is not None and held.dedup_key:
            return held.dedup_key
    return challenge_spec.slot(seat, question)


def _taken(request: HttpRequest) -> Principal:
    """Return the seat of a request, after giving its session a secret if it has none."""
    if _credential_of(request) is None:
        prepare(request)
    return seat_of(request)


def _digests_of_session(request: HttpRequest, cookie: str) -> list[str]:
    """Return the digests of a session together with the secret of our cookie."""
    secret, user = request.session.get(SESSION_KEY), _user(request)
    if not isinstance(secret, str) or not user.is_authenticated:
        return [""]
    return [
        _digest("session", secret, user, key)[:SESSION_PART]
        + _digest("cookie", secret, user, key, cookie)[SESSION_PART:]
        for key in _keys(user)
    ]


def _digest(
    kind: str, secret: str, user: AbstractBaseUser, key: tuple[Any, str], cookie: str = ""
) -> str:
    site_key, auth_hash = key
    # What a browser says comes last, where it cannot be taken for something else.
    whole = f"{secret}|{user.pk}|{auth_hash}|{cookie}"
    salt = f"django_faceauth.{kind}"
    return salted_hmac(salt, whole, secret=site_key, algorithm="sha256").hexdigest()


def _keys(user: AbstractBaseUser) -> list[tuple[Any, str]]:
    """Return keys of the site with session authentication hashes, the present ones first.

    Key None is `SECRET_KEY`. A user model may make the hash without any key.
    """
    present = user.get_session_auth_hash()
    keys: list[tuple[Any, str]] = [(None, present)]
    if settings.SECRET_KEY_FALLBACKS:
        hashes = user.get_session_auth_fallback_hash()
        for former, auth_hash in zip(settings.SECRET_KEY_FALLBACKS, hashes, strict=True):
            keys += [(former, auth_hash), (former, present)]
    return keys


def _plain(request: Any) -> HttpRequest:
    """Return the request of Django behind one of Django REST framework."""
    plain: HttpRequest = getattr(request, "_request", request)
    return plain


def _credential_of(request: HttpRequest) -> str | None:
    credential: str | None = getattr(request, CREDENTIAL, None)
    return credential


def _user(request: HttpRequest) -> AbstractBaseUser:
    return cast(AbstractBaseUser, request.user)  # callers have made sure that it is not anonymous
