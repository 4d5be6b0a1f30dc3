"""Users who enrol, are linked otherwise, report, are audited and erased, in any order."""

from __future__ import annotations

from contextlib import suppress
from random import Random

import pytest
import requests
from django.db import IntegrityError, transaction
from django.test import override_settings
from django.utils import timezone

from django_faceauth.models import (
    Applicant,
    Erasure,
    FaceAuthentication,
    FaceChallenge,
    IdentityVerification,
)
from django_faceauth.services.enrolment import applicants
from django_faceauth.services.privacy import erasure
from django_faceauth.services.review import user_reports
from django_faceauth.simulator import control, webhook_sender
from django_faceauth.simulator.models import Delivery, StoredApplicant, StoredCase
from django_faceauth.simulator.scenarios import CHOICES
from django_faceauth.simulator.state_machine import NotAllowed
from django_faceauth.simulator.validation import PROFILE
from tests.enrolment_driver import OFFERED, URL
from tests.provider_double import works, works_but_times_out
from tests.sweeping import sweep_once
from tests.user_driver import Person, capture_url_in
from tests.webhooks.test_histories import HISTORIES, Surroundings, committing

Outcome = IdentityVerification.Outcome
#: Applicants that the site has from elsewhere, and links now to one user, now to another.
POOL = [f"aplt_ofthesite{number}" for number in range(2)]


