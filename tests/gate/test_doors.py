"""Every door gives the same answer (G-13)."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from asgiref.sync import async_to_sync
from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse
from django.template import Context, Template
from django.test import RequestFactory
from django.urls import resolve
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from rest_framework.authentication import SessionAuthentication
from rest_framework.views import APIView

from django_faceauth.api.permissions import require_face
from django_faceauth.gate import (
    FaceRequiredMixin,
    ask_first,
    face_required,
    freshness,
    recorded_face,
)
from django_faceauth.gate.admin import (
    FaceRequiredAdminSite,
    FaceRequiredModelAdmin,
    face_required_action,
)
from django_faceauth.models import FaceAuthentication, FaceChallenge
from django_faceauth.services.enrolment import applicants
from django_faceauth.services.grants import exemptions, grants, identity
from django_faceauth.services.grants.challenge_spec import ChallengeSpec
from tests.conftest import NOON
from tests.site import views
from tests.site.models import Payment

ACTION, MAX_AGE = "door", 180
ASKS = {"action": ACTION, "max_age": MAX_AGE}
IN = HttpResponse("in")

# -- what may be true of a visitor


@dataclass(frozen=True)
class Grant:
    """One challenge of a visitor, granted `age` seconds ago; the rest may be amiss."""

    age: int = 30
    state: str = "granted"
    action: str = ACTION
    is_here: bool = True
    method: str = "face"
    status: str = "approved"
    applicant: str = "own"
    is_erased: bool = False

    @property
    def counts(self) -> bool:
        backed = (self.status, self.applicant, self.is_erased) == ("approved", "own", False)
        return (
            self.is_here
            and (self.state, self.action) == ("granted", ACTION)
            and -60 <= self.age < MAX_AGE
            and (backed or self.method != "face")
        )


@dataclass(frozen=True)
class Exemption:
    action: str = ACTION
    span: tuple[int, int] = (-60, 60)
    is_revoked: bool = False

    @property
    def counts(self) -> bool:
        starts, ends = self.span
        return self.action in {ACTION, "*"} and starts <= 60 and 0 < ends and not self.is_revoked


@dataclass(frozen=True)
class Visitor:
    grants: tuple[Grant, ...] = (Grant(),)
    exemption: Exemption | None = None
    is_anonymous: bool = False
    is_active: bool = True
    is_enrolled: bool = True
    impersonated_by: str = ""

    @property
    def may_pass(self) -> bool:
        """What every door has to say, in other words than the gate's own."""
        if self.is_anonymous or not self.is_active or self.impersonated_by:
            return False
        exempt = self.exemption is not None and self.exemption.counts
        return exempt or any(grant.counts for grant in self.grants)


def amiss(kind, **fields):
    """Return a strategy of values in which a few fields are not what they should be."""
    strategies = {name: st.sampled_from(values) for name, values in fields.items()}
    return st.fixed_dictionaries({}, optional=strategies).map(lambda values: kind(**values))


GRANTS = amiss(
    Grant,
    age=[-1, 0, 1, MAX_AGE - 1, MAX_AGE, 10**6],
    state=["consumed", "revoked", "refused", "failed", "expired", "open"],
    action=["", "Door", "door ", "other"],
    is_here=[False],
    method=["code", "exemption"],
    status=["declined", "inconclusive", "", "Approved", "tomorrows"],
    applicant=["former"],
    is_erased=[True],
)
EXEMPTIONS = amiss(
    Exemption,
    action=["*", "", "other", "Door"],
    span=[(60, 120), (61, 120), (-60, 0)],
    is_revoked=[True],
)
VISITORS = st.builds(
    Visitor,
    grants=st.lists(GRANTS, max_size=2).map(tuple),
    exemption=st.none() | EXEMPTIONS,
    is_anonymous=st.sampled_from([False, False, False, True]),
    is_active=st.sampled_from([True, True, True, False]),
    is_enrolled=st.sampled_from([True, True, True, False]),
    impersonated_by=st.sampled_from(["", "", "", *identity.IMPERSONATION_KEYS]),
)


# -- the doors


class Endpoint(APIView):
    """The gate as a permission; who sits in the session comes from the scene."""

    permission_classes = [require_face(**ASKS)]

    def get(self, request):
        return IN


