"""Of the system checks that are warnings: it works, and probably not as it should."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django_faceauth.explanations.entry import Explanation

WARNINGS: Final[Mapping[str, Explanation]] = {
    "faceauth.W001": Explanation(
        "A `FACEAUTH_…` name is no setting of this package, nor nearly one.",
        "Nothing of this package reads it, so it changes nothing here.",
        "Delete it. If code of your own reads it, give it another name, or silence this.",
        "reference/settings.md",
    ),
    "faceauth.W002": Explanation(
        "A gate lets a face count for longer than `FACEAUTH_MAX_AGE_CEILING`.",
        "The longer it counts, the likelier somebody else sits there by then.",
        "Shorten the gate's `max_age`, or silence this if so long a time is meant.",
        "reference/gate.md",
    ),
    "faceauth.W003": Explanation(
        "A gate, or `FACEAUTH_MAX_AGE`, lets a face count for less than two minutes.",
        "The time runs while people stand in front of the camera, so that hardly anybody would "
        "pass.",
        "Give it 120 seconds or more. For one action alone, use `bind` or `single_use=True`.",
        "reference/gate.md",
    ),
    "faceauth.W004": Explanation(
        "`FACEAUTH_WEBHOOK_SECRET_KEYS` is empty, so that every webhook is refused with 401.",
        "Results are still found out by polling, only later.",
        "Copy the signature key of the workflow's webhook action from the provider's dashboard "
        "into `FACEAUTH_WEBHOOK_SECRET_KEYS`, which is a list.",
        "how-to/webhooks.md",
    ),
    "faceauth.W005": Explanation(
        "`SECURE_SSL_REDIRECT` is on, and the address of the webhooks is not exempt.",
        "A view cannot escape that redirect, and the provider follows none, so that webhooks "
        "which reach Django as plain HTTP are lost.",
        "Add the line of the hint to `SECURE_REDIRECT_EXEMPT`, or set `SECURE_PROXY_SSL_HEADER` "
        "if a proxy of yours ends TLS.",
        "how-to/webhooks.md",
    ),
    "faceauth.W006": Explanation(
        "With `--deploy` only. A gate approves one thing or counts once, and `SESSION_ENGINE` is "
        "`signed_cookies`.",
        "Nobody can end a copy of such a cookie: whoever has one can use what its owner approves.",
        "Use another `SESSION_ENGINE`, such as `django.contrib.sessions.backends.db`.",
        "explanation/security.md",
    ),
    "faceauth.W007": Explanation(
        "A gate for some `methods` stands in front of a view that changes things by others. "
        "Class-based views are known by their handlers, functions by `require_http_methods`; of "
        "other functions it is assumed that they answer POST, as forms do.",
        "Whoever sends the other method goes around the gate.",
        "Name the others in `methods` too, or let the view refuse them.",
        "reference/gate.md",
    ),
    "faceauth.W008": Explanation(
        "A gate's `keep` names a field that looks like a secret: a password, a PIN, a code, a "
        "token.",
        "What is kept is stored as it was typed, until it is used, and shown again.",
        "Take it out of `keep`, and ask for it after the face check.",
        "reference/gate.md",
    ),
    "faceauth.W009": Explanation(
        "An API view has a gate, and the addresses of the API are not included.",
        "Programs are refused, and have no way to start a face check but to send their user to a "
        "page.",
        'Add `path("face/api/", include("django_faceauth.api.urls"))` to your URLconf.',
        "how-to/protect-an-endpoint.md",
    ),
    "faceauth.W010": Explanation(
        "`FACEAUTH_CONSENT_VERSION` is set, and `FACEAUTH_FALLBACK` is not: whoever does not "
        "agree has no other way.",
        "A consent is free only if saying no has no price.",
        "Offer another way. If yours is not a page (a branch, a call, an exemption by your "
        "staff), write down which it is, and put `faceauth.W010` into `SILENCED_SYSTEM_CHECKS`.",
        "how-to/fallback.md",
    ),
    "faceauth.W011": Explanation(
        "With `--deploy` only. Sessions are in a cache that each process has for itself, or in "
        "none.",
        "The next request may reach another process, which knows neither the login nor the "
        "face: people are asked again and again.",
        "Name a cache server in `CACHES`, or set "
        '`SESSION_ENGINE = "django.contrib.sessions.backends.db"`.',
        "explanation/security.md",
    ),
    "faceauth.W012": Explanation(
        'With `--deploy` only. `FACEAUTH_ENVIRONMENT` is `"sandbox"`, which is the default.',
        "The sandbox approves whom its test data say, and compares no faces.",
        'Set `FACEAUTH_ENVIRONMENT = "live"` with live credentials on the site that counts. On '
        "a test server, silence this.",
        "reference/settings.md",
    ),
    "faceauth.W013": Explanation(
        'With `--deploy` only. `ALLOWED_HOSTS` has `"*"`.',
        "Where the provider sends the browser back to, and the addresses that programs are "
        "told, are made of the host of the request, which anybody can write.",
        'Name the hosts of the site, such as `ALLOWED_HOSTS = ["bank.example"]`.',
        "how-to/single-page-apps.md",
    ),
    "faceauth.W014": Explanation(
        "With `--deploy` only. A reminder: nobody has said yet that the risks of this face check "
        "were assessed.",
        "A face is data of a special kind, and a capture on another device can be relayed. Law "
        "and standards ask for an assessment before the first face is shown.",
        "Fill in the template, keep it, then put `faceauth.W014` into `SILENCED_SYSTEM_CHECKS`.",
        "explanation/impact-assessment.md",
    ),
    "faceauth.W015": Explanation(
        "With `--deploy` only. `FACEAUTH_CONSENT_VERSION` is not set, so that nobody is asked for "
        "consent by these pages.",
        "In many countries comparing faces takes an explicit consent, which has to be proved.",
        'Set `FACEAUTH_CONSENT_VERSION = "2026-11"`, or the version that your text has. If the '
        "site asks elsewhere, silence this.",
        "how-to/consent.md",
    ),
    "faceauth.W016": Explanation(
        "With `--deploy` only. `FACEAUTH_FALLBACK` is not set, so that there is no other way "
        "without a face.",
        "Some people cannot be recognised, have no camera, or do not want to. They are told to "
        "ask somebody, and no more.",
        "Offer another way. If yours is not a page, write down which it is, and silence this.",
        "how-to/fallback.md",
    ),
    "faceauth.W017": Explanation(
        "An admin of your own shows applicants or exemptions, and no face is asked for there.",
        "Whoever takes over a session of staff could have their own face count for somebody "
        "else's account.",
        "Derive it from `FaceRequiredModelAdmin`, register it with a `FaceRequiredAdminSite`, or "
        "leave these models to the admin of this package.",
        "how-to/admin.md",
    ),
    "faceauth.W018": Explanation(
        "`FACEAUTH_CAPTURE_WINDOW` is shorter than two minutes.",
        "A capture takes people a minute or two; a slower one is asked for anew, and paid for "
        "anew.",
        "Delete the setting, for its default of 600 seconds, or set 120 or more.",
        "reference/settings.md",
    ),
    "faceauth.W019": Explanation(
        "With `--deploy` only. `FACEAUTH_USER_LIMITS` is empty, or `FACEAUTH_LOCKOUT` is off.",
        "Whoever has taken over a session may try as many faces and videos as they like, and the "
        "provider charges for each.",
        "Delete the setting, for its default, or set a limit of your own.",
        "how-to/limits.md",
    ),
    "faceauth.W020": Explanation(
        "`LOGIN_URL` is not set, and there is no page at `/accounts/login/`, where Django would "
        "send people.",
        "Whoever comes to a gate without being logged in meets a 404.",
        "Set `LOGIN_URL` to the name or the path of the page where people log in.",
        "tutorial.md",
    ),
    "faceauth.W021": Explanation(
        "`FACEAUTH_POLL_RATE` is 100 a second or more.",
        "The provider answers 100 a second for the whole account: after an outage, polling could "
        "stop your payments.",
        "Delete the setting, for its default of 20, or leave the rest of the account more room.",
        "reference/settings.md",
    ),
    "faceauth.W022": Explanation(
        "A setting that is on or off has another value than `True` or `False`, such as the text "
        '`"True"`.',
        'Only `True` itself is a yes, or the text `"False"` would be one, too. So it is off, and '
        "nobody would see it.",
        'Make a bool of what comes from an environment: `os.environ.get("…") == "1"`.',
        "reference/settings.md",
    ),
    "faceauth.W023": Explanation(
        "With `--deploy` only. `FACEAUTH_RETENTION` has `None` for something that tells about "
        "people.",
        "The law lets nobody keep such data longer than it is needed, and what is kept can be "
        "stolen.",
        "Leave the name out, for its default, or give it a period. If a law of yours asks for "
        "it, write that down, and silence this.",
        "how-to/privacy-duties.md",
    ),
    "faceauth.W024": Explanation(
        "`FACEAUTH_STYLESHEETS` or `FACEAUTH_BRAND_LOGO` names what no finder of static files "
        "finds.",
        "The pages would be without their looks; a storage that hashes names would answer with "
        "an error.",
        "Write the name as `{% static %}` takes it, such as `bank/face.css`, and put the file "
        "where it is found.",
        "how-to/theme.md",
    ),
    "faceauth.W025": Explanation(
        "`FACEAUTH_BRAND_LOGO` is set, and `FACEAUTH_BRAND_NAME` is not.",
        "A picture alone tells nothing to people who do not see it, so it is not shown.",
        "Set `FACEAUTH_BRAND_NAME` to the name that the logo stands for.",
        "how-to/theme.md",
    ),
}
