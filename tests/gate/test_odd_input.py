"""Input that a database cannot store, in forms, JSON and headers (F-32)."""

from __future__ import annotations

import json

import pytest
from django.http import HttpResponse
from django.urls import path

from django_faceauth.gate import face_required
from django_faceauth.models import FaceChallenge
from tests.addresses import served

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]

#: In forms, in JSON and in headers; a lone half of a surrogate pair comes by JSON alone.
NUL = "a\0b"
SURROGATE = "a\ud800b"


def payee_of(request):
    if request.content_type == "application/json":
        return {"payee": json.loads(request.body)["payee"]}
    return {"payee": request.POST["payee"]}


@face_required(action="transfer", bind=payee_of, methods=["POST"])
def transfer(request):
    return HttpResponse("done")


@face_required(action="note", keep=["note"], methods=["POST"])
def note(request):
    return HttpResponse("done")


@pytest.fixture(autouse=True)
def _site():
    with served(
        path("transfer/", transfer),
        path("note/", note),
    ):
        yield


@pytest.mark.parametrize(
    "request_of",
    [
        lambda browser: browser.post("/transfer/", {"payee": NUL}),
        lambda browser: browser.post("/transfer/", {"payee": NUL}, "application/json"),
        lambda browser: browser.post("/transfer/", {"payee": SURROGATE}, "application/json"),
    ],
    ids=["form", "nul", "surrogate"],
)
def test_data_that_cannot_be_stored_is_not_approved(person, request_of):
    """The response is 400 instead of 500 (F-32)."""
    person.browser.raise_request_exception = False

    assert request_of(person.browser).status_code == 400
    assert not FaceChallenge.objects.exists()


@pytest.mark.parametrize("handle", ["", NUL, "\x7f", "\xff" * 100])
def test_fields_and_handles_that_cannot_be_stored_are_ignored(person, handle):
    """The gate asks for a face (F-32)."""
    person.is_asked("/note/", method="post", data={"face_challenge": handle, "note": NUL})

    assert person.challenge.saved_form_data is None
