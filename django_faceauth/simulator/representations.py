"""Cases and attempts in the provider's words. `root` is the simulator's own address."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from django_faceauth.simulator import signed_links
from django_faceauth.simulator.events import Event
from django_faceauth.simulator.outcomes import summary_of
from django_faceauth.simulator.state_machine import Attempt, Case
from django_faceauth.statuses import DECIDED

Json = dict[str, Any]

EVENT_VERSION: Final = "1.2.0"


def authentication(case: Case, root: str) -> Json:
    """Return a face authentication."""
    return _told(
        id=case.id,
        created_on=timestamp(case.created_on),
        modified_on=timestamp(case.modified_on),
        applicant_id=case.applicant_id,
        user_journey_id=case.user_journey_id,
        status=case.status,
        response_codes=response_codes(case.code),
        risk_labels=[],
        face=_face(case, root),
        _links={
            "self": _link(address_of(case, root)),
            "applicant": _link(f"{root}/applicants/{case.applicant_id}"),
        },
    )


def attempt(case: Case, one: Attempt, root: str) -> Json:
    """Return one attempt of a face authentication."""
    return _told(
        id=one.id,
        created_on=timestamp(one.created_on),
        modified_on=timestamp(one.modified_on),
        status=one.status,
        response_codes=response_codes(one.code),
        redirect_url=one.request.redirect_url,
        phone_number=one.request.phone_number,
        client_information=one.request.client_information,
        applicant_session_information=asdict(one.visit) if one.visit else None,
        _links=_told(
            self=_link(f"{address_of(case, root)}/attempts/{one.id}"),
            verification_url=_link(
                f"{root}/capture/{signed_links.capture_token(case.id, one.id)}/"
            ),
        ),
    )


def attempts(case: Case, root: str) -> list[Json]:
    """Return all attempts of a face authentication, newest first."""
    return [attempt(case, one, root) for one in reversed(case.attempts)]


def assets(case: Case, one: Attempt, root: str) -> list[Json]:
    """Return what was recorded during an attempt: one picture, never a video."""
    url = _picture_url(case, one, root)
    return [{"type": "face_image", "_links": {"asset_url": _link(url)}}] if url else []


def event(event_id: str, told: Event, root: str) -> Json:
    """Return the document that a webhook brings."""
    case = told.case
    return {
        "id": event_id,
        "type": told.type,
        "version": EVENT_VERSION,
        "created_on": timestamp(told.created_on),
        "data": {
            "face_authentication_id": case.id,
            "applicant_id": case.applicant_id,
            "user_journey_id": case.user_journey_id,
            "status": case.status,
            "response_codes": response_codes(case.code),
        },
        "_links": {"self": _link(f"{root}/workflows/events/{event_id}")},
    }


def address_of(case: Case, root: str) -> str:
    """Return where a face authentication lives."""
    return f"{root}/face-authentications/{case.id}"


def timestamp(moment: datetime) -> str:
    """Return a moment as the provider writes it."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def response_codes(code: int | None) -> list[Json]:
    """Return the list that tells one code, or none."""
    return [{"code": code, "summary": summary_of(code)}] if code else []


def _face(case: Case, root: str) -> Json | None:
    if case.status not in DECIDED or case.is_anonymized:
        return None
    return {"image_signed_url": _picture_url(case, case.attempts[-1], root)}


def _picture_url(case: Case, one: Attempt, root: str) -> str | None:
    if not one.is_on_film or case.is_anonymized:
        return None
    return f"{root}/assets/{signed_links.picture_token(case.id, one.id)}/face.png"


def _link(href: str) -> Json:
    return {"href": href}


def _told(**facts: object) -> Json:
    """Leave out what there is nothing to tell about, as the provider does."""
    return {name: fact for name, fact in facts.items() if fact is not None}
