"""What the rows tell of how the site is: for `diagnosis`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_faceauth import clocks
from django_faceauth.conf import conf
from django_faceauth.durations import in_words
from django_faceauth.models import FaceAuthentication, ProviderRateLimit, WebhookEvent
from django_faceauth.services.background import sweep
from django_faceauth.services.monitoring import health, observations, stuck
from django_faceauth.services.monitoring.findings import Findings, ok, problem, warning
from django_faceauth.services.monitoring.observations import Observation
from django_faceauth.statuses import DECIDED

#: A webhook that has not come by now is late.
WEBHOOK_LATE: Final = timedelta(minutes=10)


def of_rows(*, now: datetime) -> Findings:
    """See what waits, and what came."""
    found = health.report(now=now)
    yield from _of_pause(found)
    yield from _of_work(found)
    yield from _of_sweeps(found, now)
    yield from _of_webhooks(found, now)
    yield from _of_lengths(now)
    yield from _of_return_urls(now)
    yield from _of_clock()
    yield from _of_erasures(found)


def _of_pause(found: health.Health) -> Findings:
    if found.pause == ProviderRateLimit.Pause.NO_ACCESS:
        text = _("Polling is stopped: the provider did not accept the credentials.")
        yield problem("pause", text, _("Correct them; it goes on by itself."))
    elif found.pause:
        text = _("Polling rests: the provider asked to come back later.")
        yield warning("pause", text, _("Nothing needs to be done, unless it stays so."))


def _of_work(found: health.Health) -> Findings:
    text = _(
        "Events that wait: %(backlog)d, the oldest for %(oldest)s. The most overdue poll is "
        "%(late)s late."
    )
    oldest, late = in_words(found.oldest_event), in_words(found.overdue)
    yield ok("work", text % {"backlog": found.backlog, "oldest": oldest, "late": late})
    if found.stuck:
        text = ngettext(
            "%d face was shown, and for too long not compared.",
            "%d faces were shown, and for too long not compared.",
            found.stuck,
        )
        yield warning("stuck", text % found.stuck, _("Ask the provider about them."))
    if found.unknown_statuses:
        text = ngettext(
            "%d face check has a status that is new to us.",
            "%d face checks have a status that is new to us.",
            found.unknown_statuses,
        )
        yield warning(
            "statuses", text % found.unknown_statuses, _("See whether there is a newer version.")
        )


def _of_sweeps(found: health.Health, now: datetime) -> Findings:
    is_late = not found.pause and not found.is_swept
    if is_late or sweep.has_overdue_work(now=now - stuck.OVERDUE):
        fix = _("Run manage.py faceauth_sync --watch, or a Celery worker and beat.")
        yield problem("sweeps", _("Nobody sweeps: what is due waits."), fix)
    else:
        yield ok("sweeps", _("Nothing that a sweep would have done is left."))


def _of_webhooks(found: health.Health, now: datetime) -> Findings:
    if not conf.WEBHOOK_SECRET_KEYS:
        return  # the system checks say so
    decided = FaceAuthentication.objects.filter(
        status__in=DECIDED, environment=conf.ENVIRONMENT, created_at__lt=now - WEBHOOK_LATE
    )
    if found.newest_event is None:
        text, untold = _("No webhook has ever come."), decided
    else:
        text = _("The last webhook came %s ago.") % in_words(found.newest_event)
        untold = decided.filter(created_at__gt=now - found.newest_event)
    if untold.exists():
        fix = _("Faces were compared since: look at the workflow in the provider’s dashboard.")
        yield warning("webhooks", text, fix)
    else:
        yield ok("webhooks", text)


def _of_lengths(now: datetime) -> Findings:
    moment = observations.last(Observation.WEBHOOK_WITHOUT_LENGTH)
    if moment is not None:
        text = _("A webhook without Content-Length was refused with 411 %s ago.")
        fix = _(
            "Use a server that sets wsgi.input_terminated, such as gunicorn, or have the proxy "
            "buffer request bodies."
        )
        yield warning("webhook_length", text % in_words(now - moment), fix)


def _of_return_urls(now: datetime) -> Findings:
    moment = observations.last(Observation.PLAIN_RETURN_URL)
    if moment is not None:
        text = _(
            "A face check was started over HTTPS with a return URL that begins with http: %s ago."
        )
        fix = _("Set SECURE_PROXY_SSL_HEADER to the header of the proxy that terminates TLS.")
        yield warning("return_url", text % in_words(now - moment), fix)


def _of_clock() -> Findings:
    newest = WebhookEvent.objects.order_by("-received_at").first()
    if newest is None or newest.created_on is None:
        return
    early = newest.created_on - newest.received_at
    if early > clocks.ALLOWED_SKEW:
        text = _("The last webhook came %s before it was made.") % in_words(early)
        yield warning("clock", text, _("Set the clock of this machine."))
    else:
        yield ok("clock", _("The last webhook came after it was made, as far as clocks tell."))


def _of_erasures(found: health.Health) -> Findings:
    if found.erasures_refused:
        text = ngettext(
            "The provider refused to forget %d face check.",
            "The provider refused to forget %d face checks.",
            found.erasures_refused,
        )
        yield problem(
            "erasures",
            text % found.erasures_refused,
            _("Look at the erasure tasks, and ask the provider."),
        )
    if found.erasure_overdue >= stuck.OVERDUE:
        text = _("What was to be forgotten is late by %s.") % in_words(found.erasure_overdue)
        yield problem("erasures", text, _("See whether somebody sweeps."))
    if not found.erasures_refused and found.erasure_overdue < stuck.OVERDUE:
        yield ok("erasures", _("Nothing that was to be forgotten is late."))
