"""Settings of the test suite: the package, the simulator, and a small site around them."""

from __future__ import annotations

from importlib.util import find_spec
from os import getpid
from tempfile import gettempdir

import environ

env = environ.Env()

SECRET_KEY = "only-for-tests-and-long-enough-to-sign-tokens"
DEBUG = False
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
USE_TZ = True
LANGUAGE_CODE = "en"

# Each process, so each worker and each run beside it, has a test database of its own. SQLite's is
# a file, so that threads get connections of their own, and does not wait for the disk; but for
# that it is as `startproject` sets it up.
DATABASES = {"default": env.db("DATABASE_URL", default="sqlite:///tests.sqlite3")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"] |= {
        "OPTIONS": {"init_command": "PRAGMA synchronous=OFF; PRAGMA journal_mode=MEMORY;"},
        "TEST": {"NAME": f"{gettempdir()}/faceauth-tests-{getpid()}.sqlite3"},
    }
else:
    name = DATABASES["default"]["NAME"]
    DATABASES["default"]["TEST"] = {"NAME": f"test_{name}_{getpid()}"}

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django_faceauth",
    "django_faceauth.simulator",
    "tests.site",
]
# The suite also runs where no extra is installed; tests/conftest.py tells what is left.
if find_spec("rest_framework"):
    INSTALLED_APPS += ["rest_framework", "rest_framework.authtoken", "drf_spectacular"]
    INSTALLED_APPS += ["rest_framework_simplejwt.token_blacklist"]
# Second ways: a test that offers some sets FACEAUTH_SECOND_WAYS.
if find_spec("allauth"):
    INSTALLED_APPS += ["allauth", "allauth.account", "allauth.mfa"]
if find_spec("django_otp"):
    INSTALLED_APPS += [
        "django_otp",
        "django_otp.plugins.otp_static",
        "django_otp.plugins.otp_totp",
    ]
if find_spec("django_tasks_db"):
    INSTALLED_APPS += ["django_tasks_db"]
    TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
if find_spec("allauth"):
    MIDDLEWARE += ["allauth.account.middleware.AccountMiddleware"]
ROOT_URLCONF = "tests.site.urls"
STATIC_URL = "/static/"
# Read by Django 6.1 and newer, which deprecates EMAIL_BACKEND.
MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/home/"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

MFA_SUPPORTED_TYPES = ["recovery_codes", "totp", "webauthn"]
# A browser that tests drive speaks plain HTTP to localhost.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = True

FACEAUTH_SECRET_KEY = "sk_sbox_test"
FACEAUTH_USER_JOURNEY_ID = "usj_" + "a" * 26
FACEAUTH_WEBHOOK_SECRET_KEYS = ["signs-the-webhooks-of-the-test-suite"]
FACEAUTH_SIMULATOR_ENABLED = True

# Reminders of `check --deploy`, to a site that is deployed: sandbox, assessment, consent, fallback.
SILENCED_SYSTEM_CHECKS = [f"faceauth.W0{number}" for number in (10, 12, 14, 15)]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.SessionAuthentication",
        "rest_framework.authentication.TokenAuthentication",
        "rest_framework_simplejwt.authentication.JWTAuthentication",
    ],
    "DEFAULT_SCHEMA_CLASS": "django_faceauth.api.autoschema.FaceAutoSchema",
}
SPECTACULAR_SETTINGS = {"OAS_VERSION": "3.1.0", "TITLE": "The API of the test site"}
