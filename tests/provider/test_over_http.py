"""HTTP on loopback: connections, time limits, repetitions (D-05, D-06, P-01, P-04)."""

from __future__ import annotations

import json
import threading
import time

import pytest

from django_faceauth.exceptions import MalformedAnswer, ProviderError, Unavailable
from django_faceauth.provider.transport import MAX_BODY, TOTAL_SECONDS
from tests.provider.loopback import (
    Pours,
    drip,
    drips,
    hangs_up_within_the_body,
    resets,
    resets_within_the_body,
    sends_a_broken_chunk,
    serving,
    stalls_within_the_body,
    stays_silent,
    tells,
)
from tests.provider.samples import (
    APPLICANT,
    AUTHENTICATION,
    CALLS,
    FAV,
    JOURNEY,
    POSTS,
    Clock,
    client_of,
    patient,
)

pytestmark = pytest.mark.enable_socket

ANSWERS = tells(AUTHENTICATION)
BROKEN_CONNECTIONS = {
    "reset before the answer": resets,
    "reset within the body": resets_within_the_body,
    "end within the body": hangs_up_within_the_body,
    "broken chunk": sends_a_broken_chunk,
}


class TestConnections:
    def test_one_connection_a_thread_carries_many_calls(self):
        """Also after errors and chunked responses."""

        def in_chunks(handler, request):
            body = json.dumps(AUTHENTICATION).encode()
            handler.send_response(200)
            handler.send_header("Content-Type", "application/json")
            handler.send_header("Transfer-Encoding", "chunked")
            handler.end_headers()
            for part in (body[:7], body[7:]):
                handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            handler.wfile.write(b"0\r\n\r\n")

        with serving(tells({}, 404), tells([], 500), in_chunks, ANSWERS) as server:
            client = client_of(server.url)
            for _ in range(2):
                with pytest.raises(ProviderError):
                    client.get_authentication(FAV)
            for _ in range(3):
                assert client.get_authentication(FAV).id == FAV
                client.create_authentication(applicant_id=APPLICANT, user_journey_id=JOURNEY)
            assert server.connections == 1

            thread = threading.Thread(target=lambda: CALLS["get_authentication"](client))
            thread.start()
            thread.join()
            client.get_authentication(FAV)

        assert len(server.requests) == 10
        assert server.connections == 2

    def test_a_connection_that_the_provider_has_closed_is_not_used_for_a_post(self):
        def answers_and_hangs_up(handler, request):
            ANSWERS(handler, request)
            handler.close_connection = True

        with serving(answers_and_hangs_up) as server:
            client = client_of(server.url)

            for _ in range(2):
                client.create_authentication(applicant_id=APPLICANT, user_journey_id=JOURNEY)
                assert server.ended.acquire(timeout=5)

        assert (len(server.requests), server.connections) == (2, 2)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(status):
    """P-01: neither with a GET nor with a POST."""
    with serving(ANSWERS) as elsewhere:
        moved = tells({}, status, Location=f"{elsewhere.url}/x")
        with serving(moved) as server:
            client = client_of(server.url)
            for call in (client.get_authentication, client.anonymize_authentication):
                with pytest.raises(MalformedAnswer) as caught:
                    call(FAV)
                assert caught.value.status_code == status

    assert elsewhere.requests == []
    assert len(server.requests) == 2


def drips_a_redirect(handler, request):
    handler.send_response(302)
    handler.send_header("Location", "/elsewhere")
    handler.end_headers()
    drip(handler, b" ")


