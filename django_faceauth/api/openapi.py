"""OpenAPI by drf-spectacular, of our endpoints and of every endpoint of a site behind a gate.

Imported by itself where drf-spectacular is installed; a site has nothing to add.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from inspect import getattr_static
from typing import Any, Final

from drf_spectacular.extensions import (
    OpenApiSerializerExtension,
    OpenApiSerializerFieldExtension,
    OpenApiViewExtension,
)
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import extend_schema_view
from rest_framework import permissions, serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from django_faceauth.api.examples import ADDRESSES, HANDLE
from django_faceauth.api.operations import OPERATIONS
from django_faceauth.api.permissions import FaceRequired, unasked
from django_faceauth.api.serializers import (
    AttemptRequestSerializer,
    AttemptSerializer,
    AuthenticationSerializer,
    CaptureSerializer,
    ChallengeSerializer,
    ConsentSerializer,
    FreshnessSerializer,
    LineSerializer,
)
from django_faceauth.api.vocabulary import (
    AttemptPageSerializer,
    AuthenticationPageSerializer,
    FaceRequiredSerializer,
    ProblemSerializer,
)
from django_faceauth.conf import conf
from django_faceauth.gate.decision import CHALLENGE_HEADER
from django_faceauth.gate.policy import Policy
from django_faceauth.gate.problem_details import MEDIA_TYPE

Described = dict[str, Any]

#: What `&` and `|` make of two permissions.
COMBINED: Any = (permissions.AND, permissions.OR)

#: Our components begin with a word of ours, so that they are not taken for a site's own.
NAMES: Final[Mapping[type, str]] = {
    AttemptPageSerializer: "FaceAttemptPage",
    AttemptRequestSerializer: "FaceAttemptStart",
    AttemptSerializer: "FaceAttempt",
    AuthenticationPageSerializer: "FaceAuthenticationPage",
    AuthenticationSerializer: "FaceAuthentication",
    CaptureSerializer: "FaceCapture",
    ChallengeSerializer: "FaceChallenge",
    ConsentSerializer: "FaceConsent",
    FaceRequiredSerializer: "FaceRequired",
    FreshnessSerializer: "FaceFreshness",
    LineSerializer: "FaceLine",
    ProblemSerializer: "FaceProblem",
}


class Components(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]  # theirs
    """Names what our endpoints take and return."""

    @classmethod
    def _matches(cls, target: Any) -> bool:
        return _class_of(target) in NAMES

    def get_name(self, auto_schema: AutoSchema, direction: Any) -> str:
        """Return the name of the component."""
        return NAMES[_class_of(self.target)]

    def map_serializer(self, auto_schema: AutoSchema, direction: Any) -> Described:
        """Return the schema as it would be anyway."""
        as_ever: Any = auto_schema._map_serializer
        schema: Described = as_ever(self.target, direction, bypass_extensions=True)
        return schema


class Words(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]  # theirs
    """Makes components of the words of a challenge, which leaves a site's enums their names."""

    @classmethod
    def _matches(cls, target: Any) -> bool:
        is_choice = isinstance(target, serializers.ChoiceField)
        return is_choice and type(target.parent) is ChallengeSerializer

    def get_name(self) -> str:
        """Return the name of the component."""
        return f"FaceChallenge{self.target.field_name.title()}"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Any) -> Described:
        """Return the words."""
        return {"type": "string", "enum": [*self.target.choices]}


class Endpoints(OpenApiViewExtension):  # type: ignore[no-untyped-call]  # theirs
    """Describes our own endpoints."""

    target_class = "django_faceauth.api.base.ApiView"
    match_subclasses = True

    def view_replacement(self) -> type[APIView]:
        """Return the view with a description."""
        return _described(self.target)


class Gates(OpenApiViewExtension):  # type: ignore[no-untyped-call]  # theirs
    """Describes what the gate of a site's own view answers.

    The one way to do so without a word in the site's settings: drf-spectacular lets the first
    extension that fits take the place of a view. This one fits every view and comes last, so
    what a site says of its views stands.
    """

    target_class = "rest_framework.views.APIView"
    match_subclasses = True
    priority = -10

    def view_replacement(self) -> type[APIView]:
        """Return the view itself if no gate can stand before it, else one that tells of it."""
        return _gated(self.target) if self._may_have_gate() else self.target

    def _may_have_gate(self) -> bool:
        if self.target.get_permissions is not APIView.get_permissions:
            return True
        given = getattr(self.target_callback, "initkwargs", {})
        classes = given.get("permission_classes", self.target.permission_classes)
        return any(True for _gate in _gates_among(permission() for permission in classes))


