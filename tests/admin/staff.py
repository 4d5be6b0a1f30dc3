"""Staff of the site, and what they do in the admin."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from django.contrib.auth.models import Permission, User
from django.contrib.sessions.models import Session
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from django_faceauth.models import FaceAuthentication, WebhookEvent

#: What each role may do, beside looking.
ROLES: dict[str, tuple[str, ...]] = {
    "reviewer": ("review_faceauthentication", "view_fraud_codes", "view_face"),
    "operator": (
        *("sync_faceauthentication", "revoke_faceauthentication", "reprocess_webhookevent"),
        *("export_faceauthentication", "anonymize_faceauthentication", "change_lockout"),
    ),
    "reader": (),
}
MODELS = (
    *("faceauthentication", "reviewcase", "verdict", "facechallenge", "webhookevent"),
    *("lockout", "attemptrequest", "consent", "erasure", "auditentry", "providerratelimit"),
    "identityverification",
)


class Staff:
    """A user; `role` is one of ROLES, "superuser", "staff" or "customer"."""

    def __init__(self, role: str, name: str = "") -> None:
        self.user = User.objects.create_user(
            name or role,
            is_staff=role != "customer",
            is_superuser=role == "superuser",
        )
        if role in ROLES:
            self.is_given(*ROLES[role], *(f"view_{model}" for model in MODELS))
        self.browser = Client()
        self.browser.force_login(self.user)

    def is_given(self, *names: str) -> None:
        """Get rights."""
        found = Permission.objects.filter(content_type__app_label="faceauth", codename__in=names)
        assert found.count() == len(set(names)), names
        self.user.user_permissions.add(*found)
        self.user = User.objects.get(pk=self.user.pk)

    def opens(self, name: str, *args: Any, **query: str) -> HttpResponse:
        """Open a page of ours by its name: `faceauthentication_changelist`."""
        return self.browser.get(address(name, *args), query)

    def reads(self, name: str, *args: Any, **query: str) -> str:
        """Open a page and return what it says, without its markup."""
        page = self.opens(name, *args, **query)
        assert page.status_code == 200, (page.status_code, page.get("Location"))
        return text_of(page)

    def lists(self, model: str, **query: str) -> list[Any]:
        """Return the rows of a list."""
        return list(self.opens(f"{model}_changelist", **query).context["cl"].result_list)

    def does(self, action: str, *rows: FaceAuthentication | WebhookEvent, **more: str) -> Any:
        """Choose an action for rows of a list, without having been asked yet."""
        name = f"{rows[0]._meta.model_name}_changelist"
        form = {"action": action, "_selected_action": [row.pk for row in rows], **more}
        return self.browser.post(address(name), form)

    def confirms(self, action: str, *rows: FaceAuthentication | WebhookEvent) -> Any:
        """Choose an action, and say that it is meant."""
        return self.does(action, *rows, confirmed="yes")

    def finds(self, row: FaceAuthentication, finding: str, **more: str) -> HttpResponse:
        """Give a verdict."""
        form = {"finding": finding, "note": "I looked twice.", **more}
        return self.browser.post(address("faceauthentication_review", row.pk), form)


def address(name: str, *args: Any) -> str:
    return reverse(f"admin:faceauth_{name}", args=args)


def text_of(page: Any) -> str:
    """Return what a page says, without its markup."""
    html = b"".join(page.streaming_content) if page.streaming else page.content
    without = re.sub(r"<(script|style)\b.*?</\1>", " ", html.decode(), flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", without)).split())


def stored() -> str:
    """Return everything that the tables hold, and the sessions decoded, as text."""
    found = [str(session.get_decoded()) for session in Session.objects.all()]
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            found += [str(row) for row in cursor.fetchall()]
    return "\n".join(found)
