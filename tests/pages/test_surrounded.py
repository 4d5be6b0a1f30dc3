"""Sites with a middleware that opens a transaction around each request."""

from __future__ import annotations

from django.db import transaction


def surround(get_response):
    def middleware(request):
        with transaction.atomic():
            return get_response(request)

    return middleware


SAID = "inside of a transaction of the site"


def test_the_log_says_that_a_transaction_is_held_while_the_provider_is_called(
    person, settings, caplog
):
    """(F-87)."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.surround"]
    person.browser = person.new_browser()

    person.is_handed_over(person.is_asked())

    assert [record.levelname for record in caplog.records if SAID in record.message] == ["ERROR"]


def test_the_log_says_nothing_where_there_is_none(person, caplog):
    """(F-87)."""
    person.is_handed_over(person.is_asked())

    assert SAID not in caplog.text
