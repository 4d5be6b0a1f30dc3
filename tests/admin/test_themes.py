"""Lists under the templates of another theme of the admin."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
from django.urls import include, path

from django_faceauth.admin import MODEL_ADMINS
from tests.admin.staff import address
from tests.site.urls import urlpatterns as own

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

urlpatterns = [path("grappelli/", include("grappelli.urls")), *own]


@pytest.fixture(autouse=True)
def grappelli(settings):
    templates = Path(find_spec("grappelli").origin).with_name("templates")
    [engine] = settings.TEMPLATES
    libraries = {"grp_tags": "grappelli.templatetags.grp_tags"}
    options = {**engine["OPTIONS"], "libraries": libraries}
    settings.TEMPLATES = [{**engine, "DIRS": [templates], "OPTIONS": options}]


def test_lists_filters_and_actions_work_under_grappelli(staff, everything):
    """It reads `field` of a filter as a field of the model (F-84)."""
    boss = staff("superuser")
    for model in MODEL_ADMINS:
        name = f"{model._meta.model_name}_changelist"
        page = boss.opens(name)
        assert b"grp-" in page.content, name
        changelist = page.context.get("cl")  # none on the dashboard
        for item in changelist.filter_specs if changelist else ():
            for choice in item.choices(changelist):
                filtered = boss.browser.get(address(name) + choice["query_string"])
                assert filtered.status_code == 200, (name, choice)
    row = everything.face_authentications.get()
    assert "grp-" in boss.does("sync_now", row).content.decode()
    assert boss.opens("faceauthentication_change", row.pk).status_code == 200
