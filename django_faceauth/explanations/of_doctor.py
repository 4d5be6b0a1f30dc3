"""Of what `faceauth_doctor` looks at besides the system checks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django_faceauth.explanations.entry import Explanation

DOCTOR: Final[Mapping[str, Explanation]] = {
    "settings": Explanation(
        "Whether the system checks have anything to say; what they say has ids of its own.",
        "Each of them is about a face check that cannot work, or is not safe.",
        "If a line begins with `faceauth.`, have that id explained.",
        "reference/checks.md",
    ),
    "sessions": Explanation(
        "Whether the session engine, and the cache that it uses, are there.",
        "A grant belongs to a session. Without sessions nobody can log in, and no gate opens.",
        "Correct `SESSION_ENGINE`, or name the cache of `SESSION_CACHE_ALIAS` in `CACHES`.",
        "tutorial.md",
    ),
    "token": Explanation(
        "Whether the provider gives a new OAuth token, on sites that use them.",
        "Without a token nothing can be asked of the provider: gates stay shut.",
        "Compare `FACEAUTH_OAUTH_CLIENT_ID` and its secret with the provider's dashboard, and "
        "`FACEAUTH_ENVIRONMENT`. If the provider cannot be reached, let this machine call out.",
        "reference/settings.md",
    ),
    "provider": Explanation(
        "Whether the provider answers and accepts the credentials. It is asked about a face "
        "check that cannot exist, so its 404, which the log shows, is the good answer.",
        "While it does not answer nobody can start a face check, and gates stay shut.",
        "Compare the credentials with the provider's dashboard, and `FACEAUTH_ENVIRONMENT`. If "
        "it cannot be reached, let this machine call `FACEAUTH_BASE_URL`, through the firewall "
        "and without a proxy that answers itself.",
        "reference/settings.md",
    ),
    "broker": Explanation(
        "Whether the broker can be reached, with `FACEAUTH_CELERY`.",
        "Without it what follows a webhook waits for the next sweep.",
        "Start the broker, or correct its address in `CELERY_BROKER_URL`.",
        "how-to/webhooks.md",
    ),
    "database": Explanation(
        "Whether the database can be read.",
        "Grants are rows: without a database no gate opens, and webhooks are put off.",
        "Start the database, or correct `DATABASES`.",
        "tutorial.md",
    ),
    "migrations": Explanation(
        "Whether all migrations are applied; if not, there are no rows to look at.",
        "Code that knows columns which the database does not have raises errors.",
        "Run `manage.py migrate`, before the new code starts.",
        "tutorial.md",
    ),
    "pause": Explanation(
        "The provider is not asked just now, because it said so, or did not accept the "
        "credentials.",
        "Results come late, or by webhooks only.",
        "If it is about credentials, correct them: polling goes on by itself. If the provider "
        "asked to come back later, wait.",
        "how-to/monitor.md",
    ),
    "work": Explanation(
        "What waits: webhook events that nobody acted upon, and polls that are due.",
        "It is never wrong by itself. When it grows, somebody waits for a result.",
        "If it grows, see what is said of `sweeps`, `broker` and `pause`.",
        "how-to/monitor.md",
    ),
    "stuck": Explanation(
        "Faces that were shown more than an hour ago, and have not been compared.",
        "People wait for a result that does not come; their questions have ended by now.",
        "Ask the provider about them: the review desk lists them.",
        "how-to/monitor.md",
    ),
    "statuses": Explanation(
        "Face checks in a status that this version does not know.",
        "The provider has introduced something new. It opens nothing, so that people may wait in "
        "vain.",
        "See whether there is a newer version of this package.",
        "how-to/monitor.md",
    ),
    "sweeps": Explanation(
        "Whether anything is left that a sweep would have done: an event or a poll that is five "
        "minutes late, or a question that should have been closed. On the day of its installation "
        "a site that nobody sweeps looks like one on which nothing is due.",
        "Without sweeps, what a lost webhook would have told is only found out while somebody "
        "watches a waiting page, and nothing that was promised to be forgotten is.",
        "Run `manage.py faceauth_sync --watch` as a service, `manage.py faceauth_sync` by cron, "
        "or a Celery worker and beat with `FACEAUTH_BEAT_SCHEDULE`.",
        "how-to/webhooks.md",
    ),
    "webhooks": Explanation(
        "When the last genuine webhook came, and whether faces were compared since; not without "
        "keys.",
        "Results are still found out by polling, only later; audits that take an approval back "
        "come later too.",
        "Look at the workflow in the provider's dashboard: its address, which ends in "
        "`/webhook/`, its events, and its signature key.",
        "how-to/webhooks.md",
    ),
    "clock": Explanation(
        "The last webhook came a minute or more before it was made, as this machine's clock tells.",
        "Freshness is counted by clocks. An approval that seems to come from the future does not "
        "count.",
        "Set the clock of this machine, and keep it right with NTP.",
        "how-to/monitor.md",
    ),
    "erasures": Explanation(
        "What the provider refused to forget, and what is late.",
        "Somebody asked to be forgotten, or deleted their account, and the law sets a time limit.",
        "Look at the erasure tasks in the admin, and ask the provider. If it is only late, see "
        "what is said of `sweeps`.",
        "how-to/privacy-duties.md",
    ),
    "audit": Explanation(
        "Whether the audit log is whole. It is a chain: each entry has the digest of the one "
        "before.",
        "An entry that was changed, taken out or put in means that somebody wrote to the database "
        "past this package.",
        "Keep a copy of the database, find out who can write to it, and compare with a backup; "
        "`manage.py faceauth_audit --verify` names the first entry.",
        "reference/commands.md",
    ),
}
