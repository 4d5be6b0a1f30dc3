"""A visitor of the test site, with a browser and a face."""

from __future__ import annotations

import re
from html import unescape
from itertools import count
from urllib.parse import urlsplit

import time_machine
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from django_faceauth.models import FaceAuthentication, FaceChallenge
from django_faceauth.services.enrolment import applicants
from django_faceauth.simulator.adapter import CaptureDriver

CHOOSES = "aplt_chooses"
_numbers = count(1)

WAITING = re.compile(r'data-faceauth-status="/face/status/([^/]+)/"')
HANDED_OVER = re.compile(r'http-equiv="refresh" content="0; url=([^"]+)"')


def scripted(script: str) -> str:
    """Return the applicant id of one of the simulator's scenarios."""
    return f"aplt_{script:0<26}"


class Person:
    """A user of the site; `applicant_id` None is a user who is not enrolled."""

    def __init__(
        self,
        clock: time_machine.Coordinates,
        applicant_id: str | None = CHOOSES,
        *,
        name: str = "",
        email: str = "",
    ) -> None:
        self.clock = clock
        self.visitor = CaptureDriver()
        number = next(_numbers)
        self.user = User.objects.create_user(name or f"person{number}", email, "pass word")
        if applicant_id == CHOOSES:
            applicant_id = f"{CHOOSES}{number}"
        if applicant_id is not None:
            applicants.link(self.user, applicant_id, check=False)
        self.browser = self.new_browser()

    def new_browser(self) -> Client:
        """Return another browser in which the same user is logged in."""
        browser = Client()
        browser.force_login(self.user)
        return browser

    def request(self, path: str = "/", method: str = "get") -> HttpRequest:
        """Return a request of the person's browser, as a view gets it."""
        request: HttpRequest = getattr(RequestFactory(), method)(path)
        request.user, request.session = self.user, self.browser.session
        request.COOKIES.update({name: one.value for name, one in self.browser.cookies.items()})
        return request

    def marks(self, **values: object) -> None:
        """Write into the session of the browser, as other packages do."""
        session = self.browser.session
        session.update(values)
        session.save()

    # -- what a person does

    def is_asked(self, path: str = "/statements/", method: str = "get", **extra: object) -> str:
        """Open a gated page, be sent to its start page, and return that page's address."""
        response: HttpResponse = getattr(self.browser, method)(path, **extra)
        assert response.status_code == 302, response.status_code
        assert "/face/start/" in response["Location"], response["Location"]
        return str(response["Location"])

    def presses(self, start_url: str) -> HttpResponse:
        """Press the button of a start page."""
        return self.browser.post(start_url)

    def is_handed_over(self, start_url: str) -> str:
        """Press the button of a start page and return the capture URL."""
        response = self.presses(start_url)
        assert response.status_code == 200, (response.status_code, response.get("Location"))
        return capture_url_in(response)

    def shows_face(self, capture_url: str, outcome: str = "same_person") -> str:
        """Go through the capture page and return the path that the browser is sent back to."""
        parts = urlsplit(self.visitor.show_face(capture_url, outcome))
        return f"{parts.path}?{parts.query}"

    def returns(self, path: str) -> HttpResponse:
        """Come back from the capture page."""
        return self.browser.get(path)

    def passes(self, path: str = "/statements/", outcome: str = "same_person") -> HttpResponse:
        """Do the whole face check for a page and return what the site answers at the end."""
        return self.proves(self.is_asked(path), outcome)

    def proves(self, start_url: str, outcome: str = "same_person") -> HttpResponse:
        """Do the face check that a start page asks for; return what the site answers at the end.

        Needs the `clock`: the way back takes so long that the faces have been compared.
        """
        way_back = self.shows_face(self.is_handed_over(start_url), outcome)
        self.clock.shift(3)
        return self.waits(self.returns(way_back))

    def confirms(self, page: HttpResponse, **changes: str) -> HttpResponse:
        """Press the button of a page with one form, after changing hidden fields."""
        action, fields = form_in(page)
        return self.browser.post(action, {**fields, **changes})

    def waits(self, response: HttpResponse) -> HttpResponse:
        """Follow redirects and wait on waiting pages until there is something else."""
        for _ in range(20):
            if response.status_code == 302:
                response = self.browser.get(response["Location"])
            elif waiting := WAITING.search(response.content.decode()):
                self.clock.shift(3)
                response = self.browser.get(f"/face/waiting/{waiting[1]}/")
            else:
                return response
        raise AssertionError("the waiting never ended")

    # -- what became of it

    @property
    def challenge(self) -> FaceChallenge:
        """The newest question that this user was asked."""
        return FaceChallenge.objects.filter(user=self.user).latest("pk")

    @property
    def authentication(self) -> FaceAuthentication:
        """The newest face authentication of this user."""
        return FaceAuthentication.objects.filter(user=self.user).latest("pk")


def form_in(page: HttpResponse) -> tuple[str, dict[str, str]]:
    """Return where the form of a page leads, and its hidden fields."""
    html = page.content.decode()
    action = re.search(r'<form[^>]* action="([^"]*)"', html)
    assert action, html
    fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', html)
    return unescape(action[1]), {unescape(name): unescape(value) for name, value in fields}


def capture_url_in(response: HttpResponse) -> str:
    """Return the address that a hand-over page leads to."""
    found = HANDED_OVER.search(response.content.decode())
    assert found, response.content.decode()
    return unescape(found[1])
