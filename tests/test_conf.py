"""Settings: defaults, types, and errors for invalid values."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import override_settings

from django_faceauth.conf import KNOWN, RATE_LIMITS, SWITCHES, conf
from django_faceauth.durations import Limit, as_duration, as_limit
from django_faceauth.exceptions import ConfigurationError
from django_faceauth.secret import Secret
from django_faceauth.setting_parsers import RateLimits

DEFAULTS = {
    "SCRUB": None,
    "DASHBOARD_URL": "",
    "OAUTH_CLIENT_ID": "",
    "OAUTH_CLIENT_SECRET": None,
    "ENVIRONMENT": "sandbox",
    "BASE_URL": "https://identity-verification.sandbox.checkout.com",
    "WORKFLOWS_URL": "https://api.sandbox.checkout.com",
    "TOKEN_URL": "https://access.sandbox.checkout.com/connect/token",
    "CAPTURE_HOSTS": (".checkout.com", ".ubble.ai"),
    "ASSET_HOSTS": (".checkout.com", ".ubble.ai"),
    "CLIENT_CERTIFICATE": None,
    "WEBHOOK_AUTHORIZATION_KEY": None,
    "TRUSTED_PROXIES": 0,
    "RUNNER": "request",
    "POLL_RATE": 20.0,
    "SIMULATOR_WEBHOOK_URL": "",
    "TIMEOUT": (3.0, 10.0),
    "MAX_AGE": timedelta(minutes=5),
    "CAPTURE_WINDOW": timedelta(minutes=10),
    "SLOW_REVIEW": False,
    "RETENTION": {  # V-06
        "events": timedelta(days=30),
        "tombstones": timedelta(days=400),
        "flows": timedelta(days=90),
        "limits": timedelta(days=90),
        "consents": timedelta(days=1096),
        "audit": None,
    },
    "RATE_LIMITS": RateLimits(
        unsuccessful=(Limit(3, timedelta(minutes=10)), Limit(10, timedelta(days=1))),
        unsuccessful_session=(Limit(3, timedelta(minutes=10)), Limit(6, timedelta(days=1))),
        successful=(Limit(30, timedelta(hours=1)), Limit(100, timedelta(days=1))),
        site=Limit(1000, timedelta(hours=1)),
        lockout=Limit(5, timedelta(minutes=30)),
        enrolment=(Limit(2, timedelta(days=1)), Limit(5, timedelta(days=30))),
    ),
    "ENROLMENT": "off",
    "ENROLMENT_JOURNEY_ID": "",
    "ENROLMENT_DATA": None,
    "ENROLMENT_COOL_OFF": timedelta(days=1),
    "ERASE_APPLICANT": False,
    "CAPTURE_OPTIONS": None,
    "ACR": "face",
    "CREDENTIAL": None,
    "REDIRECT_ALLOWLIST": (),
    "FALLBACK": "",
    "CONSENT_VERSION": "",
    "NOTICES": False,
    "SITE_URL": "",
    "SIMULATOR_CHECK_SECONDS": timedelta(seconds=2),
}


def test_defaults():
    assert {name: getattr(conf, name) for name in DEFAULTS} == DEFAULTS


KEY = "k" * 32
GIVEN = [
    ("ENROLMENT", "offer", "offer"),
    *(
        (name, value, as_duration)
        for name in ("ENROLMENT_DATA", "CAPTURE_OPTIONS")
        for value in (as_duration, "django_faceauth.durations.as_duration")
    ),
    *(("ENROLMENT_COOL_OFF", none, timedelta()) for none in (0, timedelta())),
    (
        "RATE_LIMITS",
        {"enrolment": ["1/d"]},
        DEFAULTS["RATE_LIMITS"]._replace(enrolment=(as_limit("1/d"),)),
    ),
    ("ENVIRONMENT", "live", "live"),
    ("BASE_URL", "https://abc.api.checkout.com///", "https://abc.api.checkout.com"),
    *(("SECRET_KEY", value, Secret("sk_1")) for value in ("sk_1", lambda: "sk_1", " sk_1\n")),
    *(("SECRET_KEY", value, None) for value in ("", "\n", None, lambda: "")),
    *(("WEBHOOK_SECRET_KEYS", keys, (Secret(KEY),)) for keys in ([lambda: KEY], lambda: (KEY,))),
    *(("CAPTURE_WINDOW", t, timedelta(minutes=1)) for t in (60, 60.0, timedelta(minutes=1))),
    ("CLIENT_CERTIFICATE", ["a.pem", "a.key"], ("a.pem", "a.key")),
    *(("ACR", name, name) for name in ("urn:bank.example:face", "https://bank.example/loa/face")),
    ("CREDENTIAL", "django_faceauth.durations.as_duration", as_duration),
    (  # F-26: a site names the limits that it changes
        "RATE_LIMITS",
        {"successful": ["5/d"], "site": "7/h"},
        DEFAULTS["RATE_LIMITS"]._replace(successful=(as_limit("5/d"),), site=as_limit("7/h")),
    ),
    *(
        (
            "RATE_LIMITS",
            {**dict.fromkeys(RATE_LIMITS, nothing), "site": nothing or None},
            RateLimits((), (), (), None, None, ()),
        )
        for nothing in (None, [], ())
    ),
    (  # from the environment come strings
        "RATE_LIMITS",
        {"lockout": ["4", "2h"], "site": ""},
        DEFAULTS["RATE_LIMITS"]._replace(lockout=Limit(4, timedelta(hours=2)), site=None),
    ),
    (
        "RETENTION",
        {"flows": "36h", "events": None, "audit": "3650d"},
        {
            **DEFAULTS["RETENTION"],
            **{"flows": timedelta(hours=36), "events": None, "audit": timedelta(days=3650)},
        },
    ),
]


@pytest.mark.parametrize(("name", "value", "parsed"), GIVEN)
def test_values(name, value, parsed):
    with override_settings(**{f"FACEAUTH_{name}": value}):
        assert getattr(conf, name) == parsed


def test_the_environment_decides_about_urls():
    with override_settings(FACEAUTH_ENVIRONMENT="live"):
        assert conf.BASE_URL == "https://identity-verification.checkout.com"
        assert conf.TOKEN_URL == "https://access.checkout.com/connect/token"


def vault_is_away() -> str:
    raise OSError("canary: the address of the vault")


def test_the_error_of_a_callable_that_fails_is_not_quoted():
    with (
        override_settings(FACEAUTH_SECRET_KEY=vault_is_away),
        pytest.raises(ConfigurationError, match="FACEAUTH_SECRET_KEY failed: OSError") as caught,
    ):
        conf.SECRET_KEY  # noqa: B018 - reading it is the point
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None


INVALID = {
    "ENROLMENT": ["on", "Offer", "", None, True, ["offer"]],
    "ENROLMENT_JOURNEY_ID": [7, None],
    "ENROLMENT_DATA": [7, None, ["name"], "no.such.module", "os.no_such_name", "os.sep"],
    "ENROLMENT_COOL_OFF": ["1d", None, -1],
    "CAPTURE_OPTIONS": [{"language": "de"}, "os.sep"],
    "RETENTION": [
        *({"flows": period} for period in ("90", "0d", "-1d", "3y", "", 90, ["90d"])),
        *({"flow": "90d"}, {"audit": 90}, [("flows", "90d")], "flows=90d", None),
    ],
    "ENVIRONMENT": ["production", None],
    "MAX_AGE": ["300", None, -1, 10**30],
    "CAPTURE_HOSTS": ["checkout.com", [1], None],
    "ASSET_HOSTS": ["checkout.com"],
    "TIMEOUT": [3, (1, 2, 3), ("a", "b")],
    "SECRET_KEY": [12, lambda: 12],
    "USER_JOURNEY_ID": [7],
    "WEBHOOK_SECRET_KEYS": [
        *("k" * 40, None, ["k" * 31], ["k" * 40, ""], [b"k" * 40], lambda: "k" * 40),
    ],
    "TRUSTED_PROXIES": [-1, True, "1"],
    "POLL_RATE": [0, -1, "20", True, float("nan")],
    "RATE_LIMITS": [
        *({"unsuccessful": "3/10m"}, {"unsuccessful": [3]}, {"unsuccessful": ["3"]}),
        *({"unsuccessful": ["3/10m", "10/w"]}, {"unsuccessful": ["0/d"]}),
        *({"unsuccessful_session": ["-3/d"]}, {"unsuccessful_session": ["3/0m"]}),
        *({"unsuccessful_session": [" 3/10m"]}, {"unsuccessful_session": ["3/1.5h"]}),
        *({"enrolment": "2/d"}, {"enrolment": ["2"]}, {"enrolment": [0]}),
        *({"site": ["1000/h"]}, {"sites": "1000/h"}, [("site", "1000/h")], "1000/h", None),
        *({"successful": [3]}, {"site": 0}, {"lockout": 0}, {"site": "1000"}),
        *({"site": "\u0661/h"}, {"site": "1/" + "9" * 30 + "d"}, {"lockout": 5}),
        *({"lockout": "5/30m"}, {"lockout": (5,)}, {"lockout": (5, 30)}),
        *({"lockout": (0, "30m")}, {"lockout": (True, "30m")}, {"lockout": (5, "30m", "1h")}),
    ],
    "ACR": [
        *("", None, 'face" max_age="0', "face other", "face\r\nSet-Cookie: a=b"),
        *("gesicht\u0301", "back\\slash"),
    ],
    "CREDENTIAL": [len, None, "len", "no.such.module", "os.no_such_name", "os.sep"],
    "REDIRECT_ALLOWLIST": [
        *("demobank://face/done", None, [None], [b"demobank://face/done"]),
        *([["demobank://face/done"]], lambda: "demobank://face/done"),
    ],
    "SCRUB": ["tests.nowhere.scrub"],
    "DASHBOARD_URL": [
        *("https://dashboard.example/", "http://dashboard.example/{id}"),
        *("javascript:alert('{id}')", "desk:{id}"),
    ],
    "CLIENT_CERTIFICATE": [7, ["one"]],
}


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_value_is_an_error_that_names_the_setting(name):
    for value in INVALID[name]:
        with (
            override_settings(**{f"FACEAUTH_{name}": value}),
            pytest.raises(ConfigurationError, match=f"FACEAUTH_{name}"),
        ):
            getattr(conf, name)


@pytest.mark.parametrize(
    "url",
    [
        *("demobank://face/done", "com.bank.app:/face/done", "com.bank.app:face"),
        *("https://app.bank.example/face/done?way=app&n=1", "https://app.bank.example:8443/"),
        *("https://[2001:db8::1]/done", "https://bank.example/#/face/done"),
        *("https://bank.example/caf%C3%A9/", "http://localhost:3000/done"),
    ],
)
def test_the_browser_may_be_sent_to_pages_and_apps(url):
    with override_settings(FACEAUTH_REDIRECT_ALLOWLIST=[url], DEBUG="localhost" in url):
        assert conf.REDIRECT_ALLOWLIST == (url,)


UNSAFE = [
    *("", "*", "demobank", "demobank:", "/home/", "//bank.example/done"),
    *("bank.example/done", "http://bank.example/done", "HTTP://bank.example/done"),
    *("https:", "https:///done", "https:/bank.example/done", "https:bank.example"),
    *("https://:443/done", "https://bank.example@evil.example/", "https://@evil.example/"),
    *("https://bank.example\\@evil.example/", "https://[2001:db8::1/done"),
    *("https://[bank.example]/", "https://b\u00fccher.example/"),
    *("https://bank.example/a b", "https://bank.example/'x"),
    *('https://bank.example/"onload="alert(1)', "https://bank.example/<script>"),
    *(" https://bank.example/", "https://bank.example/\n"),
    *("https://bank.example/\r\nSet-Cookie: a=b", "https://bank.example/\x00"),
    *("\x01https://bank.example/", "demobank://face/done\n", "javascript:alert(1)"),
    *("JavaScript:alert(1)", "java\nscript:alert(1)", "\tjavascript:alert(1)"),
    *("javascript://bank.example/%0Aalert(1)", "data:text/html,hello"),
    *("vbscript:msgbox(1)", "blob:https://bank.example/1", "file:///etc/passwd"),
    *("filesystem:https://bank.example/temporary/a", "view-source:https://bank.example/"),
    "about:blank",
]


def test_the_browser_is_not_sent_to_unsafe_urls():
    """One of them makes the whole list invalid (TH-07)."""
    for url in UNSAFE:
        with (
            override_settings(FACEAUTH_REDIRECT_ALLOWLIST=["demobank://face/done", url]),
            pytest.raises(ConfigurationError, match="FACEAUTH_REDIRECT_ALLOWLIST"),
        ):
            conf.REDIRECT_ALLOWLIST  # noqa: B018 - reading it is the point


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("3/10m", Limit(3, timedelta(minutes=10))),
        ("10/d", Limit(10, timedelta(days=1))),
        ("1/90s", Limit(1, timedelta(seconds=90))),
        ("1000/h", Limit(1000, timedelta(hours=1))),
    ],
)
def test_limits_are_a_number_and_a_period(text, limit):
    assert as_limit(text) == limit
    assert str(limit) == text


@pytest.mark.parametrize("value", ["False", "0", "", "no", 1, "True", [True], None])
def test_only_true_switches_something_on(value):
    """A string from the environment does not (P-07)."""
    with override_settings(FACEAUTH_NOTICES=value, FACEAUTH_SIMULATOR_ENABLED=value):
        assert (conf.NOTICES, conf.SIMULATOR_ENABLED) == (False, False)
    with override_settings(FACEAUTH_NOTICES=True):
        assert conf.NOTICES is True


@pytest.mark.parametrize(("debug", "enabled"), [(True, False), (False, True), (True, True)])
def test_the_simulator_runs_in_debug_or_when_told(debug, enabled):
    with override_settings(DEBUG=debug, FACEAUTH_SIMULATOR_ENABLED=enabled):
        assert conf.SIMULATOR_ENABLED is True


def test_all_switches_are_known_as_such():
    """A check reports those that are neither on nor off."""
    assert {name for name in KNOWN if isinstance(getattr(conf, name), bool)} == SWITCHES