def permitted(request):
    """Call the endpoint as a browser does."""
    response = Endpoint.as_view(authentication_classes=[SessionAuthentication])(request)
    return response.render() if hasattr(response, "render") else response


@face_required(**ASKS)
def decorated(request):
    return IN


@face_required(**ASKS)
async def decorated_async(request):
    return IN


class Mixed(FaceRequiredMixin, views.View):
    face_action, face_max_age = ACTION, MAX_AGE

    def get(self, request):
        return IN


class MixedAsync(FaceRequiredMixin, views.View):
    face_action, face_max_age = ACTION, MAX_AGE

    async def get(self, request):
        return IN


class Site(FaceRequiredAdminSite):
    face_action, face_max_age = ACTION, MAX_AGE

    def index(self, request, extra_context=None):
        return IN


class Desk(FaceRequiredModelAdmin):
    face_action, face_max_age, face_methods = ACTION, MAX_AGE, None

    def changelist_view(self, request, extra_context=None):
        return IN


@face_required_action(**ASKS)
def acted(desk, request, rows):
    return IN


TAG = Template(
    "{% load faceauth %}"
    f'{{% face_fresh action="{ACTION}" max_age={MAX_AGE} as fresh %}}'
    "{% if fresh %}in{% endif %}"
)
SITE = Site(name="doors")
DESK = Desk(Payment, AdminSite(name="desk"))
LIST_VIEW = DESK.urls[0].callback

DOORS = {
    "decorator": decorated,
    "async decorator": async_to_sync(decorated_async),
    "mixin": Mixed.as_view(),
    "async mixin": async_to_sync(MixedAsync.as_view()),
    "admin site": lambda request: SITE.admin_view(SITE.index)(request),
    "model admin": LIST_VIEW,
    "admin action": lambda request: acted(ModelAdmin(Payment, SITE), request, Payment.objects),
    "permission": permitted,
    "template tag": lambda request: HttpResponse(TAG.render(Context({"request": request}))),
    "freshness": lambda request: IN if freshness(request, **ASKS) else HttpResponse(),
    "ask_first": lambda request: ask_first(request, **ASKS) or IN,
}


# -- who stands in front of them


