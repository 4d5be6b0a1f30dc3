"""Set up the provider's workflow that sends webhooks to this site."""

from __future__ import annotations

import time
from dataclasses import replace
from math import ceil
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Max
from django.urls import NoReverseMatch
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_faceauth.conf import PREFIX, conf
from django_faceauth.exceptions import AccessDenied, ConfigurationError, ProviderError, Rejected
from django_faceauth.models import WebhookEvent
from django_faceauth.provider.factory import get_workflows_client
from django_faceauth.provider.resources import WebhookAction, WorkflowSnapshot
from django_faceauth.provider.webhook_payloads import FAMILY, IDENTITY_FAMILY
from django_faceauth.secret import Secret
from django_faceauth.services.monitoring import doctor, workflow
from django_faceauth.services.privacy.retention import REDELIVERY

#: The name of a new workflow in the provider's dashboard.
NAME: Final = "django-faceauth"
#: Seconds between two queries for the events of a test.
PAUSE: Final = 0.5


class Command(BaseCommand):
    """Calls the workflows API of the provider; no key is shown or taken as an argument."""

    help = "Creates, checks, tests or removes the provider's workflow that sends webhooks here."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        shared = CommandParser(add_help=False)
        shared.add_argument(
            "--url", help=f"URL of the webhook endpoint; default: from {PREFIX}SITE_URL"
        )
        writes = CommandParser(add_help=False, parents=[shared])
        writes.add_argument("--no-input", action="store_true", help="do not ask to confirm")
        add = actions.add_parser
        add("create", parents=[writes], help="create the workflow")
        add(
            "check",
            parents=[shared],
            help="compare it with the settings, exit with 1 if it differs",
        )
        rotate = add("rotate", parents=[writes], help="change the signature key")
        rotate.add_argument(
            "--to",
            type=int,
            required=True,
            metavar="N",
            help=f"position of the key in {PREFIX}WEBHOOK_SECRET_KEYS, counted from 1",
        )
        test = add("test", parents=[shared], help="send test events, and wait for them")
        test.add_argument("--wait", type=float, default=30, help="seconds; default: %(default)s")
        add("remove", parents=[writes], help="delete the workflow")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            self.client = get_workflows_client()
            self.url = options["url"] or workflow.webhook_url()
            getattr(self, f"_{options['action']}")(options)
        except ProviderError as error:
            text = "%s"
            # A client without the scope is refused a token, or with it.
            is_refused_token = isinstance(error, Rejected) and error.operation == "token"
            if isinstance(error, AccessDenied) or is_refused_token:
                text = _(
                    "The provider does not accept the credentials for workflows: %s. An OAuth "
                    "client needs the scope flow."
                )
            raise CommandError(text % error) from None
        except NoReverseMatch:
            raise CommandError(_("The URLs of this package are not in the URLconf.")) from None
        except ConfigurationError as error:
            raise CommandError(str(error)) from None

    def _create(self, options: dict[str, Any]) -> None:
        """Create the workflow, unless there is one."""
        key = self._key(1)
        ours, _others = workflow.find(self.client, self.url)
        if ours:
            text = _("Workflow %s sends webhooks to this URL already.")
            raise CommandError(text % ours[0].id)
        events = workflow.used_events(self.client)
        if not events:
            raise CommandError(_("The provider offers this account no events of ours."))
        facts = {"number": sum(map(len, events.values())), "url": self.url}
        text = _("A new workflow will send %(number)d types of events to %(url)s.")
        self._confirm(text % facts, options)
        webhook = WebhookAction(self.url, key, workflow.headers())
        created = self.client.create_workflow(NAME, events, webhook)
        self.stdout.write(_("created: %s") % created.id)

    def _check(self, _options: dict[str, Any]) -> None:
        """Print what is missing or differs."""
        with doctor.quiet():
            results = list(doctor.check_workflow(self.client, self.url))
        for result in results:
            self.stdout.write(str(result))
        problems = sum(result.level is not doctor.Level.OK for result in results)
        if problems:
            raise CommandError(ngettext("%d problem.", "%d problems.", problems) % problems)

    def _rotate(self, options: dict[str, Any]) -> None:
        """Have the provider sign with another key of the settings."""
        key, ours = self._key(options["to"]), self._found()
        self._confirm(_("Webhooks will be signed with key %d.") % options["to"], options)
        former = set()
        for each in ours:
            webhook = workflow.webhook_to(self.url, each)
            former.add(workflow.number_of(webhook.key))
            headers = {**webhook.headers, **workflow.headers()}
            if any(map(workflow.is_hidden, headers.values())):  # it would be sent back masked
                text = _(
                    "Change the key of workflow %s in the provider’s dashboard: it has headers "
                    "that the provider does not show."
                )
                raise CommandError(text % each.id)
            webhook = replace(webhook, key=key, headers=headers)
            self.client.update_workflow_action(each.id, webhook)
        self.stdout.write(_("webhooks are signed with key %d now") % options["to"])
        until = date_format(timezone.localtime(timezone.now() + REDELIVERY), "DATETIME_FORMAT")
        for number in former - {options["to"]}:
            name = _("key %d") % number if number else _("the former key")
            text = _(
                "Leave %(key)s in %(setting)s until %(until)s, for events that are sent again; "
                "then remove it."
            )
            facts = {"key": name, "setting": f"{PREFIX}WEBHOOK_SECRET_KEYS", "until": until}
            self.stdout.write(text % facts)

    def _test(self, options: dict[str, Any]) -> None:
        """Send test events, and print which of them were stored here."""
        used = {name for names in workflow.used_events(self.client).values() for name in names}
        last = WebhookEvent.objects.aggregate(last=Max("pk"))["last"] or 0
        stored = WebhookEvent.objects.filter(pk__gt=last)
        missing = set()
        for each in self._found():
            if sent := used & each.event_types:
                self.client.test_workflow(each.id, sorted(sent))
                missing |= sent
        number, unreadable = len(missing), 0
        for _number in range(ceil(options["wait"] / PAUSE) + 1):
            missing -= set(stored.values_list("type", flat=True))
            # The provider fills test events with examples: some may lack what ours must have,
            # and have come with a good signature all the same.
            unreadable = stored.filter(type="", state=WebhookEvent.State.FAILED).count()
            if len(missing) <= unreadable:
                break
            time.sleep(PAUSE)
        facts = {"number": number, "arrived": number - len(missing), "unreadable": unreadable}
        text = _("arrived: %(arrived)d of %(number)d; genuine, but not readable: %(unreadable)d")
        self.stdout.write(text % facts)
        if len(missing) > unreadable:
            names = ", ".join(sorted(missing))
            raise CommandError(_("These test events did not arrive: %s.") % names)

    def _remove(self, options: dict[str, Any]) -> None:
        """Delete the workflow, unless it does more than send our events."""
        ours = self._found()
        for each in ours:
            families = (FAMILY, IDENTITY_FAMILY)
            is_ours = all(name.startswith(families) for name in each.event_types)
            if not is_ours or each.others or len(each.webhooks) > 1:
                text = _("Workflow %s does more than this: change it in the provider’s dashboard.")
                raise CommandError(text % each.id)
        ids = ", ".join(each.id for each in ours)
        self._confirm(_("No webhooks will be sent any more by %s.") % ids, options)
        for each in ours:
            self.client.delete_workflow(each.id)
        self.stdout.write(_("removed: %s") % ids)

    def _found(self) -> list[WorkflowSnapshot]:
        ours, _others = workflow.find(self.client, self.url)
        if not ours:
            raise CommandError(_("No workflow sends webhooks to %s.") % self.url)
        return ours

    def _key(self, number: int) -> Secret:
        keys = conf.WEBHOOK_SECRET_KEYS
        if not 1 <= number <= len(keys):
            facts = {"setting": f"{PREFIX}WEBHOOK_SECRET_KEYS", "number": number}
            raise CommandError(_("%(setting)s has no key %(number)d.") % facts)
        return keys[number - 1]

    def _confirm(self, text: str, options: dict[str, Any]) -> None:
        self.stderr.write(text)
        if not options["no_input"] and input(_("Type “yes”, in English, to go on: ")) != "yes":
            raise CommandError(_("Nothing was changed."))
