from __future__ import annotations

import json

import pytest

from tests.simulator.merchant import HOST, Merchant, session


def test_an_answer_can_be_read_as_a_stream(merchant: Merchant) -> None:
    fav = merchant.create()

    answer = merchant.call("GET", f"face-authentications/{fav}", stream=True)
    first = answer.raw.read1(1)
    rest = b"".join(iter(lambda: answer.raw.read1(64), b""))

    assert json.loads(first + rest)["id"] == fav


def test_an_answer_tells_its_length_type_and_address(merchant: Merchant) -> None:
    answer = merchant.call("GET", f"face-authentications/{merchant.create()}")

    assert int(answer.headers["Content-Length"]) == len(answer.content)
    assert answer.headers["content-type"] == "application/json"
    assert answer.url.startswith(HOST)
    assert (answer.reason, answer.ok) == ("OK", True)


@pytest.mark.parametrize(
    ("root", "path"),
    [
        ("", "/elsewhere"),
        ("", "/simulator/face-authentications"),
        ("/simulator", "/simulator"),
        ("/simulator", "/face-authentications"),
    ],
)
def test_an_address_outside_the_simulator_is_404(root: str, path: str) -> None:
    assert session(root=root).post(HOST + path).status_code == 404
