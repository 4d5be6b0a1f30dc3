"""OpenID Connect claims for a token issued on a face."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypedDict

from django_faceauth.conf import conf
from django_faceauth.gate.decision import Face
from django_faceauth.models.challenge import FACE


class Claims(TypedDict):
    """Claims of OpenID Connect Core 1.0, section 2; the values of `amr` are those of RFC 8176."""

    auth_time: int
    acr: str
    amr: list[str]


def claims_of(face: Face, *, amr: Iterable[str] = ()) -> Claims:
    """Return the claims for a token that is issued on a face.

    `amr` names the methods of the login before, such as `["pwd"]`. `auth_time` is when the face
    was captured, in whole seconds since 1970; copy it when the token is renewed. Raises
    `ValueError` for an exemption or another method.
    """
    if face.method != FACE:
        raise ValueError(f"{face.method} is not a face")
    methods = dict.fromkeys([*amr, FACE])
    return {"auth_time": int(face.verified_at.timestamp()), "acr": conf.ACR, "amr": list(methods)}
