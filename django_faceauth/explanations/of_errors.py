"""Of the system checks that are errors: with these the face check cannot work, or is not safe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django_faceauth.explanations.entry import Explanation

ERRORS: Final[Mapping[str, Explanation]] = {
    "faceauth.E001": Explanation(
        "A setting has a value that cannot be used. The message says which one.",
        "Whatever needs the setting raises an error, and a gate that meets an error stays shut.",
        "Give it a value of the type that the reference names.",
        "reference/settings.md",
    ),
    "faceauth.E002": Explanation(
        "A `FACEAUTH_…` name is almost that of a setting.",
        "Nothing would read it, so the default would hold where you have chosen otherwise, and "
        "nobody would see it.",
        "Write the name that the hint proposes.",
        "reference/settings.md",
    ),
    "faceauth.E003": Explanation(
        "There are no credentials for the provider, half of them, or two sets.",
        "Without them no face check can be started; of two sets one would be used in silence.",
        "Set `FACEAUTH_SECRET_KEY`, or `FACEAUTH_OAUTH_CLIENT_ID` together with "
        "`FACEAUTH_OAUTH_CLIENT_SECRET`, and delete the other.",
        "reference/settings.md",
    ),
    "faceauth.E004": Explanation(
        "`FACEAUTH_USER_JOURNEY_ID` is missing, or not an id that begins with `usj_`.",
        "The provider starts no face check without a user journey, and an approval of another "
        "journey does not count.",
        "Copy the id from the provider's dashboard into `FACEAUTH_USER_JOURNEY_ID`.",
        "reference/settings.md",
    ),
    "faceauth.E005": Explanation(
        "`FACEAUTH_BASE_URL` or `FACEAUTH_TOKEN_URL` is not an HTTPS address of the provider.",
        "Your credentials would be sent there, and whoever answers there could approve anybody.",
        "Delete the setting: `FACEAUTH_ENVIRONMENT` knows the addresses. Plain HTTP is for a "
        "simulator on this machine, with `DEBUG` only.",
        "reference/settings.md",
    ),
    "faceauth.E006": Explanation(
        "The simulator is installed on a site that is not in `DEBUG`.",
        "It approves whomever one tells it to, so it answers nothing there.",
        "Take `django_faceauth.simulator` out of `INSTALLED_APPS`, and its addresses out of your "
        "URLconf. On a test server, set `FACEAUTH_SIMULATOR_ENABLED = True`.",
        "reference/simulator.md",
    ),
    "faceauth.E007": Explanation(
        "`FACEAUTH_MAX_AGE` is zero, or longer than `FACEAUTH_MAX_AGE_CEILING`.",
        "With zero no gate could ever be passed; beyond the ceiling a face that was shown once "
        "would count when somebody else sits there.",
        "Set a number of seconds in between; the default is 300.",
        "reference/settings.md",
    ),
    "faceauth.E008": Explanation(
        "An entry of `FACEAUTH_CAPTURE_HOSTS` or `FACEAUTH_ASSET_HOSTS` is no host name.",
        "It can never match, so nobody would be sent to the host that was meant.",
        'Write `"example.com"`, `".example.com"` for its subdomains, or `"host:port"` with '
        "`DEBUG`: no scheme, no path, no star.",
        "reference/settings.md",
    ),
    "faceauth.E009": Explanation(
        "`FACEAUTH_FALLBACK` is neither the name of a page nor a path.",
        "People who cannot show their face would meet an error in place of another way.",
        "Give it the name of a URL of your site that takes no arguments, or a path that begins "
        "with a slash.",
        "how-to/fallback.md",
    ),
    "faceauth.E010": Explanation(
        "The pages of this package have no addresses.",
        "A closed gate would not know where to send people, and answers with an error.",
        'Add `path("face/", include("django_faceauth.urls"))` to your URLconf.',
        "tutorial.md",
    ),
    "faceauth.E011": Explanation(
        "`USE_TZ` is off.",
        "The provider's moments carry time zones, and freshness is counted from them: twice a "
        "year an hour would be missing, or count twice.",
        "Set `USE_TZ = True`.",
        "tutorial.md",
    ),
    "faceauth.E012": Explanation(
        "Attributes given to a view's `as_view()`, such as `face_max_age=0`, make no gate that "
        "could work.",
        "The view raises an error at each request.",
        "Correct the attribute that the message names, where the view is put into the URLconf.",
        "reference/gate.md",
    ),
    "faceauth.E013": Explanation(
        "`FACEAUTH_CELERY` is on, and Celery is not installed.",
        "What follows a webhook would only be done by the next sweep.",
        "Install `django-faceauth[celery]`, or set `FACEAUTH_CELERY = False`.",
        "how-to/webhooks.md",
    ),
    "faceauth.E014": Explanation(
        "`FACEAUTH_SLOW_REVIEW` is on, and a gate has no `bind`.",
        "People decide later than its window lasts, so that an honest approval would always "
        "arrive too late.",
        "Give the gate a `bind`: then it counts from the decision.",
        "how-to/approve-a-payment.md",
    ),
    "faceauth.E015": Explanation(
        "`SessionMiddleware` or `AuthenticationMiddleware` is missing in `MIDDLEWARE`; "
        "subclasses count.",
        "A grant belongs to a user in a session. Without them every gated page is an error.",
        "Add the line of the hint to `MIDDLEWARE`, sessions before users.",
        "tutorial.md",
    ),
    "faceauth.E016": Explanation(
        "`FACEAUTH_NOTICES` is on, and `FACEAUTH_SITE_URL` is not set.",
        "The mails hold a link, and a worker has no request that would tell the host, so none "
        "would be sent.",
        'Set `FACEAUTH_SITE_URL = "https://bank.example"`.',
        "how-to/notices.md",
    ),
    "faceauth.E017": Explanation(
        "The addresses of the API are included, and those of the pages are not.",
        "The provider sends the browser back to one of the pages, for programs too.",
        'Add `path("face/", include("django_faceauth.urls"))` to your URLconf.',
        "how-to/protect-an-endpoint.md",
    ),
    "faceauth.E018": Explanation(
        "`FACEAUTH_RETENTION` forgets webhook events (`tombstones`) sooner than 31 hours after "
        "they came.",
        "The provider resends for 30 hours: an event that is forgotten and comes again counts as "
        "new.",
        'Leave `tombstones` out, for its default of 400 days, or set `"31h"` or more.',
        "reference/settings.md",
    ),
    "faceauth.E019": Explanation(
        'The simulator answers, and `FACEAUTH_ENVIRONMENT` is `"live"`.',
        "An approval of the sandbox counts for nothing on a live site. What the simulator "
        "approves would be kept as live, and open its gates.",
        "Take `django_faceauth.simulator` out of `INSTALLED_APPS`, or set "
        '`FACEAUTH_ENVIRONMENT = "sandbox"` where you try things out.',
        "reference/simulator.md",
    ),
    "faceauth.E020": Explanation(
        '`FACEAUTH_SECRET_KEY` begins with `sk_sbox_`, and `FACEAUTH_ENVIRONMENT` is `"live"`.',
        "The live service does not accept keys of the sandbox, so that no face check can be "
        "started.",
        "Take the live key from the provider's dashboard, or go back to the sandbox.",
        "reference/settings.md",
    ),
    "faceauth.E021": Explanation(
        "The templates of this package cannot be found.",
        "Whoever is stopped by a gate would see an error in place of the page that asks.",
        'Set `"APP_DIRS": True` for an engine of `django.template.backends.django` in '
        "`TEMPLATES`. If it has `loaders` of its own, add "
        "`django.template.loaders.app_directories.Loader` to them.",
        "tutorial.md",
    ),
    "faceauth.E022": Explanation(
        "The page of `FACEAUTH_FALLBACK`, or of `LOGIN_URL`, is behind a gate itself.",
        "People are sent there because they cannot pass, and would go round in circles.",
        "Take the gate off that page; if it changes something, gate only that, with "
        '`methods=["POST"]`.',
        "how-to/fallback.md",
    ),
    "faceauth.E023": Explanation(
        "`LOGIN_URL` is neither the name of a page nor a path.",
        "A gate sends people there who are not logged in, and they would meet an error.",
        "Set `LOGIN_URL` to the name or the path of the page where people log in.",
        "tutorial.md",
    ),
    "faceauth.E024": Explanation(
        "`FACEAUTH_CLIENT_CERTIFICATE` names a file that is not there, or that this user may "
        "not look for.",
        "Every call to the provider fails, and gates stay shut.",
        "Give whole paths, and let the user that runs the site read them.",
        "reference/settings.md",
    ),
}
