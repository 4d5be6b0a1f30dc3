"""States of users and sessions.

The provider's answers are made up; the services of production act on them, no call is made,
and the real gate decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, cast

from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpResponseBase
from django.utils import timezone

from django_faceauth.conf import conf
from django_faceauth.durations import as_duration
from django_faceauth.models import (
    Applicant,
    FaceAuthentication,
    FaceChallenge,
    FaceExemption,
    Lockout,
    database,
)
from django_faceauth.models.authentication import StatusChange
from django_faceauth.models.exemption import EVERY_ACTION
from django_faceauth.networks import digests_of, parse
from django_faceauth.provider.resources import AttemptSnapshot, AuthenticationSnapshot, ResponseCode
from django_faceauth.services import limits, review_queue
from django_faceauth.services.enrolment import applicants
from django_faceauth.services.flow import finish
from django_faceauth.services.grants import exemptions, grants
from django_faceauth.services.grants.binding import snapshot_of
from django_faceauth.services.grants.challenge_spec import ChallengeSpec
from django_faceauth.services.sync import sync
from django_faceauth.services.sync.sync import Pulled
from django_faceauth.simulator.state_machine import ELSEWHERE, LOOPBACK, new_id
from django_faceauth.statuses import AttemptStatus, AuthenticationStatus
from django_faceauth.testing.provider import SIMULATOR
from django_faceauth.testing.responses import challenge_of
from django_faceauth.testing.sessions import Target, request_of
from django_faceauth.testing.webhooks import authentication_of

Duration = float | timedelta
#: In place of a client: the response in which a gate asks for a face.
Asked = Target | HttpResponseBase

#: The author of exemptions, by default.
AUTHOR: Final = "faceauth-author@example.com"


def enrolled(user: AbstractBaseUser, applicant_id: str = "") -> Applicant:
    """Return the applicant of a user, linking one if there is none or another is given.

    `applicant_id` may be one of the simulator's scripts, such as `aplt_62321` and zeros. Raises
    `ValueError` for an id of the wrong shape.
    """
    if applicant_id:
        return applicants.link(user, applicant_id, check=False)
    applicant = Applicant.objects.filter(user_id=user.pk).first()
    return applicant or applicants.link(user, new_id("aplt"), check=False)


def face_asked(
    target: Target,
    *,
    action: str = "",
    binding: Mapping[str, Any] | None = None,
    user: AbstractBaseUser | None = None,
) -> FaceChallenge:
    """Ask the user at `target` for a face, and leave the challenge open.

    The arguments are those of `face_shown`.
    """
    return _asked(target, action, binding, user, timezone.now())


def face_shown(
    target: Asked,
    *,
    action: str = "",
    ago: Duration = 0,
    binding: Mapping[str, Any] | None = None,
    user: AbstractBaseUser | None = None,
    elsewhere: bool = False,
) -> FaceChallenge:
    """Approve a face check of the user at `target`, so that gates of `action` open.

    `target` is a test client, a request of a `RequestFactory`, or a response that asks for a
    face, whose challenge has its `action` and `binding` from the gate. `ago` is the time since
    the capture, in seconds or as a `timedelta`. `binding` is the mapping that the gate's `bind`
    returns. `user` is logged in first. A user who is not enrolled is. With `elsewhere`, the face
    is captured in another network than that of the session, as in a relay.

    Returns the challenge: clients without a session send its `handle` as `Face-Challenge`.
    Raises `ValueError` when no user is logged in, and the errors of `bind` for a `binding`.
    """
    then = _then(ago)
    challenge = _asked(target, action, binding, user, then)
    return _decided(challenge, AuthenticationStatus.APPROVED, then, elsewhere=elsewhere)


def face_declined(
    target: Asked,
    *,
    action: str = "",
    ago: Duration = 0,
    binding: Mapping[str, Any] | None = None,
    user: AbstractBaseUser | None = None,
) -> FaceChallenge:
    """Decline a face check at `target`; the arguments are those of `face_shown`.

    The number in `FACEAUTH_RATE_LIMITS["lockout"]` locks the user out.
    """
    then = _then(ago)
    return _decided(
        _asked(target, action, binding, user, then), AuthenticationStatus.DECLINED, then
    )


def face_revoked(
    target: Asked,
    *,
    action: str = "",
    ago: Duration = 0,
    binding: Mapping[str, Any] | None = None,
    user: AbstractBaseUser | None = None,
) -> FaceChallenge:
    """Approve a face check at `target`, which the provider then declines after an audit.

    The arguments are those of `face_shown`.
    """
    challenge = face_shown(target, action=action, ago=ago, binding=binding, user=user)
    _apply(authentication_of(challenge), AuthenticationStatus.DECLINED, timezone.now())
    challenge.refresh_from_db()
    return challenge


def locked_out(user: AbstractBaseUser, *, lasts: Duration = 1800) -> Lockout:
    """Lock a user out as after too many declines; existing grants stay."""
    now = timezone.now()
    until = now + as_duration(lasts)
    return limits.lock(user.pk, reason=Lockout.Reason.DECLINED, until=until, now=now)


def exempted(
    user: AbstractBaseUser,
    *,
    action: str = EVERY_ACTION,
    lasts: Duration = 3600,
    reason: str = "for a test",
    author: AbstractBaseUser | None = None,
) -> FaceExemption:
    """Let a user pass the gates of `action`, by default of all, without a face.

    `author` is created by default, which needs a user model that requires a name alone.
    """
    now = timezone.now()
    if author is None:
        model = get_user_model()
        name: Any = {model.USERNAME_FIELD: AUTHOR}
        author, _created = model._default_manager.get_or_create(**name)
    return exemptions.exempt(
        user,
        action=action,
        reason=reason,
        author=author,
        expires_at=now + as_duration(lasts),
        now=now,
    )


def _then(ago: Duration) -> datetime:
    past = as_duration(ago)
    if past < timedelta(0):
        raise ValueError("ago is a time in the past")
    return timezone.now() - past


def _asked(
    target: Asked,
    action: str,
    binding: Mapping[str, Any] | None,
    user: AbstractBaseUser | None,
    now: datetime,
) -> FaceChallenge:
    if isinstance(target, HttpResponseBase):
        if action or binding is not None or user is not None:
            raise TypeError(
                "a response that asks for a face has an action, binding and user by itself"
            )
        return challenge_of(target)
    snapshot = {} if binding is None else snapshot_of(binding)
    spec = ChallengeSpec(
        *(action, conf.MAX_AGE, snapshot),
        reason="not_shown",
        next_url="/",
        network_policy=conf.NETWORK_POLICY,
    )
    with request_of(target, user) as request:
        enrolled(cast(AbstractBaseUser, request.user))  # others are not asked
        return grants.ask(request, spec, window=conf.CAPTURE_WINDOW, now=now)


@database.atomic()
def _decided(
    challenge: FaceChallenge, status: str, now: datetime, *, elsewhere: bool = False
) -> FaceChallenge:
    """Finish an open challenge with a result of the provider."""
    user = challenge.user
    row = FaceAuthentication.objects.create(
        user_id=user.pk,
        applicant_id=enrolled(user).applicant_id,
        user_journey_id=conf.USER_JOURNEY_ID,
        environment=conf.ENVIRONMENT,
    )
    here, there = (digests_of(parse(address))[0] for address in (LOOPBACK, ELSEWHERE))
    started = FaceChallenge.objects.filter(pk=challenge.pk)
    started.update(authentication=row, started_at=now, network=here)
    challenge.refresh_from_db()
    attempt = AttemptSnapshot(
        id=new_id("fatp"),
        status=AttemptStatus.COMPLETED,
        redirect_url=f"https://testserver/{challenge.handle}/",
        network=there if elsewhere else here,
        created_on=now,
        modified_on=now,
    )
    sync.mirror_attempts(row, [attempt], started_at=now)
    row, snapshot = _apply(row, status, now)
    review_queue.consider(row, now=now)
    finish.resolve(Pulled(row, snapshot, (attempt,)), now=now)
    if apps.is_installed(SIMULATOR):
        # Imports models of the simulator, which need it among the apps.
        from django_faceauth.testing.simulation import remember

        remember(row)
    challenge.refresh_from_db()
    return challenge


def _apply(
    row: FaceAuthentication, status: str, now: datetime
) -> tuple[FaceAuthentication, AuthenticationSnapshot]:
    is_approved = status == AuthenticationStatus.APPROVED
    code = (10000, "approved") if is_approved else (62321, "face_face_mismatch")
    snapshot = AuthenticationSnapshot(
        id=row.provider_id or new_id("fav"),
        status=status,
        applicant_id=row.applicant_id,
        user_journey_id=row.user_journey_id,
        response_codes=(ResponseCode(*code),),
        created_on=row.created_on or now,
        modified_on=now,
        has_face=True,
    )
    return sync.apply(row, snapshot, source=StatusChange.Source.POLL, now=now), snapshot