class Scene:
    """A visitor as rows and a session."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor
        self.user = self._user()
        self.session = SessionStore()
        self.session[identity.SESSION_KEY] = secrets.token_urlsafe(32)
        if visitor.impersonated_by:
            self.session[visitor.impersonated_by] = ["7"]
        self.handles = [self._challenge(grant) for grant in visitor.grants]
        if visitor.exemption is not None:
            self._exempt(visitor.exemption)

    def request(self) -> HttpRequest:
        """Return another request of the visitor."""
        request = RequestFactory().get("/doors/")
        request.user = AnonymousUser() if self.visitor.is_anonymous else self.user
        request.session = self.session
        request.resolver_match = resolve("/home/")
        return request

    def _user(self) -> User:
        name = secrets.token_hex(8)
        user = User.objects.create(username=name, is_staff=True, is_superuser=True)
        user.is_active = self.visitor.is_active
        User.objects.filter(pk=user.pk).update(is_active=user.is_active)
        if self.visitor.is_enrolled:
            applicants.link(user, f"aplt_{name}")
        return user

    def _challenge(self, grant: Grant) -> str:
        session = self.session if grant.is_here else {identity.SESSION_KEY: "another session"}
        asker = SimpleNamespace(user=self.user, session=session, COOKIES={}, headers={})
        question = ChallengeSpec(grant.action, timedelta(seconds=MAX_AGE))
        asked = grants.ask(asker, question, window=timedelta(minutes=10), now=NOON)
        shown_at = NOON - timedelta(seconds=grant.age)
        FaceChallenge.objects.filter(pk=asked.pk).update(
            state=grant.state,
            dedup_key=asked.dedup_key if grant.state == "open" else None,
            method=grant.method,
            verified_at=shown_at,
            granted_at=shown_at,
            session_rotated_at=shown_at,  # else the first door would replace the cookie
            consumed_at=shown_at if grant.state == "consumed" else None,
            authentication=self._authentication(grant),
        )
        return asked.handle

    def _authentication(self, grant: Grant) -> FaceAuthentication | None:
        if grant.method != "face":
            return None
        own = f"aplt_{self.user.username}"
        return FaceAuthentication.objects.create(
            user=self.user,
            applicant_id=own if grant.applicant == "own" else "aplt_former",
            status=grant.status,
            erased_at=NOON if grant.is_erased else None,
        )

    def _exempt(self, exemption: Exemption) -> None:
        author = User.objects.create(username=secrets.token_hex(8))
        begins, ends = (NOON + timedelta(seconds=moment) for moment in exemption.span)
        row = exemptions.exempt(
            self.user,
            action=exemption.action,
            reason="a broken camera",
            author=author,
            expires_at=ends,
            now=begins,
        )
        if exemption.is_revoked:
            exemptions.revoke(row, now=NOON)


def answers(scene: Scene) -> dict[str, bool]:
    """Return what each door says: whether it lets the visitor in."""
    return {name: door(scene.request()).content == b"in" for name, door in DOORS.items()}


# -- and what they say


@pytest.fixture
def noon(db, clock) -> Iterator[None]:
    clock.move_to(NOON)
    return None


@given(VISITORS)
@example(Visitor())
@example(Visitor(grants=(), exemption=Exemption()))
@example(Visitor(grants=(Grant(state="revoked"),)))
@example(Visitor(grants=(Grant(status="declined"),)))
@example(Visitor(grants=(Grant(age=-60),)))
@example(Visitor(grants=(Grant(age=-61),)))
@example(Visitor(grants=(Grant(age=MAX_AGE),)))
@example(Visitor(grants=(Grant(is_here=False),)))
@example(Visitor(grants=(Grant(action="other"), Grant())))
@example(Visitor(impersonated_by="hijack_history"))
@example(Visitor(is_anonymous=True))
@example(Visitor(is_active=False))
@example(Visitor(grants=(), is_enrolled=False))
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_all_doors_say_the_same(noon, visitor):
    """G-13, and what they say is what the promises ask for (G-02, G-06, G-11, TH-44).

    Without enrolment there is no grant that could count: the provider knows nobody.
    """
    if not visitor.is_enrolled:
        visitor = replace(visitor, grants=tuple(replace(g, status="") for g in visitor.grants))

    scene = Scene(visitor)

    assert answers(scene) == dict.fromkeys(DOORS, visitor.may_pass)


@given(VISITORS)
@example(Visitor())
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_code_without_a_request_gets_the_same_answer(noon, visitor):
    """`recorded_face` knows no session, so everything that is about one is left out (G-13)."""
    visitor = replace(
        visitor,
        grants=tuple(replace(grant, is_here=True) for grant in visitor.grants[:1]) or (Grant(),),
        is_anonymous=False,
        is_enrolled=True,
        impersonated_by="",
    )
    scene = Scene(visitor)

    face = recorded_face(scene.user, scene.handles[0], **ASKS)

    assert (face is not None) == visitor.may_pass
    assert face == freshness(scene.request(), **ASKS)


def test_a_handle_of_somebody_else_is_worth_nothing(noon):
    """Nor is one that nobody has (B-07)."""
    own, other = Scene(Visitor()), Scene(Visitor())

    assert recorded_face(own.user, own.handles[0], **ASKS) is not None
    assert recorded_face(own.user, other.handles[0], **ASKS) is None
    assert recorded_face(own.user, "invented", **ASKS) is None


def logs_out(person):
    person.browser.logout()


def saves_a_password(person):
    person.user.set_password("new pass word")
    person.user.save()


def updates_the_password(person):
    type(person.user).objects.update(password=make_password("new pass word"))


def deletes_the_sessions(person):
    Session.objects.all().delete()


@pytest.mark.parametrize(
    ("ends", "stays_on_record"),
    [
        (logs_out, False),
        (saves_a_password, False),
        (updates_the_password, True),
        (deletes_the_sessions, True),
    ],
)
def test_what_ends_a_session_closes_the_gate_and_perhaps_the_record(person, ends, stays_on_record):
    """(F-12): Django tells us of a log-out and of `save()`, not of the other two."""
    person.passes()
    handle = person.challenge.handle
    assert recorded_face(person.user, handle) is not None

    ends(person)

    assert person.browser.get("/statements/").status_code == 302
    assert (recorded_face(person.user, handle) is not None) == stays_on_record
