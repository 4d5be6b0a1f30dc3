"""Who may call the simulator: the site itself, with the credentials of its own settings."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.core import signing

from django_faceauth.conf import conf
from django_faceauth.secret import Secret

SALT: Final = "faceauth_simulator.token"
TOKEN_LIFETIME: Final = timedelta(hours=1)


def may_call(authorization: str) -> bool:
    """Tell whether an `Authorization` header is that of the site."""
    scheme, _, credential = authorization.partition(" ")
    if scheme.lower() != "bearer" or not credential:
        return False
    # Comparing two secrets takes the same time wherever they differ.
    return Secret(credential) == conf.SECRET_KEY or _is_token(credential)


def is_client(client_id: str, client_secret: str) -> bool:
    """Tell whether these are the OAuth credentials of the site."""
    return (
        bool(client_id)
        and Secret(client_id) == Secret(conf.OAUTH_CLIENT_ID)
        and Secret(client_secret) == conf.OAUTH_CLIENT_SECRET
    )


def new_token() -> str:
    """Return an access token; it is signed and ends by itself, so that nothing is kept."""
    return signing.dumps(conf.OAUTH_CLIENT_ID, salt=SALT)


def _is_token(credential: str) -> bool:
    try:
        client_id = signing.loads(credential, salt=SALT, max_age=TOKEN_LIFETIME)
    except signing.BadSignature:
        return False
    return bool(client_id) and client_id == conf.OAUTH_CLIENT_ID
