"""The gate in the schema of drf-spectacular."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from drf_spectacular.openapi import AutoSchema
from rest_framework import permissions, serializers

from django_faceauth.api.permissions import FaceRequired
from django_faceauth.api.schema import FaceProblemSerializer
from django_faceauth.gate.decision import CHALLENGE_HEADER
from django_faceauth.gate.policy import Policy
from django_faceauth.gate.problem_details import MEDIA_TYPE

#: The results of `&` and `|` between permissions.
COMBINED: Final[Any] = (permissions.AND, permissions.OR)

#: Codes of the problems with which a gate denies, by status.
DENIALS: Final[Mapping[str, str]] = {
    "403": "`not_enrolled`, `inactive`, `impersonated`",
    "409": "`used`, `changed`",
}


class FaceRequiredSerializer(serializers.Serializer[Any]):
    """A face is needed: show it, and send the request again (RFC 9470)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField(min_value=401, max_value=401)
    detail = serializers.CharField()
    code = serializers.RegexField("^face_required$")
    action = serializers.CharField(allow_blank=True)
    max_age = serializers.IntegerField(min_value=1, help_text="Seconds.")
    challenge = serializers.CharField(help_text=f"Send it as {CHALLENGE_HEADER}.")
    start_url = serializers.URLField(allow_null=True, help_text="For the user’s browser.")
    status_url = serializers.URLField(allow_null=True, help_text="GET says what to do next.")
    attempts_url = serializers.URLField(allow_null=True, help_text="POST starts an attempt.")
    fallback_url = serializers.URLField(required=False, allow_null=True, help_text="With `ways`.")
    ways = serializers.ListField(child=serializers.CharField(), required=False)


class FaceAutoSchema(AutoSchema):
    """Adds to each operation behind a gate what the gate takes and answers."""

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: Any
    ) -> dict[str, Any] | None:
        operation = super().get_operation(path, path_regex, path_prefix, method, registry)
        gates = _gates_among(self.view.get_permissions())
        policies = [gate.policy_of(self.view) for gate in gates]
        covering = [policy for policy in policies if policy.covers(method)]
        if operation is not None and covering:
            self._add_gate(operation, covering[0])
        return operation

    def _add_gate(self, operation: dict[str, Any], policy: Policy) -> None:
        parameters = operation.setdefault("parameters", [])
        if CHALLENGE_HEADER not in {parameter.get("name") for parameter in parameters}:
            header = {"in": "header", "name": CHALLENGE_HEADER, "schema": {"type": "string"}}
            parameters.append(header)
        responses = operation["responses"]
        asks = responses.setdefault("401", {})
        seconds = int(policy.age_limit.total_seconds())
        needed = f'`face_required` with the action "{policy.action}" and a `max_age` of {seconds}.'
        asks["description"] = "\n\n".join(filter(None, [asks.get("description"), needed]))
        asks.setdefault("headers", {})["WWW-Authenticate"] = {"schema": {"type": "string"}}
        media = asks.setdefault("content", {}).setdefault(MEDIA_TYPE, {})
        question = self._ref(FaceRequiredSerializer)
        media["schema"] = {"anyOf": [question, media["schema"]]} if media else question
        for status, codes in DENIALS.items():
            content = {MEDIA_TYPE: {"schema": self._ref(FaceProblemSerializer)}}
            responses.setdefault(status, {"description": codes, "content": content})

    def _ref(self, serializer: type[serializers.Serializer[Any]]) -> dict[str, Any]:
        reference: dict[str, Any] = self.resolve_serializer(serializer, "response").ref
        return reference


def _gates_among(found: Iterable[Any]) -> Iterator[FaceRequired]:
    for permission in found:
        if isinstance(permission, FaceRequired):
            yield permission
        elif isinstance(permission, COMBINED):
            yield from _gates_among([permission.op1, permission.op2])
