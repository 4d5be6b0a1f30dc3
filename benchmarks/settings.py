"""Settings of the benchmarks: the package and the middleware of a typical site, nothing else.

The databases that are measured are made for the run, next to the one that is named, and
dropped after it.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import gettempdir

import environ

env = environ.Env()

SECRET_KEY = "only-for-benchmarks"  # noqa: S105 - nothing is kept that it protects
ALLOWED_HOSTS = ["127.0.0.1"]
USE_TZ = True

DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{gettempdir()}/sqlite")}
DATABASE = DATABASES["default"]
DATABASE["TEST"] = {"NAME": f"{DATABASE['NAME']}_faceauth_bench"}
DATABASE["NAME"] = env("BENCH_DATABASE", default=DATABASE["NAME"])  # told to servers of a run
# Opening a connection costs more than anything that is measured here.
DATABASE["CONN_MAX_AGE"] = None
if DATABASE["ENGINE"] == "django.db.backends.sqlite3":
    Path(DATABASE["NAME"]).parent.mkdir(parents=True, exist_ok=True)
    # What Django recommends for sites. A cheap commit hides none of what is ours.
    DATABASE["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL",
    }

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "rest_framework",
    "django_faceauth",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "benchmarks.urls"
STATIC_URL = "/static/"
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

CELERY_BROKER_URL = env("CELERY_BROKER_URL", default="redis://127.0.0.1:6379/9")

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_THROTTLE_RATES": {"faceauth": "1000000/min"},
}

FACEAUTH_SECRET_KEY = "sk_sbox_of_the_benchmarks"  # noqa: S105 - no provider knows it
FACEAUTH_USER_JOURNEY_ID = "usj_" + "a" * 26
FACEAUTH_WEBHOOK_SECRET_KEYS = ["signs-the-webhooks-of-the-benchmarks"]
FACEAUTH_CELERY = env.bool("FACEAUTH_CELERY", default=False)
FACEAUTH_POLL_RATE = 1_000_000
# One user starts what a whole site would.
FACEAUTH_RATE_LIMITS = dict.fromkeys(
    ("unsuccessful", "unsuccessful_session", "successful", "site", "lockout")
)
