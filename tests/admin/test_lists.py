"""The index, and what all lists have in common: search, links to users, marks, words."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission

from django_faceauth.admin import MODEL_ADMINS, display, register
from django_faceauth.models import FaceAttempt, FaceChallenge
from django_faceauth.models.challenge import HARMLESS, NOT_ME
from tests.admin.staff import text_of

pytestmark = [pytest.mark.database, pytest.mark.django_db]

FIRST = ["Review queue", "Dashboard", "Face authentications", "Users’ enrolment", "Audit log"]
#: Lists with a link to the user of each row.
WITH_USERS = [
    model._meta.model_name
    for model, model_admin in MODEL_ADMINS.items()
    if "user" in model_admin.list_display
]


class Reversed(admin.AdminSite):
    """A site with an order of its own, and an entry that is no model."""

    def get_app_list(self, request, app_label=None):
        apps = super().get_app_list(request, app_label)
        return [{"app_label": "own", "name": "Own", "models": [{"name": "Page"}]}, *reversed(apps)]


@pytest.mark.parametrize("site", [admin.site, Reversed("reversed")], ids=["default", "own"])
@pytest.mark.parametrize("role", ["reviewer", "operator"])
def test_the_index_begins_with_what_staff_need_every_day(staff, rf, site, role):
    register(site)  # twice, for the default one
    member, request = staff(role), rf.get("/")
    member.is_given("view_applicant")
    request.user = member.user

    app = site.get_app_list(request)[-1]

    names = [str(entry["name"]) for entry in app["models"]]
    assert names[:5] == FIRST
    assert len(names) == len(MODEL_ADMINS) - 1  # may not view exemptions
    for entry in app["models"]:
        assert member.browser.get(entry["admin_url"]).status_code == 200, entry["name"]


def test_the_index_lists_only_what_staff_may_view(staff):
    member = staff("staff")
    member.is_given("view_reviewcase")

    [app] = member.browser.get("/admin/").context["app_list"]

    assert [str(entry["name"]) for entry in app["models"]] == ["Review queue"]


def test_models_that_a_site_adds_come_last(rf, admin_user):
    site, request = admin.AdminSite("added"), rf.get("/")
    request.user = admin_user
    register(site)
    site.register(FaceAttempt)

    [app] = site.get_app_list(request, "faceauth")

    assert str(app["models"][-1]["name"]) == "Face attempts"


def test_lists_find_the_rows_of_users_by_the_beginning_of_their_name(staff, everything):
    boss = staff("superuser")
    everything.username = "Zelda-Z"
    everything.save()
    for model in (*WITH_USERS, "erasure"):
        page = boss.opens(f"{model}_changelist")
        assert "The beginning of a user name" in text_of(page)
        assert boss.lists(model, q="Zelda") != [], model
        assert boss.lists(model, q="elda") == [], model


def test_users_are_linked_for_staff_who_may_view_them(staff, everything):
    reader, link = staff("reader"), f'href="/admin/auth/user/{everything.pk}/change/"'
    reader.is_given("view_applicant", "view_faceexemption")
    pages = [f"{model}_changelist" for model in WITH_USERS]

    without = {page: reader.opens(page).content.decode() for page in pages}
    reader.user.user_permissions.add(Permission.objects.get(codename="view_user"))

    for page in pages:
        assert everything.username in without[page], page
        assert link not in without[page], page
        assert link in reader.opens(page).content.decode(), page


def test_what_is_anonymized_is_marked(staff, everything):
    reader = staff("reader")
    for model in ("faceauthentication", "facechallenge", "reviewcase", "verdict"):
        assert "anonymized" in reader.reads(f"{model}_changelist"), model
    assert "anonymized" in reader.reads("identityverification_changelist")


def test_reasons_are_in_words(staff, declined):
    for reason in (*HARMLESS, NOT_ME, "gave_way", "sequence_fail", "superseded"):
        FaceChallenge.objects.update(reason=reason)
        shown = staff("reader", reason).reads("facechallenge_changelist")
        assert str(display.REASONS[reason]) in shown
