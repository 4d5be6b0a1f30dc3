"""Fetching a captured face through a bearer link (V-01)."""

from __future__ import annotations

import pytest

from django_faceauth.exceptions import MalformedAnswer, NotFound, ProviderError, Unavailable
from django_faceauth.provider.client import Client
from django_faceauth.provider.credentials import SecretKey
from django_faceauth.provider.resources import AssetSnapshot
from django_faceauth.provider.transport import IMAGE_TYPES, MAX_IMAGE, Transport
from django_faceauth.secret import Secret
from django_faceauth.simulator.views import FACE
from tests.provider import canaries
from tests.provider.loopback import (
    Pours,
    resets,
    resets_within_the_body,
    serving,
    stays_silent,
    tells,
)
from tests.provider.samples import HOST, patient
from tests.provider.test_error_reports import assert_error_shows_nothing, assert_nothing_leaks

pytestmark = pytest.mark.enable_socket

PATH = canaries.CAPTURE.partition(".com")[2] + "?signature=x"


def paints(body=b"face", media_type="image/png", status=200, **more):
    """A picture."""

    def answer(handler, request):
        handler.send_response(status)
        handler.send_header("Content-Type", media_type)
        handler.send_header("Content-Length", str(len(body)))
        for name, value in more.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def has_a_broken_head(handler, request):
    """Make the library log a warning that quotes the URL."""
    handler.wfile.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 4\r\n broken\r\n\r\nface"
    )
    handler.close_connection = True


def at_link(url):
    # Joined in the call: a variable of this test is not what the report is searched for.
    asset = AssetSnapshot("face_image", url + PATH)
    client = Client(HOST, SecretKey(Secret(canaries.KEY)), patient(read=2))
    return client.fetch_image(asset, hosts=[url.removeprefix("http://")], debug=True)


@pytest.mark.parametrize("media_type", sorted(IMAGE_TYPES))
def test_a_picture_is_handed_on_as_it_is(media_type):
    with serving(paints(FACE.read_bytes(), f"{media_type.upper()}; q=1")) as server:
        image = at_link(server.url)

    assert (image.media_type, image.content) == (media_type, FACE.read_bytes())
    assert "PNG" not in f"{image} {image!r}"


def test_the_host_of_the_picture_learns_the_link_and_nothing_else(tmp_path, monkeypatch):
    """Neither our key nor what a netrc file of this machine says, nor a cookie."""
    netrc = tmp_path / "netrc"  # type: ignore[operator]
    netrc.write_text("machine 127.0.0.1 login somebody password something\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with serving(paints(Set_Cookie="seen=1; Path=/")) as server:
        at_link(server.url)
        at_link(server.url)
        # A certificate that does not exist would fail at once where it was used.
        transport = Transport(certificate="/no/such.pem")
        assert transport.fetch("fetch_image", Secret(server.url + PATH)).content == b"face"

    for request in server.requests:
        assert request.path == PATH
        assert not {"Authorization", "Cookie", "Referer"} & set(request.headers)


@pytest.mark.parametrize(
    "url",
    [
        "http://assets.checkout.com/x",
        "https://assets.checkout.com:8443/x",
        "https://evil.com/assets.checkout.com",
        "https://169.254.169.254/latest",
        "https://user@assets.checkout.com/",
        "file:///etc/passwd",
        "",
    ],
)
def test_only_listed_hosts_are_called(log, url):
    """P-01: a link is followed only to the hosts that the site lists, and not shown."""
    client = Client(HOST, SecretKey(Secret(canaries.KEY)))
    asset = AssetSnapshot("face_image", f"{url}{PATH}")

    with pytest.raises(MalformedAnswer, match="asset host not allowed") as caught:
        client.fetch_image(asset, hosts=[".checkout.com"])

    assert_error_shows_nothing(caught.value, log)


def test_no_redirect_is_followed():
    """P-01."""
    with serving(paints()) as elsewhere:
        moved = paints(b"", status=302, Location=f"{elsewhere.url}/x")
        with serving(moved) as server, pytest.raises(MalformedAnswer):
            at_link(server.url)

    assert elsewhere.requests == []


@pytest.mark.parametrize(
    "answer",
    [
        *(paints(media_type=media_type) for media_type in ("text/html", "image/svg+xml", "")),
        *(paints(media_type=media_type) for media_type in ("image/gif", "application/x")),
        *(paints(b""), paints(status=206), tells({})),
    ],
)
def test_anything_but_a_whole_picture_is_malformed(answer):
    """P-04: nothing that a browser would run."""
    with serving(answer) as server, pytest.raises(MalformedAnswer):
        at_link(server.url)


def test_a_picture_of_five_megabytes_is_the_largest():
    with serving(paints(b"x" * MAX_IMAGE), paints(b"x" * (MAX_IMAGE + 1))) as server:
        assert len(at_link(server.url).content) == MAX_IMAGE
        with pytest.raises(Unavailable):
            at_link(server.url)
    pouring = Pours(Content_Type="image/png")
    with serving(pouring) as server, pytest.raises(Unavailable):
        at_link(server.url)
    assert pouring.taken < 50


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_an_expired_link_says_nothing_about_our_credentials(status):
    with serving(paints(status=status)) as server, pytest.raises(NotFound):
        at_link(server.url)


@pytest.mark.parametrize(
    "answer",
    [
        *(resets, resets_within_the_body, stays_silent, paints(status=404)),
        *(paints(status=302, Location=canaries.CAPTURE), paints(b"x" * (MAX_IMAGE + 1))),
        paints(canaries.CAPTURE.encode(), "text/html"),
    ],
)
def test_no_failure_shows_the_link(log, answer):
    """U-07, P-05: neither a log at its most talkative, nor an error report."""
    with serving(answer) as server, pytest.raises(ProviderError) as caught:
        at_link(server.url)

    assert_error_shows_nothing(caught.value, log)
    assert "fetch_image failed" in log.text


@pytest.mark.parametrize("answer", [paints(), has_a_broken_head], ids=["good", "broken head"])
def test_no_success_logs_the_link(log, answer):
    """The HTTP library logs every path, and as a warning that of odd responses."""
    with serving(answer) as server:
        at_link(server.url)

    assert_nothing_leaks({"log": log.text})


def test_other_calls_are_logged_as_before(log):
    """Only the thread that uses a link is quiet, and only while it does."""
    with serving(paints(), tells({})) as server:
        at_link(server.url)
        Transport().send("ask", "GET", f"{server.url}/asked")

    assert "/asked" in log.text
