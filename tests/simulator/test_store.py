from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client

from django_faceauth.simulator.models import StoredCase
from tests.simulator.merchant import Merchant

pytestmark = pytest.mark.database


def test_a_row_is_named_as_its_case() -> None:
    assert str(StoredCase(id="fav_a")) == "fav_a"


@pytest.mark.django_db(transaction=True)
def test_of_people_who_press_the_button_at_once_one_is_heard() -> None:
    merchant = Merchant()
    link = urlsplit(merchant.capture_url(merchant.create())).path

    def press(choice: str) -> int:
        try:
            return Client().post(f"/simulator{link}", {"outcome": choice}).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=4) as people:
        answers = sorted(people.map(press, ["same_person", "leave", "refuse", "someone_else"]))

    assert answers == [302, 410, 410, 410]
