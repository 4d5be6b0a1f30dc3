"""States of users and sessions, as rows that the real gate decides upon.

Nothing here goes around the gate. What the provider would have said is made up; what the site
makes of it is done by the services that do it in production, and no call is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from importlib import import_module
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
from django_faceauth.provider.resources import AttemptSnapshot, AuthenticationSnapshot, ResponseCode
from django_faceauth.services import limits, review_queue
from django_faceauth.services.enrolment import applicants
from django_faceauth.services.flow import finish
from django_faceauth.services.grants import exemptions, grants
from django_faceauth.services.grants.binding import snapshot_of
from django_faceauth.services.grants.challenge_spec import ChallengeSpec
from django_faceauth.services.sync import sync
from django_faceauth.services.sync.sync import Pulled
from django_faceauth.simulator.state_machine import new_id
from django_faceauth.statuses import AttemptStatus, AuthenticationStatus
from django_faceauth.testing.responses import challenge_of
from django_faceauth.testing.sessions import Target, seat
from django_faceauth.testing.webhooks import authentication_of

Duration = float | timedelta
#: In place of a client: the answer in which a gate asks for a face.
Asked = Target | HttpResponseBase

SIMULATOR: Final = "django_faceauth.simulator"
#: Imported when there is a simulator: it has models.
MEMORY: Final = "django_faceauth.testing.simulation"
#: Who grants exemptions when a test does not care.
AUTHOR: Final = "faceauth-author@example.com"

APPROVED: Final = ResponseCode(10000, "approved")
DECLINED: Final = ResponseCode(62321, "face_face_mismatch")


def enrolled(user: AbstractBaseUser, applicant_id: str = "") -> Applicant:
    """Return who a user is at the provider, after linking them to somebody if need be.

    `applicant_id` may be one of the simulator's scripts, such as `aplt_62321` and zeros. Raises
    `ValueError` for an id of the wrong shape.
    """
    if applicant_id:
        return applicants.link(user, applicant_id)
    held = Applicant.objects.filter(user_id=user.pk).first()
    return held or applicants.link(user, new_id("aplt"))


def face_asked(
    target: Target,
    *,
    action: str = "",
    binding: Mapping[str, Any] | None = None,
    user: AbstractBaseUser | None = None,
) -> FaceChallenge:
    """Have the user at `target` asked for their face, and not show it; return the challenge.

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
) -> FaceChallenge:
    """Have the user at `target` show their face, so that gates of `action` open to them there.

    `target` is a test client, a request of a `RequestFactory`, or a response that asks for a
    face: then that is answered, whatever client it was for, and `action` and `binding` are
    those of its gate. `ago` is seconds or a `timedelta` since the face was shown. `binding` is
    the mapping that the gate's `bind` returns. `user` logs in first. Enrols whoever is not.

    Returns the challenge: clients without a session send its `handle` as `Face-Challenge`.
    Raises `ValueError` when nobody is logged in, and what `bind` may not return as
    `snapshot_of` does.
    """
    then = _then(ago)
    return _decided(
        _asked(target, action, binding, user, then), AuthenticationStatus.APPROVED, then
    )


def face_declined(
    target: Asked,
    *,
    action: str = "",
    ago: Duration = 0,
    binding: Mapping[str, Any] | None = None,
    user: AbstractBaseUser | None = None,
) -> FaceChallenge:
    """Have somebody else show their face at `target`; the arguments are those of `face_shown`.

    As many in a row as `FACEAUTH_RATE_LIMITS["lockout"]` says lock the user out.
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
    """Have a face shown at `target` that the provider then no longer takes for the user's.

    The arguments are those of `face_shown`.
    """
    challenge = face_shown(target, action=action, ago=ago, binding=binding, user=user)
    _tell(authentication_of(challenge), AuthenticationStatus.DECLINED, timezone.now())
    challenge.refresh_from_db()
    return challenge


def locked_out(user: AbstractBaseUser, *, lasts: Duration = 1800) -> Lockout:
    """Lock a user out, as after too many declines, for so many seconds or a `timedelta`.

    Nothing can be started meanwhile; what is granted stays so.
    """
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

    `author` grants it: by default a user that is made for that, which takes a user model that
    asks for no more than a name. Raises what `exempt` of the services raises.
    """
    now = timezone.now()
    return exemptions.exempt(
        user,
        action=action,
        reason=reason,
        author=author or _somebody(),
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
    """Return the open challenge of a target, which is asked anew unless it was already."""
    if isinstance(target, HttpResponseBase):
        if action or binding is not None or user is not None:
            raise TypeError("a response that asks for a face says by itself what for, and whose")
        return challenge_of(target)
    snapshot = {} if binding is None else snapshot_of(binding)
    question = ChallengeSpec(action, conf.MAX_AGE, snapshot, reason="not_shown", next_url="/")
    with seat(target, user) as request:
        enrolled(cast(AbstractBaseUser, request.user))  # nobody else is asked
        return grants.ask(request, question, window=conf.CAPTURE_WINDOW, now=now)


@database.atomic()
def _decided(challenge: FaceChallenge, status: str, now: datetime) -> FaceChallenge:
    """Have the provider decide about an open challenge; return it as it is then."""
    user = challenge.user
    row = FaceAuthentication.objects.create(
        user_id=user.pk,
        applicant_id=enrolled(user).applicant_id,
        user_journey_id=conf.USER_JOURNEY_ID,
        environment=conf.ENVIRONMENT,
    )
    FaceChallenge.objects.filter(pk=challenge.pk).update(authentication=row, started_at=now)
    challenge.refresh_from_db()
    attempt = AttemptSnapshot(
        id=new_id("fatp"),
        status=AttemptStatus.COMPLETED,
        redirect_url=f"https://testserver/{challenge.handle}/",
        created_on=now,
        modified_on=now,
    )
    sync.mirror_attempts(row, [attempt], started_at=now)
    row, told = _tell(row, status, now)
    review_queue.consider(row, now=now)
    finish.resolve(Pulled(row, told, (attempt,)), now=now)
    if apps.is_installed(SIMULATOR):
        # So that it can answer for what it never decided, should it be asked.
        import_module(MEMORY).remember(row)
    challenge.refresh_from_db()
    return challenge


def _tell(
    row: FaceAuthentication, status: str, now: datetime
) -> tuple[FaceAuthentication, AuthenticationSnapshot]:
    """Have the site take a status for the provider's answer of `now`."""
    told = AuthenticationSnapshot(
        id=row.provider_id or new_id("fav"),
        status=status,
        applicant_id=row.applicant_id,
        user_journey_id=row.user_journey_id,
        response_codes=(APPROVED if status == AuthenticationStatus.APPROVED else DECLINED,),
        created_on=row.created_on or now,
        modified_on=now,
        has_face=True,
    )
    return sync.apply(row, told, source=StatusChange.Source.POLL, now=now), told


def _somebody() -> AbstractBaseUser:
    model = get_user_model()
    named: Any = {model.USERNAME_FIELD: AUTHOR}
    found: AbstractBaseUser = model._default_manager.get_or_create(**named)[0]
    return found
