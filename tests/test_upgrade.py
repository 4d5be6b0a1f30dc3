"""A site that comes from an older release keeps its rows, and they are as good as new.

Whatever release it comes from, its tables are as one of our migrations left them. So each of
them is gone back to with rows in every table, and forward again; the configured database does it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.db.migrations import Migration, RunPython, RunSQL
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.test import Client
from django.utils import timezone

from django_faceauth.models import (
    AttemptRequest,
    Consent,
    Erasure,
    ErasureTask,
    FaceAuthentication,
    FaceExemption,
    Lockout,
    Verdict,
)
from django_faceauth.services import audit
from tests.deliveries import deliver, event
from tests.person import Person, scripted
from tests.sweeping import sweep_once

APP = "faceauth"
Row = dict[str, Any]


def migrations(app: str = APP) -> list[Migration]:
    """Return our migrations in their order."""
    loader = MigrationLoader(connection)
    (newest,) = loader.graph.leaf_nodes(app)
    plan = loader.graph.forwards_plan(newest)
    return [loader.graph.nodes[key] for key in plan if key[0] == app]


# pytest asks for the names while it collects, when no database may be asked.
NAMES = [
    name
    for _, name in sorted(key for key in MigrationLoader(None).disk_migrations if key[0] == APP)
]


def migrate(name: str) -> Any:
    """Go to the tables that one migration leaves, and return the models of that time."""
    MigrationExecutor(connection).migrate([(APP, name)])
    return MigrationExecutor(connection).loader.project_state([(APP, name)]).apps


def rows(models: Any) -> dict[str, list[Row]]:
    """Return all that is in our tables, by the name of the model."""
    kinds = models.get_app_config(APP).get_models()
    return {
        kind.__name__: list(kind._base_manager.order_by("pk").values())
        for kind in kinds
        if kind._meta.managed
    }


@pytest.fixture
def back_at_the_newest(transactional_db: None) -> Iterator[None]:
    """Whatever happens, the next test finds the tables of today."""
    yield
    migrate(NAMES[-1])


@pytest.fixture
def lived_in(back_at_the_newest: None, people: Any) -> Person:
    """Somebody whose face is fresh, on a site in which each table has a row."""
    declined: Person = people(scripted("62321"))
    declined.passes()
    person: Person = people()
    person.passes()
    now, later = timezone.now(), timezone.now() + timedelta(hours=1)
    user, row = person.user, person.authentication
    deliver(event(row))
    sweep_once()
    FaceExemption.objects.create(
        user=user, reason="arm in plaster", author=user, created_at=now, expires_at=later
    )
    Lockout.objects.create(user=declined.user, reason="declines", started_at=now, until=now)
    AttemptRequest.objects.create(user=user, session_digest="x", at=now)
    Consent.objects.create(user=user, who=str(user.pk), version="1", language="en", given_at=now)
    audit.note("purge", by=None, now=now)
    Verdict.objects.create(authentication=row, finding="genuine", at=now)
    erasure = Erasure.objects.create(who="0", reason="request", requested_at=now, finished_at=now)
    ErasureTask.objects.create(
        erasure=erasure, digest="x", environment="sandbox", state="done", done_at=now
    )
    return person


@pytest.mark.parametrize("name", NAMES[:-1])
def test_rows_of_an_older_release_are_kept_and_work(name, lived_in):
    """The gate stays open to who showed their face, lists show them, and the sweep goes on."""
    assert all(rows(apps).values()), "each table needs a row here"
    before = rows(migrate(name))

    models = migrate(NAMES[-1])

    _are_kept(before, rows(models))
    _are_listed(lived_in.user)
    assert lived_in.browser.get("/statements/").content.startswith(b"secret")
    lived_in.clock.shift(timedelta(hours=2))
    lived_in.passes()
    sweep_once()
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def _are_kept(before: dict[str, list[Row]], after: dict[str, list[Row]]) -> None:
    """Nothing that was there then is gone, or says something else."""
    for kind, old_rows in before.items():
        assert len(after[kind]) == len(old_rows), kind
        for old, new in zip(old_rows, after[kind], strict=True):
            assert {name: new[name] for name in old} == old, kind


def _are_listed(manager: User) -> None:
    """The desk shows them, or asks for a face of its own; codes are found by their column."""
    User.objects.filter(pk=manager.pk).update(is_staff=True, is_superuser=True)
    browser = Client()
    browser.force_login(manager)
    for kind in filter(admin.site.is_registered, apps.get_app_config(APP).get_models()):
        url = f"/admin/{APP}/{kind._meta.model_name}/"
        assert browser.get(url).status_code in {200, 302}, url
    assert FaceAuthentication.objects.get(code=62321).status == "declined"


@pytest.mark.parametrize("app", [APP, "faceauth_simulator"])
def test_every_migration_can_be_undone_and_says_what_it_is(app, db):
    """A release that turns out badly is gone back from."""
    for migration in migrations(app):
        for operation in migration.operations:
            assert operation.reversible, (migration.name, operation.describe())
            assert not isinstance(operation, RunSQL), "RunSQL is written for one database"
            if isinstance(operation, RunPython):
                assert operation.code.__doc__, (migration.name, operation.code.__name__)