class TestLimits:
    @pytest.mark.parametrize("answer", [drips, drips_a_redirect])
    def test_a_body_that_drips_ends_within_the_total_limit(self, answer):
        with serving(answer) as server, pytest.raises(Unavailable) as caught:
            client_of(server.url, patient(Clock(step=2))).get_authentication(FAV)

        assert caught.value.cause == "Timeout"
        assert len(server.requests) == 1

    @pytest.mark.parametrize(
        ("answer_after", "cause", "requests"),
        [
            ([stalls_within_the_body], "ReadTimeoutError", 1),
            ([resets, stays_silent], "ReadTimeout", 2),
        ],
    )
    def test_the_socket_waits_only_as_long_as_time_is_left(self, answer_after, cause, requests):
        clock = Clock()
        first, *others = answer_after

        def takes_its_time(handler, request):
            clock.now += TOTAL_SECONDS - 0.6
            first(handler, request)

        with serving(takes_its_time, *others) as server:
            started = time.monotonic()
            with pytest.raises(Unavailable) as caught:
                client_of(server.url, patient(clock)).get_authentication(FAV)

        assert caught.value.cause == cause
        assert len(server.requests) == requests
        assert time.monotonic() - started < 5

    @pytest.mark.parametrize("status", [200, 302, 500])
    def test_of_a_body_over_a_megabyte_the_rest_is_not_read(self, status):
        """P-04."""
        pouring = Pours(status, Location="/elsewhere")
        with serving(pouring) as server, pytest.raises(Unavailable) as caught:
            client_of(server.url).anonymize_authentication(FAV)

        assert caught.value.cause == "HTTPError"
        assert pouring.taken < 50

    def test_a_body_of_a_megabyte_is_read(self):
        padding = MAX_BODY - len(json.dumps({**AUTHENTICATION, "padding": ""}))
        fits = tells({**AUTHENTICATION, "padding": "x" * padding})
        exceeds = tells({**AUTHENTICATION, "padding": "x" * (padding + 1)})
        with serving(fits, exceeds) as server:
            client = client_of(server.url)

            assert client.get_authentication(FAV).id == FAV
            with pytest.raises(Unavailable):
                client.get_authentication(FAV)

    @pytest.mark.parametrize("silent", [stays_silent, stalls_within_the_body])
    @pytest.mark.parametrize("operation", ["get_authentication", "create_attempt"])
    def test_a_call_that_timed_out_is_not_repeated(self, silent, operation):
        """D-06: the provider may have committed it."""
        with serving(silent) as server, pytest.raises(Unavailable) as caught:
            CALLS[operation](client_of(server.url, patient(read=0.05)))

        assert caught.value.status_code is None
        assert caught.value.retryable
        assert caught.value.cause in {"ReadTimeout", "ReadTimeoutError"}
        assert len(server.requests) == 1


class TestRepetition:
    @pytest.mark.parametrize("trouble", BROKEN_CONNECTIONS.values(), ids=BROKEN_CONNECTIONS.keys())
    def test_a_get_is_repeated_twice_after_pauses_and_a_post_never(self, trouble):
        """D-06."""
        clock = Clock()
        with serving(trouble, ANSWERS) as server:
            assert client_of(server.url, patient(clock)).get_authentication(FAV).id == FAV
        assert len(server.requests) == 2
        [pause] = clock.slept
        assert 0.1 < pause < 0.4

        clock = Clock()
        with serving(trouble) as server, pytest.raises(Unavailable):
            client_of(server.url, patient(clock)).get_authentication(FAV)
        assert (len(server.requests), len(clock.slept)) == (3, 2)

        clock = Clock()
        for operation in POSTS:
            with serving(trouble) as server, pytest.raises(Unavailable):
                CALLS[operation](client_of(server.url, patient(clock)))
            assert len(server.requests) == 1
        assert clock.slept == []

    @pytest.mark.parametrize("status", [400, 409, 429, 503])
    def test_responses_are_final(self, status):
        """P-06: when to ask again is decided for the whole site, not by one process."""
        with serving(tells({}, status), ANSWERS) as server, pytest.raises(ProviderError):
            client_of(server.url, patient()).get_authentication(FAV)

        assert len(server.requests) == 1

    def test_a_refused_connection_is_tried_three_times(self):
        with serving(ANSWERS) as server:
            url = server.url
        clock = Clock()

        with pytest.raises(Unavailable) as caught:
            client_of(url, patient(clock)).get_authentication(FAV)

        assert caught.value.cause == "ConnectionError"
        assert len(clock.slept) == 2
