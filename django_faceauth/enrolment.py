"""Users and their applicants at the provider, for sites."""

from __future__ import annotations

from django_faceauth.services.enrolment.applicants import applicant_of, is_enrolled, link

__all__ = ["applicant_of", "is_enrolled", "link"]
