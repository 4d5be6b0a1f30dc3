"""Settings of the demo bank: SQLite and the simulator, unless the environment says otherwise."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from urllib.parse import quote

import django
import environ
from django.conf.locale import LANG_INFO
from django.contrib import messages
from django.core.exceptions import ImproperlyConfigured

from django_faceauth.beat import FACEAUTH_BEAT_SCHEDULE
from django_faceauth.conf import KNOWN, PREFIX, SWITCHES

env = environ.Env()

BASE_DIR = Path(__file__).resolve().parent.parent
HOST = env.str("HOST", default="127.0.0.1")
if HOST not in {"127.0.0.1", "localhost", "0.0.0.0"}:  # noqa: S104 - compared, not bound
    raise ImproperlyConfigured(
        f"HOST is {HOST!r}: the simulator is for a browser on this machine, so HOST must be "
        "127.0.0.1, localhost or 0.0.0.0."
    )
PORT = env.int("PORT", default=8000)

# -- the site

SECRET_KEY = env.str("SECRET_KEY", default="for-the-demo-only-this-key-is-public")
DEBUG = env.bool("DEBUG", default=True)
INTERNAL_IPS = ["127.0.0.1"]  # who see the link to the simulator
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[".localhost", "127.0.0.1", "[::1]", HOST])

INSTALLED_APPS = [
    "bank",
    "django_faceauth",
    "django_faceauth.simulator",
    "rest_framework",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "bank.middleware.content_security_policy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.debug",
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "bank.context_processors.brand",
                "bank.context_processors.enrolment",
            ]
        },
    }
]
ROOT_URLCONF = "bank.urls"
STATIC_URL = "static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MESSAGE_LEVEL = messages.SUCCESS
TEST_RUNNER = "bank.tests.runner.DemoRunner"

# Mails are printed where the server runs.
CONSOLE = "django.core.mail.backends.console.EmailBackend"
if django.VERSION >= (6, 1):
    MAILERS = {"default": {"BACKEND": CONSOLE}}
else:
    EMAIL_BACKEND = CONSOLE

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "overview"
LOGOUT_REDIRECT_URL = "login"
SESSION_COOKIE_SAMESITE = env.str("SESSION_COOKIE_SAMESITE", default="Lax")

LANGUAGE_CODE = env.str("LANGUAGE_CODE", default="en")
LANGUAGES = [
    (code, LANG_INFO[code]["name_local"])
    for code in ["ar", "de", "en", "es", "fr", "it", "nl", "pt"]
]
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_TZ = True

SQLITE_FILE = BASE_DIR / "db.sqlite3"
DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{quote(str(SQLITE_FILE))}")}

REST_FRAMEWORK = {
    # The first one answers: with sessions first, an expired token would be a 403.
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework_simplejwt.authentication.JWTAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
}

# Passkeys and one-time codes; the bank has its own pages to log in and to add a passkey.
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_TOLERANCE = 1  # the code of the last half minute and of the next count, too
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEBUG  # http://localhost

# -- worker and beat of `make demo-full`, see ../Procfile

CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="redis://127.0.0.1:6379/0")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BEAT_SCHEDULE = {**FACEAUTH_BEAT_SCHEDULE}

# -- the brand: one flow in two designs

BRANDS = {"harbour": "Harbour Bank", "meadow": "Meadow Mutual"}
BRAND = env.str("BANK_BRAND", default="harbour")
if BRAND not in BRANDS:
    raise ImproperlyConfigured(f"BANK_BRAND is {BRAND!r}: it must be {' or '.join(BRANDS)}.")

# -- the face check, with the simulator of this server

SIMULATOR = f"http://127.0.0.1:{PORT}/simulator"

FACEAUTH_SECRET_KEY = "" if "FACEAUTH_OAUTH_CLIENT_ID" in env else "sk_sbox_demo"
FACEAUTH_USER_JOURNEY_ID = "usj_" + "demo".ljust(26, "a")
FACEAUTH_BASE_URL = SIMULATOR
FACEAUTH_TOKEN_URL = f"{SIMULATOR}/connect/token"
FACEAUTH_SIMULATOR_WEBHOOK_URL = f"http://127.0.0.1:{PORT}/face/webhook/"
# This key is public: it is only for the simulator on this machine.
FACEAUTH_WEBHOOK_SECRET_KEYS = (
    [] if "FACEAUTH_BASE_URL" in env else ["for-the-demo-only-this-key-is-public"]
)
FACEAUTH_CAPTURE_HOSTS = FACEAUTH_ASSET_HOSTS = [
    ".checkout.com",
    ".ubble.ai",
    f"127.0.0.1:{PORT}",
    f"localhost:{PORT}",
]

# mobile_client.py has the browser go there after the capture.
FACEAUTH_REDIRECT_ALLOWLIST = ["demobank://face/done"]

# Visitors of a demo try more often than customers of a bank.
FACEAUTH_RATE_LIMITS = {
    "unsuccessful": ["30/10m", "500/d"],
    "unsuccessful_session": ["30/10m", "500/d"],
}

# Erin, who is not enrolled, enrols herself. Her face counts at once: a visitor of a demo does not
# come back the next day.
FACEAUTH_ENROLMENT = "offer" if DEBUG else "off"
FACEAUTH_ENROLMENT_JOURNEY_ID = "usj_" + "identity".ljust(26, "a")
FACEAUTH_ENROLMENT_DATA = "bank.demo.enrolment_data"
FACEAUTH_ENROLMENT_COOL_OFF = 0
FACEAUTH_ERASE_APPLICANT = True
FACEAUTH_SITE_URL = f"http://127.0.0.1:{PORT}" if DEBUG else ""

# Dave refuses face checks, and uses one-time codes.
FACEAUTH_SECOND_WAYS = ["passkey", "totp", "recovery_code"]

# Users consent before their first face check, and again to another version.
FACEAUTH_CONSENT_VERSION = "2026-11"

# Every setting of the package can be given in the environment, most of them as a text.
FROM_ENVIRONMENT = {
    **dict.fromkeys(KNOWN, env.str),
    **dict.fromkeys(SWITCHES, env.bool),
    "ENROLMENT_COOL_OFF": env.int,
    "CAPTURE_HOSTS": env.list,
    "ASSET_HOSTS": env.list,
    "TIMEOUT": partial(env.list, cast=float),
    "WEBHOOK_SECRET_KEYS": env.list,
    "WEBHOOK_NETWORKS": env.list,
    "TRUSTED_PROXIES": env.int,
    "POLL_RATE": env.float,
    "MAX_AGE": env.int,
    "CAPTURE_WINDOW": env.int,
    "RATE_LIMITS": env.json,
    "IMPERSONATION_KEYS": env.list,
    "REDIRECT_ALLOWLIST": env.list,
    "SECOND_WAYS": env.list,
    "RETENTION": env.dict,
    "SIMULATOR_CHECK_SECONDS": env.float,
}
globals().update(
    {
        PREFIX + name: read(PREFIX + name)
        for name, read in FROM_ENVIRONMENT.items()
        if PREFIX + name in env
    }
)
