"""One-time codes and static codes of django-otp, which django-two-factor-auth uses too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.apps import apps
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from django_faceauth.conf import RECOVERY_CODE, TOTP
from django_faceauth.models import FaceChallenge, database
from django_faceauth.services.second_ways import Result

#: The plug-in and the model of each way.
DEVICES: Final[Mapping[str, tuple[str, str]]] = {
    TOTP: ("django_otp.plugins.otp_totp", "otp_totp.TOTPDevice"),
    RECOVERY_CODE: ("django_otp.plugins.otp_static", "otp_static.StaticDevice"),
}


def installed() -> frozenset[str]:
    """Return the ways whose plug-in the site has installed."""
    return frozenset(way for way, (app, _model) in DEVICES.items() if apps.is_installed(app))


def set_up_by(user: AbstractBaseUser) -> frozenset[str]:
    """Return the ways for which a user has a confirmed device; static codes while one is left."""
    return frozenset(way for way in installed() if _devices(user, way).exists())


@sensitive_variables("code")
def verify(_request: HttpRequest, challenge: FaceChallenge, way: str, code: str) -> Result:
    """Check a code with each device of this way that is not throttled, and burn it."""
    devices = _devices(challenge.user, way).select_for_update()
    with database.atomic(devices.model):
        allowed = [device for device in devices if device.verify_is_allowed()[0]]
        for device in allowed:
            if device.verify_token(code):
                for other in allowed[: allowed.index(device)]:
                    other.throttle_reset()  # the code was not for it, and is not a failure
                return Result.ACCEPTED
    return Result.WRONG if allowed else Result.LOCKED


def _devices(user: AbstractBaseUser, way: str) -> Any:
    model: Any = apps.get_model(DEVICES[way][1])
    devices = model.objects.devices_for_user(user, confirmed=True).order_by("pk")
    if way == RECOVERY_CODE:
        tokens: Any = apps.get_model("otp_static.StaticToken")
        devices = devices.filter(pk__in=tokens.objects.values("device"))
    return devices