class Enrolments(Surroundings):
    """Three users of a site without a cool-off."""

    def __init__(self) -> None:
        super().__init__()
        self.stack.enter_context(
            override_settings(
                **OFFERED, FACEAUTH_ENROLMENT_COOL_OFF=0, FACEAUTH_ERASE_APPLICANT=True
            )
        )
        self.people = [Person(self.clock, None) for _ in range(3)]
        self.captures: dict[int, str] = {}
        self.backs: dict[int, str] = {}

    # -- what happens

    def starts(self, who: int, chance: Random) -> None:
        if chance.random() < 0.3:  # its answer is lost
            self.provider.troubles.extend([works, works_but_times_out])
        with committing():
            response = self.people[who].browser.post(URL)
        self.provider.troubles.clear()
        with suppress(AssertionError):
            self.captures[who] = capture_url_in(response)

    def shows_a_face(self, who: int, chance: Random) -> None:
        outcome = chance.choice(["same_person", *sorted(CHOICES)])
        with suppress(KeyError, requests.HTTPError), committing():
            self.backs[who] = self.people[who].shows_face(self.captures[who], outcome)

    def comes_back(self, who: int, chance: Random) -> None:
        self.clock.shift(3)
        with committing():
            self.people[who].browser.get(self.backs.get(who, URL))

    def confirms_a_payment(self, who: int, chance: Random) -> None:
        with committing():
            response = self.people[who].browser.get("/statements/")
        if response.status_code == 302:
            with suppress(AssertionError), committing():  # who has reported is locked out
                self.people[who].proves(response["Location"])

    def is_linked_by_staff(self, who: int, chance: Random) -> None:
        applicant_id = chance.choice(POOL)
        with suppress(IntegrityError), committing(), transaction.atomic():
            applicants.link(self.people[who].user, applicant_id, check=False)

    def reports(self, who: int, chance: Random) -> None:
        for row in IdentityVerification.objects.filter(user=self.people[who].user)[:1]:
            with committing():
                user_reports.report(row, now=timezone.now())

    def the_provider_acts(self, who: int, chance: Random) -> None:
        self.clock.shift(0.001)
        keys = [case.pk for case in StoredCase.objects.order_by("document__created_on", "pk")]
        action = chance.choice(["approved", "declined", "anonymize"])
        with suppress(NotAllowed, IndexError), committing():
            control.change_case(action, chance.choice(keys))

    def an_event_comes(self, who: int, chance: Random) -> None:
        """Any of them, whenever it was sent, once or twice."""
        deliveries = list(Delivery.objects.order_by("pk"))
        for delivery in chance.choices(deliveries, k=3) if deliveries else []:
            with committing():
                webhook_sender.deliver(delivery, self.send)

    def time_goes_by(self, who: int, chance: Random) -> None:
        self.clock.shift(chance.choice([1, 20, 400, 90_000]))
        with committing():
            sweep_once()

    def enrols(self, who: int, chance: Random) -> None:
        self.starts(who, chance)
        self.shows_a_face(who, chance)
        self.comes_back(who, chance)

    def is_erased(self, who: int, chance: Random | None = None) -> None:
        """Here at once, at the provider after the next sweeps."""
        user = self.people[who].user
        if chance is not None and chance.random() < 0.5:
            self.clock.shift(3)  # the provider has decided, and we do not know yet
        else:
            self.all_arrive()
        rows = [
            row
            for kind in (FaceAuthentication, IdentityVerification)
            for row in kind.objects.filter(user=user)
        ]
        known = {row.applicant_id for row in (*rows, *Applicant.objects.filter(user=user))}
        others = Applicant.objects.exclude(user=user)
        links = set(others.values_list("user", "applicant_id"))
        known -= {"", *(applicant_id for _user, applicant_id in links)}
        with committing():
            request = erasure.request(
                user, reason=Erasure.Reason.REQUEST, by=None, now=timezone.now()
            )
        self.all_arrive()
        with committing():
            for _ in range(8):
                self.clock.shift(60)
                erasure.advance(now=timezone.now())
        lost = links - set(others.values_list("user", "applicant_id"))
        assert not {applicant_id for _user, applicant_id in lost} & set(POOL)
        assert not Applicant.objects.filter(user=user).exists()
        request.refresh_from_db()
        assert request.finished_at is not None
        asked = {call.split("/")[2] for call in self.provider.calls if "/anonymize" in call}
        assert known <= asked
        made = known - set(POOL)
        cases = StoredCase.objects.filter(document__applicant_id__in=made)
        of_rows = StoredCase.objects.filter(pk__in=[row.provider_id for row in rows])
        for case in cases | of_rows:
            assert case.document["is_anonymized"], (case.pk, case.document["status"])
        for applicant in StoredApplicant.objects.filter(pk__in=made):
            assert not PROFILE.keys() & applicant.document.keys()

    def all_arrive(self) -> None:
        """Webhooks, late news of lost creations, and what the provider is still checking."""
        with committing():
            for delivery in Delivery.objects.filter(state="pending").order_by("id"):
                webhook_sender.deliver(delivery, self.send)
        for _ in range(3):
            self.clock.shift(130)
            with committing():
                sweep_once()

    # -- what holds, always

    def an_applicant_belongs_to_the_user_it_was_made_for(self) -> None:
        for applicant in Applicant.objects.exclude(applicant_id__in=POOL):
            row = IdentityVerification.objects.get(
                applicant_id=applicant.applicant_id, outcome=Outcome.LINKED
            )
            assert (row.user_id, row.status) == (applicant.user_id, "approved")
            assert row.erased_at is None

    def no_grant_is_active_without_a_current_link(self) -> None:
        for grant in FaceChallenge.objects.filter(state="granted"):
            current = Applicant.objects.filter(user_id=grant.user_id)
            assert current.filter(applicant_id=grant.authentication.applicant_id).exists()
        for person in self.people:
            with committing():
                is_open = person.browser.get("/statements/").status_code == 200
            assert not is_open or Applicant.objects.filter(user=person.user).exists()

    def the_end_is_the_true_one(self) -> None:
        for who in range(3):
            self.is_erased(who)


ACTS = [
    *(Enrolments.starts, Enrolments.shows_a_face, Enrolments.comes_back),
    *([Enrolments.enrols] * 2 + [Enrolments.confirms_a_payment] * 3),
    *([Enrolments.is_linked_by_staff] * 2 + [Enrolments.the_provider_acts] * 2),
    *(Enrolments.an_event_comes, Enrolments.time_goes_by),
    *(Enrolments.reports, Enrolments.is_erased),
]


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(HISTORIES))
def test_enrolments_in_any_order(seed):
    """A long run is asked for as in tests/webhooks/test_histories.py."""
    walk, chance = Enrolments(), Random(seed)
    try:
        for _step in range(40):
            act = chance.choice(ACTS)
            act(walk, chance.randrange(3), chance)
            walk.an_applicant_belongs_to_the_user_it_was_made_for()
            walk.no_grant_is_active_without_a_current_link()
    finally:
        walk.teardown()
