"""Permissions: every role, every page, every action (A-01, G-12)."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.urls import reverse

from django_faceauth.admin import MODEL_ADMINS, register
from django_faceauth.models import AuditEntry, FaceAuthentication, WebhookEvent
from tests.admin.staff import ROLES, address, text_of

ALL = ("superuser", *ROLES, "staff", "customer")
LOOKERS = ("superuser", *ROLES)
ACTIONS = {
    "reprocess": "operator",
    "sync_now": "operator",
    "revoke_grants": "operator",
    "anonymize": "operator",
    "export_csv": "operator",
    "export_json": "operator",
}
#: Behind a face of their own, so tested with one below.
GATED = ("applicant", "faceexemption")
MODELS = [model for model in MODEL_ADMINS if not model._meta.proxy]  # all but the dashboard
LISTS = [
    f"{model._meta.model_name}_changelist"
    for model in MODELS
    if model._meta.model_name not in GATED
]


@pytest.mark.parametrize("role", ALL)
def test_pages(staff, approved, role):
    member = staff(role)
    refused = 302 if role == "customer" else 403
    for page in LISTS:
        expected = 200 if role in LOOKERS else refused
        assert member.opens(page).status_code == expected, page
    for page in ("change", "history", "review", "dashboard"):
        who = {"superuser", "reviewer"} if page == "review" else LOOKERS
        where = (page,) if page == "dashboard" else (f"faceauthentication_{page}", approved.pk)
        assert member.opens(*where).status_code == (200 if role in who else refused), page


def test_the_dashboard_takes_the_permission_to_view_authentications(staff):
    officer = staff("staff")
    officer.is_given("view_fraud_codes")
    assert officer.opens("dashboard").status_code == 403

    officer.is_given("view_faceauthentication")
    assert officer.opens("dashboard").status_code == 200
    assert officer.browser.post(address("dashboard")).status_code == 405


@pytest.mark.parametrize("role", ALL)
def test_actions(staff, approved, role):
    """Staff without the permission are neither offered an action nor get it by asking (A-01)."""
    member = staff(role)
    event = WebhookEvent.objects.create(
        event_id="evt_1",
        provider_id=approved.provider_id,
        received_at=approved.created_at,
        state="ignored",
    )
    offered = ""
    if role in LOOKERS:
        offered = member.opens("faceauthentication_changelist").content.decode()
        offered += member.opens("webhookevent_changelist").content.decode()
    for action, owner in ACTIONS.items():
        may = role in {"superuser", owner}
        entries = AuditEntry.objects.count()

        response = member.confirms(action, event if action == "reprocess" else approved)

        assert (f'value="{action}"' in offered) == may, action
        assert (AuditEntry.objects.count() > entries) == may, action
        assert response.status_code in ({200} if may else {200, 302, 403}), action


def test_not_even_a_superuser_adds_changes_or_deletes(staff, everything):
    """On any page of any model (A-01, TH-43), the audit log included (L-03)."""
    boss = staff("superuser")
    forged = {"status": "approved", "state": "granted", "verified_at_0": "2026-03-01"}
    for model in MODELS:
        name = model._meta.model_name
        if name in GATED:
            assert boss.opens(f"{name}_changelist").status_code == 200
            assert boss.opens(f"{name}_add").status_code == 403  # not enrolled: no face, no form
            continue
        row = model._default_manager.earliest("pk")
        before = model._default_manager.values().get(pk=row.pk)
        assert boss.browser.post(address(f"{name}_add"), forged).status_code == 403, name
        change = boss.browser.post(address(f"{name}_change", row.pk), forged)
        boss.does("approve", row, confirmed="yes", **{f"form-0-{n}": forged[n] for n in forged})
        boss.does("delete_selected", row, post="yes", **forged)
        delete = boss.browser.post(address(f"{name}_delete", row.pk), {"post": "yes"})
        assert {change.status_code, delete.status_code} <= {302, 403, 405}, name
        assert model._default_manager.values().get(pk=row.pk) == before, name


@pytest.mark.parametrize("model", GATED)
def test_looking_needs_no_face(staff, person, model):
    """(F-64): nor does it let anything be changed."""
    member = staff("staff")
    member.is_given(f"view_{model}", f"add_{model}", f"change_{model}", f"delete_{model}")
    refused = member.opens(f"{model}_add")
    assert refused.status_code == 403
    assert "faceauth_link" in refused.content.decode()  # staff who are not enrolled are told so
    row = person.user.face_applicant if model == "applicant" else None

    assert member.opens(f"{model}_changelist").status_code == 200
    if row is not None:
        assert member.opens(f"{model}_change", row.pk).status_code == 200
        changed = {"applicant_id": "aplt_" + "b" * 26}
        assert member.browser.post(address(f"{model}_change", row.pk), changed).status_code == 403
        row.refresh_from_db()
        assert row.applicant_id not in changed.values()


def test_every_address_of_ours_is_for_staff(staff, approved):
    ours = [
        pattern
        for model in MODEL_ADMINS
        for pattern in admin.site._registry[model].get_urls()
        if pattern.name
    ]
    customer = staff("customer")

    for pattern in ours:
        arguments: list[Any] = [1] if "<" in str(pattern.pattern) else []
        page = customer.browser.get(reverse(f"admin:{pattern.name}", args=arguments))
        assert page.status_code == 302
        assert page["Location"].startswith("/admin/login/")
    assert len(ours) > 50


def test_staff_who_may_delete_users_still_can(staff, person, approved):
    """Read-only rows of ours must not keep accounts from being deleted."""
    officer = staff("staff")
    rights = Permission.objects.filter(codename__in=["delete_user", "view_user"])
    officer.user.user_permissions.add(*rights)
    page = f"/admin/auth/user/{person.user.pk}/delete/"

    assert "permission" not in text_of(officer.browser.get(page)).lower()
    assert officer.browser.post(page, {"post": "yes"}).status_code == 302
    assert not FaceAuthentication.objects.exists()


# -- filters, and look-ups in the query string


@pytest.mark.parametrize("model", MODEL_ADMINS)
def test_filters_have_no_attribute_that_django_uses_for_model_fields(model):
    """Grappelli, for one, reads `field` of every filter as a field of the model (F-84)."""
    for item in admin.site._registry[model].list_filter:
        names = {"field", "field_path", "field_generic", "links", "lookup_kwarg", "lookup_val"}
        assert isinstance(item, str) or names.isdisjoint(dir(item))


@pytest.mark.parametrize("role", ["reader", "superuser"])
def test_lists_are_filtered_by_their_filters_alone(staff, rf, role):
    """No list of ours answers questions about columns that it does not show (F-63, V-12)."""
    member, request = staff(role), rf.get("/")
    request.user = member.user
    for model in MODEL_ADMINS:
        site_admin = admin.site._registry[model]
        declared = {getattr(item, "parameter_name", item) for item in site_admin.list_filter}
        columns = {field.name for field in model._meta.get_fields()} - declared
        annotated = site_admin.get_queryset(request).query.annotations
        for column in [*columns, "pk", *annotated]:
            for suffix in ("", "__contains", "__isnull", "__0__gt", "__password__startswith"):
                lookup = column + suffix
                assert not site_admin.lookup_allowed(lookup, "1", request), (model, lookup)
    for column in ("user_id", "risk_labels__contains", "challenge__saved_form_data__icontains"):
        assert member.opens("faceauthentication_changelist", **{column: "1"}).status_code == 400


def test_the_site_can_have_an_admin_of_its_own_for_a_model():
    site = admin.AdminSite("other")
    site.register(FaceAuthentication, admin.ModelAdmin)

    register(site)

    assert type(site._registry[FaceAuthentication]) is admin.ModelAdmin
    assert set(site._registry) == set(MODEL_ADMINS)
