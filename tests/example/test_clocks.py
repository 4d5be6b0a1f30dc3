"""Servers of one bank whose clocks differ: processes with one database (F-24)."""

from __future__ import annotations

import pytest

from tests.example.customer import Customer
from tests.server import running_bank

pytestmark = pytest.mark.enable_socket


@pytest.mark.parametrize(("ahead", "counts"), [(40, True), (-40, True), (600, False)])
def test_a_face_that_a_server_with_another_clock_saw(bank, vault, ahead, counts):
    with running_bank(
        vault, FACEAUTH_SIMULATOR_CHECK_SECONDS="0", CLOCK_AHEAD=str(ahead)
    ) as elsewhere:
        customer = Customer(elsewhere, "frank")
        assert customer.shows_face("/statements/").url == f"{elsewhere}/statements/"

    customer.bank = bank

    assert ("/face/start/" not in customer.opens("/statements/").url) is counts