class GatedSchema(AutoSchema):
    """The schema of a view, and what its gate adds to each method that it covers."""

    def __init__(self, described: AutoSchema) -> None:
        super().__init__()
        self.described = described

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: Any
    ) -> Described | None:
        """Return the operation of the view; None, as for every view, if it is left out."""
        operation = self.described.get_operation(path, path_regex, path_prefix, method, registry)
        if operation is None:
            return None
        self.view, self.method, self.registry = self.described.view, method, registry
        asked = _asked_of(self.view, method)
        return operation if asked is None else self._with_gate(operation, asked)

    def _with_gate(self, operation: Described, asked: Policy) -> Described:
        parameters = operation.setdefault("parameters", [])
        if CHALLENGE_HEADER not in {parameter.get("name") for parameter in parameters}:
            parameters.append({**NAMED})
        answers = operation.setdefault("responses", {})
        _add_question(answers, self._ref(FaceRequiredSerializer), asked)
        for status, description in DENIALS.items():
            content = {MEDIA_TYPE: {"schema": self._ref(ProblemSerializer)}}
            answers.setdefault(status, {"description": description, "content": content})
        return operation

    def _ref(self, serializer: type[serializers.Serializer[Any]]) -> Described:
        reference: Described = self.resolve_serializer(serializer, "response").ref
        return reference


class SchemaOfView:
    """In the place of `schema` on a view class: wraps what it holds whenever it is asked.

    The generator puts the schema of an action or of `@extend_schema` onto the view object, long
    after the class was replaced. So the wrapping is done on the way out, and assignments go to
    the descriptor that was there before.
    """

    def __init__(self, target: type[APIView]) -> None:
        self.descriptor = getattr_static(target, "schema")

    def __get__(self, view: APIView, owner: type[APIView]) -> GatedSchema:
        return GatedSchema(self.descriptor.__get__(view, owner))

    def __set__(self, view: APIView, schema: AutoSchema) -> None:
        self.descriptor.__set__(view, schema)


#: The header with which a refused request is sent again.
NAMED: Final = {
    "in": "header",
    "name": CHALLENGE_HEADER,
    "schema": {"type": "string"},
    "required": False,
    "description": "The handle of the challenge that the face was shown for. Clients without a "
    "session have to name it, others may.",
    "example": HANDLE,
}

#: What the gate says, besides what the view does.
ASKS: Final = "A face is needed: `face_required`."

#: What the gate says when no face would help.
DENIALS: Final[Mapping[str, str]] = {
    "403": "No face would help: `not_enrolled`, `inactive`, `impersonated`.",
    "409": f"What `{CHALLENGE_HEADER}` names is worth nothing: `used`, `changed`.",
}


def _class_of(target: Any) -> type:
    return target if isinstance(target, type) else type(target)


@cache  # the generator compares the classes of views, so each has one replacement
def _gated(target: type[APIView]) -> type[APIView]:
    """Return a view class like `target` whose schema tells of the gate."""

    def check_permissions(self: APIView, request: Request) -> None:
        with unasked(self):  # nobody shows a face to read a description
            target.check_permissions(self, request)

    members = {
        "__module__": target.__module__,
        "__qualname__": target.__qualname__,
        "check_permissions": check_permissions,
        "schema": SchemaOfView(target),
    }
    return type(target.__name__, (target,), members)


@cache
def _described(target: type[APIView]) -> type[APIView]:
    """Return one of our views, or what a site has made of it, with what we say of it."""
    known = [OPERATIONS[kind.__name__] for kind in target.__mro__ if kind.__name__ in OPERATIONS]
    view = type(target.__name__, (target,), {"__module__": target.__module__})
    return _gated(extend_schema_view(**known[0])(view) if known else view)


def _asked_of(view: APIView, method: str) -> Policy | None:
    """Return what a gate of the view asks for on a method; None if no gate does."""
    policies = (gate.policy_of(view) for gate in _gates_among(view.get_permissions()))
    return next((asked for asked in policies if asked.covers(method)), None)


def _gates_among(found: Iterable[Any]) -> Iterator[FaceRequired]:
    for permission in found:
        if isinstance(permission, FaceRequired):
            yield permission
        elif isinstance(permission, COMBINED):
            yield from _gates_among([permission.op1, permission.op2])


def _add_question(answers: Described, ref: Described, asked: Policy) -> None:
    """Add the 401 of the gate to what else the view answers with that status."""
    seconds = int(asked.age_limit.total_seconds())
    answer = answers.setdefault("401", {})
    answer["description"] = " ".join(filter(None, [answer.get("description"), ASKS]))
    answer.setdefault("headers", {})["WWW-Authenticate"] = {
        "schema": {"type": "string"},
        "description": "The scheme of the credential that the request came with (RFC 9470).",
        "example": 'Session error="insufficient_user_authentication", '
        f'max_age="{seconds}", acr_values="{conf.ACR}"',
    }
    media = answer.setdefault("content", {}).setdefault(MEDIA_TYPE, {})
    media["schema"] = {"anyOf": [ref, media["schema"]]} if "schema" in media else ref
    shown = media.setdefault("examples", {})
    shown["FaceRequired"] = {"value": _question(asked.action, seconds)}


def _question(action: str, seconds: int) -> Described:
    return {
        "type": "about:blank",
        "title": "This needs a face check.",
        "status": 401,
        "detail": "Start an attempt at attempts_url, or let the user open start_url if there is "
        "one, and send the request again when the face was shown.",
        "code": "face_required",
        "action": action,
        "max_age": seconds,
        "challenge": HANDLE,
        **ADDRESSES,
    }
