"""Looking at a captured face: who may, what it leaves behind, and what goes wrong."""

from __future__ import annotations

import base64
import logging
import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.db import connection
from django.test import Client, override_settings
from django.urls import path
from django.utils import timezone
from pytest_django.asserts import assertContains, assertNotContains

from django_faceauth.gate import face_required
from django_faceauth.models import AuditEntry, FaceAttempt, FaceChallenge, ProviderRateLimit
from django_faceauth.services import audit_log
from django_faceauth.services.grants import formatting
from django_faceauth.services.privacy import erasure
from django_faceauth.services.review import face_image
from django_faceauth.simulator.views import FACE
from tests.addresses import served
from tests.admin.staff import address, stored
from tests.gate.test_admin import make_staff
from tests.provider_double import answers, breaks, works
from tests.site.views import secret, statements

ASSETS = "GET /assets/"


@pytest.fixture(autouse=True)
def site():
    """The admin, and a page that a reviewer's face opens as well."""
    with served(
        path("desk/", face_required(action="view-face", max_age=300)(secret)),
        path("statements/", statements),
        path("admin/", admin.site.urls),
    ):
        yield


def url_of(row):
    return address("faceauthentication_face", row.pk)


def picture_on(page):
    """Return the bytes of the picture on a page, which has no other."""
    assert page.status_code == 200
    [data] = re.findall(r'<img src="data:image/png;base64,([^"]+)"', page.content.decode())
    return base64.b64decode(data)


@pytest.fixture
def shown(person, provider):
    """Where the face of a user who was approved can be seen."""
    person.passes("/statements/")
    provider.calls.clear()
    return url_of(person.authentication)


@pytest.fixture
def reviewer(people):
    """A reviewer whose own face was just seen."""
    staff = make_staff(people(), "view_face")
    staff.passes("/desk/")
    return staff


# -- who may


def test_a_reviewer_sees_the_face(reviewer, shown):
    """It stays in no cache, frame, referrer, script or URL, and counts against the budget."""
    before = ProviderRateLimit.objects.get().spent_until

    response = reviewer.browser.get(shown)

    assert ProviderRateLimit.objects.get().spent_until > before
    assert picture_on(response) == FACE.read_bytes()
    assert {name: response[name] for name in HEADERS} == HEADERS
    assert not response.has_header("ETag")
    for method in ("post", "head", "put", "delete"):
        assert getattr(reviewer.browser, method)(shown).status_code == 405


NO_STORE = "no-store, private, max-age=0, no-cache, must-revalidate"
HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": NO_STORE,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@pytest.mark.parametrize("page", ["review", "change"])
def test_the_page_of_a_face_says_whose_it_is_and_leads_back(reviewer, shown, person, page):
    """A case never shows the picture by itself: each look is a click."""
    names = ["view_faceauthentication", *(["review_faceauthentication"] * (page == "review"))]
    reviewer.user.user_permissions.add(*Permission.objects.filter(codename__in=names))
    person.user.username = "eve\u202e<b>"
    person.user.save()
    attempt = person.authentication.attempts.get()
    case = address(f"faceauthentication_{page}", person.authentication.pk)
    html = reviewer.browser.get(case).content.decode()
    assert "<img" not in html
    assert f'href="{shown}"' in html
    assert not AuditEntry.objects.filter(event="face_viewed").exists()

    response = reviewer.browser.get(shown)

    when = formatting.moment(attempt.capture_not_after)
    assertContains(response, f'alt="Face of eve[U+202E]&lt;b&gt;, captured by {when}"')
    assertContains(response, f'href="{case}"', count=2)


def test_only_a_fresh_face_of_the_reviewer_counts(people, reviewer, shown):
    reviewer.clock.shift(301)
    reviewer.is_asked(shown)
    other = make_staff(people(), "view_face")
    other.passes("/statements/")  # for something else
    other.is_asked(shown)


@pytest.mark.parametrize("rights", [(), ("view_face",)], ids=["superuser", "reviewer"])
def test_whose_face_is_not_fresh_is_asked_first(people, shown, provider, rights):
    staff = make_staff(people(), *rights)
    start = staff.is_asked(shown)
    assert provider.calls == []

    staff.returns(staff.shows_face(staff.is_handed_over(start)))
    staff.clock.shift(3)
    back = staff.browser.get(f"/face/waiting/{staff.challenge.handle}/", follow=True)

    assert back.redirect_chain[-1] == (shown, 302)
    assert picture_on(back) == FACE.read_bytes()


@pytest.mark.parametrize("rights", [("view_faceauthentication",), ("view_fraud_codes",)])
def test_staff_without_the_permission_are_refused_before_anything_else(
    people, shown, provider, rights
):
    """G-08: they learn neither of the gate nor which faces there are."""
    staff = make_staff(people(), *rights)
    staff.passes("/desk/")
    asked = FaceChallenge.objects.count()
    provider.calls.clear()

    for url in (shown, address("faceauthentication_face", 999999)):
        for method in ("get", "post", "head"):
            assert getattr(staff.browser, method)(url).status_code == 403

    assert FaceChallenge.objects.count() == asked
    assert provider.calls == []
    assert not AuditEntry.objects.filter(event="face_viewed").exists()


def test_only_active_staff_get_in(person, people, shown):
    """Neither a visitor, nor a customer, nor a permission without being staff, or active."""
    customer = make_staff(people(), "view_face")
    customer.user.is_staff = False
    customer.user.save()
    gone = make_staff(people(), "view_face")
    gone.user.is_active = False
    gone.user.save()

    for browser in (Client(), person.browser, customer.browser, gone.browser):
        assert browser.get(shown)["Location"].startswith("/admin/login/")


