"""JSON representations of cases, attempts and events.

`root` is the simulator's own URL.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

from django.core.signing import Signer, TimestampSigner

from django_faceauth.simulator.scenarios import SUMMARIES
from django_faceauth.simulator.state_machine import Attempt, Case
from django_faceauth.simulator.validation import refuse
from django_faceauth.statuses import DECIDED

Json = dict[str, Any]

#: The salts of the signed URLs.
CAPTURE: Final = "faceauth_simulator.capture"
PICTURE: Final = "faceauth_simulator.picture"

WHOLE_NUMBER: Final = re.compile(r"-?\d{1,9}", re.ASCII)


def resource(case: Case, root: str, *, opened: Attempt | None = None) -> Json:
    """Return a face authentication or identity verification, with the link if just `opened`."""
    face = documents = None
    if case.status in DECIDED and not case.is_anonymized:
        face = {"image_signed_url": picture_url(case, case.attempts[-1], root)}
        name = (case.declared_data or {}).get("name")
        documents = [{"document_type": "Passport", "full_name": name}]
    return _without_none(
        id=case.id,
        created_on=timestamp(case.created_on),
        modified_on=timestamp(case.modified_on),
        applicant_id=case.applicant_id,
        user_journey_id=case.user_journey_id,
        status=case.status,
        response_codes=response_codes(case.code),
        risk_labels=[],
        face=face,
        documents=documents if case.is_of_identity else None,
        declared_data=case.declared_data,
        redirect_url=opened and opened.request.redirect_url,
        _links=_without_none(
            self=_link(_url(case, root)),
            applicant=_link(f"{root}/applicants/{case.applicant_id}"),
            verification_url=opened and _link(capture_url(case.id, opened.id, root)),
        ),
    )


def applicant(applicant_id: str, document: Mapping[str, Any], root: str) -> Json:
    links = {"self": _link(f"{root}/applicants/{applicant_id}")}
    return _without_none(id=applicant_id, **document, _links=links)


def attempt(case: Case, attempt: Attempt, root: str) -> Json:
    return _without_none(
        id=attempt.id,
        created_on=timestamp(attempt.created_on),
        modified_on=timestamp(attempt.modified_on),
        status=attempt.status,
        response_codes=response_codes(attempt.code),
        redirect_url=attempt.request.redirect_url,
        phone_number=attempt.request.phone_number,
        client_information=attempt.request.client_information,
        applicant_session_information=asdict(attempt.visit) if attempt.visit else None,
        _links={
            "self": _link(f"{_url(case, root)}/attempts/{attempt.id}"),
            "verification_url": _link(capture_url(case.id, attempt.id, root)),
        },
    )


def assets(case: Case, attempt: Attempt, root: str) -> list[Json]:
    """Return the assets of an attempt: one picture, never a video."""
    url = picture_url(case, attempt, root)
    return [{"type": "face_image", "_links": {"asset_url": _link(url)}}] if url else []


def event(event_id: str, event_type: str, case: Case, root: str) -> Json:
    """Return the body of a webhook about a case as it then was."""
    return {
        "id": event_id,
        "type": event_type,
        "version": "1.2.0",
        "created_on": timestamp(case.modified_on),
        "data": _without_none(
            **{f"{case.kind}_id": case.id},
            applicant_id=case.applicant_id,
            external_applicant_id=case.external_applicant_id or None,
            user_journey_id=case.user_journey_id,
            status=case.status,
            response_codes=response_codes(case.code),
        ),
        "_links": {"self": _link(f"{root}/workflows/events/{event_id}")},
    }


def response_codes(code: int | None) -> list[Json]:
    """Return the list of response codes, with one entry or none."""
    return [{"code": code, "summary": SUMMARIES.get(code, "unlisted")}] if code else []


def page(items: list[Json], query: Mapping[str, str], url: str) -> Json:
    """Return the part of a list at `url` that `skip` and `limit` of its query ask for."""
    numbers = {"skip": query.get("skip", "0"), "limit": query.get("limit", "10")}
    refuse(f"{name}_invalid" for name in numbers if not WHOLE_NUMBER.fullmatch(numbers[name]))
    skip = max(0, int(numbers["skip"]))
    limit = min(max(1, int(numbers["limit"])), 100)

    def link(start: int) -> Json:
        return _link(f"{url}?{urlencode({'skip': max(0, start), 'limit': limit})}")

    links = {"self": link(skip)}
    if skip + limit < len(items):
        links["next"] = link(skip + limit)
    if skip > 0:
        links["previous"] = link(skip - limit)
    return {
        "total_count": len(items),
        "skip": skip,
        "limit": limit,
        "data": items[skip : skip + limit],
        "_links": links,
    }


def picture_url(case: Case, attempt: Attempt, root: str) -> str | None:
    """Return the short-lived URL of the face, None if there is none."""
    if not attempt.has_face or case.is_anonymized:
        return None
    token = TimestampSigner(salt=PICTURE).sign_object([case.id, attempt.id])
    return f"{root}/assets/{token}/face.png"


def capture_url(case_id: str, attempt_id: str, root: str) -> str:
    """Return the URL of a capture page; it is always the same for an attempt."""
    token = Signer(salt=CAPTURE).sign_object([case_id, attempt_id])
    return f"{root}/capture/{token}/"


def timestamp(moment: datetime) -> str:
    """Return a moment as the provider writes it."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def collection_of(case: Case) -> str:
    return f"{case.kind.replace('_', '-')}s"


def _url(case: Case, root: str) -> str:
    return f"{root}/{collection_of(case)}/{case.id}"


def _link(href: str) -> Json:
    return {"href": href}


def _without_none(**members: object) -> Json:
    """Omit empty members, as the provider does."""
    return {name: value for name, value in members.items() if value is not None}
