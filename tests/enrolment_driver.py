"""A site that offers enrolment, and a user who takes it."""

from __future__ import annotations

from itertools import count
from typing import Any, Final

from django.contrib.auth.models import User
from django.utils import timezone

from django_faceauth.models import IdentityVerification
from tests.user_driver import Person, capture_url_in

URL: Final = "/face/enrol/"
JOURNEY: Final = "usj_" + "i" * 26

_numbers = count(1)


def data_of(user: User) -> dict[str, str]:
    return {"name": f"Erin {user.get_username()}", "birth_date": "1990-02-03"}


OFFERED: Final[dict[str, Any]] = {
    "FACEAUTH_ENROLMENT": "offer",
    "FACEAUTH_ENROLMENT_JOURNEY_ID": JOURNEY,
    "FACEAUTH_ENROLMENT_DATA": data_of,
    "FACEAUTH_SITE_URL": "https://testserver",
}


def opens(person: Person) -> str:
    """Press the button of the enrolment page; return the capture URL."""
    page = person.browser.post(URL)
    assert page.status_code == 200, page.content
    return capture_url_in(page)


def enrols(person: Person, outcome: str = "same_person") -> IdentityVerification:
    """Go all the way; return the row."""
    way_back = person.shows_face(opens(person), outcome)
    person.clock.shift(3)
    person.browser.get(way_back)
    return latest(person)


def latest(person: Person) -> IdentityVerification:
    return IdentityVerification.objects.filter(user=person.user).latest("pk")


def event(
    provider_id: str, name: str = "checks_completed", *, applicant_id: str = "", status: str = ""
) -> dict[str, Any]:
    """Return the envelope of an event of just now."""
    return {
        "id": f"evt_{next(_numbers):026}",
        "type": f"identity_verification_{name}",
        "version": "1.2.0",
        "created_on": timezone.now().isoformat(),
        "data": {
            "identity_verification_id": provider_id,
            "applicant_id": applicant_id or "aplt_" + "o" * 26,
            "status": status or "approved",
        },
    }