# -- what it leaves behind


def test_each_look_is_written_down(reviewer, shown, person):
    """Who, when, and whose (L-01)."""
    for _ in range(2):
        reviewer.browser.get(shown)

    looks = AuditEntry.objects.filter(event="face_viewed")
    assert [(look.by, look.subject, look.at, look.details) for look in looks] == [
        (reviewer.user, audit_log.subject_of(person.authentication), timezone.now(), {})
    ] * 2


def test_what_cannot_be_written_down_is_not_shown(reviewer, shown):
    """The entry comes first: without it there is no picture."""
    with connection.execute_wrapper(_refuses_audit_entries):
        reviewer.browser.raise_request_exception = False
        response = reviewer.browser.get(shown)

    assert response.status_code == 500
    assert b"data:image" not in response.content


def _refuses_audit_entries(execute, sql, params, many, context):
    if sql.startswith("INSERT") and "auditentry" in sql:
        raise RuntimeError("no")
    return execute(sql, params, many, context)


def test_neither_link_nor_picture_is_found_anywhere(reviewer, shown, provider, caplog):
    """V-01, U-07: in no table, session, cache or log, nor on a page."""
    with caplog.at_level(logging.DEBUG):
        reviewer.browser.get(shown)
        page = reviewer.browser.get("/desk/")

    [link] = [call for call in provider.calls if call.startswith(ASSETS)]
    token = re.fullmatch(r"GET /assets/(.+)/face.png", link)[1]
    places = {
        "database": stored(),
        "log": caplog.text,
        "cache": str(vars(cache._connections[cache._alias])),
        "page": f"{page.content} {page.headers}",
    }
    traces = [
        token,
        token.split(":")[-1],
        "IHDR",
        base64.b64encode(FACE.read_bytes())[:24].decode(),
    ]
    for place, text in places.items():
        assert [trace for trace in traces if trace in text] == [], place


# -- what is not there, and what goes wrong


def told(response, status):
    assert response.status_code == status
    assert response["Cache-Control"] == NO_STORE
    assertContains(response, "Back to the case", status_code=status)
    assertNotContains(response, "<img", status_code=status)
    assert not AuditEntry.objects.filter(event="face_viewed").exists()


def test_there_may_be_no_face(reviewer, shown, person, people, provider):
    assert reviewer.browser.get(address("faceauthentication_face", 999999)).status_code == 404
    left = people()
    left.is_handed_over(left.is_asked("/statements/"))
    told(reviewer.browser.get(url_of(left.authentication)), 404)
    provider.troubles.append(answers(200, '{"data": []}'))
    told(reviewer.browser.get(shown), 404)
    erasure.anonymize(person.authentication, now=timezone.now())
    provider.calls.clear()

    here = {"erased_at": None, "environment": "sandbox"}
    for change in ({}, here | {"environment": "live"}, here | {"provider_id": None}):
        type(person.authentication).objects.filter(user=person.user).update(**change)
        told(reviewer.browser.get(shown), 404)
    assert provider.calls == []


def test_the_newest_attempt_with_a_picture_counts(reviewer, person, provider):
    person.passes("/statements/", "no_camera")
    person.proves(f"/face/start/{person.challenge.handle}/")
    shown = url_of(person.authentication)
    provider.calls.clear()

    assert picture_on(reviewer.browser.get(shown)) == FACE.read_bytes()
    assert len([call for call in provider.calls if "/assets?" in call]) == 1

    newest = FaceAttempt.objects.filter(authentication=person.authentication).latest("created_at")
    newest.pk, newest.provider_id = None, "fatp_without_a_picture"
    newest.save()
    provider.troubles.append(answers(200, '{"data": [{"type": "face_video"}]}'))
    assert picture_on(reviewer.browser.get(shown)) == FACE.read_bytes()


def test_five_attempts_are_looked_at_and_no_more(reviewer, shown, person, provider):
    row = FaceAttempt.objects.get(authentication=person.authentication)
    for number in range(6):
        row.pk, row.provider_id = None, f"fatp_of_another{number}"
        row.save()
    provider.troubles.extend([answers(200, '{"data": []}')] * 7)

    told(reviewer.browser.get(shown), 404)

    assert provider.count("GET /face-authentications") == face_image.MOST_ATTEMPTS


EXPIRED = [works, answers(403)]
REFUSED = [answers(401)] * 2
TROUBLES = {
    "an expired link": EXPIRED,
    "refused credentials": REFUSED,
    "the provider is down": [answers(503)],
    "no connection": [breaks()] * 3,
    "a drawing that could run": [works, answers(200, "<svg/>", content_type="image/svg+xml")],
}


@pytest.mark.parametrize("troubles", TROUBLES.values(), ids=TROUBLES.keys())
def test_trouble_is_told_plainly(reviewer, shown, provider, troubles):
    """A link that has expired (403) stops no polling, credentials that are refused do (P-06)."""
    provider.troubles.extend(troubles)

    status = 404 if troubles is EXPIRED else 503
    told(reviewer.browser.get(shown), status)
    pause = "no_access" if troubles is REFUSED else ""
    assert ProviderRateLimit.objects.get().pause == pause


def test_a_link_to_somewhere_else_is_not_followed(reviewer, shown, provider):
    """P-01: the hosts of pictures are the site's to list."""
    with override_settings(FACEAUTH_ASSET_HOSTS=["assets.checkout.com"]):
        told(reviewer.browser.get(shown), 503)

    assert provider.count(ASSETS) == 0
