"""Settings of the example bank with django-allauth, and so with passkeys."""

from __future__ import annotations

from tests.example.settings import *  # noqa: F403
from tests.example.settings import INSTALLED_APPS, MIDDLEWARE

INSTALLED_APPS = [*INSTALLED_APPS, "allauth", "allauth.account", "allauth.mfa"]
MIDDLEWARE = [*MIDDLEWARE, "allauth.account.middleware.AccountMiddleware"]
MFA_SUPPORTED_TYPES = ["recovery_codes", "totp", "webauthn"]
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = True  # plain HTTP, to localhost
FACEAUTH_SECOND_WAYS = ["passkey", "totp", "recovery_code"]
