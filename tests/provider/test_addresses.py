"""P-01 and P-02: URLs that we may call or send the browser to."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import event, example, given, settings
from hypothesis import strategies as st
from urllib3.util import parse_url

from django_faceauth.provider.url_validation import MAX_LENGTH, is_api_url, is_capture_url

HOSTS = (".checkout.com", ".ubble.ai")

GOOD = [
    "https://capture.checkout.com",
    "https://capture.checkout.com/",
    "https://capture.sandbox.checkout.com/c/abc_DEF-1.2~3?token=a%20b&c=(d)#part",
    "https://id.ubble.ai/x",
    "https://CAPTURE.Checkout.COM/x",
    "HTTPS://capture.checkout.com/x",
    "https://a1b2c3d4.api.checkout.com?x=/@:",
    "https://capture.checkout.com/?next=https://evil.com/@x:1",
    "https://capture.checkout.com#@evil.com",
]
EVIL = [
    "",
    "capture.checkout.com/x",
    "http://capture.checkout.com/x",
    "javascript:alert(1)//capture.checkout.com/",
    "file://capture.checkout.com/x",
    "//capture.checkout.com/x",
    "https:evil",
    "https:/capture.checkout.com/x",
    "https:///capture.checkout.com/x",
    "https://capture.checkout.com@evil.com/",
    "https://user:pass@capture.checkout.com/",
    "https://@capture.checkout.com/",
    "https://evil.com#@capture.checkout.com/",
    "https://capture.checkout.com:443/",
    "https://capture.checkout.com:/",
    "https://127.0.0.1/",
    "https://127.0.0.1.checkout.com.evil.com/",
    "https://[::1].checkout.com/",
    "https://2130706433/",
    "https://capture.checkout.com./x",
    "https://.checkout.com/",
    "https://capture..checkout.com/",
    "https://checkout.com/",
    "https://capture.xn--chckout-cva.com/",
    "https://capture.\u0441heckout.com/",  # Cyrillic
    "https://capture.checkout.com/\u017f",  # a long s, which ignoring case takes for "s"
    "https://capture.chec\u212aout.com/",  # the Kelvin sign
    "https://evil.com。.checkout.com/",
    "https://evil.com\u2044.checkout.com/",  # a fraction slash
    "https://evil.c℀.checkout.com/",
    "https://capture\u200b.checkout.com/",
    "https://evil.com\\.checkout.com/",
    "https://evil.com\\@capture.checkout.com/",
    "https://capture.checkout.com/a\\b",
    "https://evil.com%2f.checkout.com/",
    "https://capture.check\tout.com/",
    "https://capture.checkout.com/\n",
    "https://capture.checkout.com/\r\nSet-Cookie: a=b",
    " https://capture.checkout.com/",
    "https://capture.checkout.com\0.evil.com/",
    "https://capture.checkout.com/\x7f",
    "https://evilcheckout.com/",
    "https://capture.checkout.com.evil.com/",
    "https://evil.com/capture.checkout.com",
    "https://evil.com?.checkout.com",
    "https://evil.com;.checkout.com/",
    "https://evil_com.checkout.com/",
]


def is_for_capture(url, *hosts, debug=False):
    return is_capture_url(url, hosts=hosts or HOSTS, debug=debug)


@pytest.mark.parametrize("url", GOOD)
def test_urls_of_the_provider_are_accepted(url):
    assert is_for_capture(url)
    assert is_api_url(url, debug=False)


@pytest.mark.parametrize("url", EVIL)
def test_odd_urls_are_rejected(url):
    assert not is_for_capture(url)
    assert not is_for_capture(url, debug=True)
    assert not is_api_url(url, debug=False)


def test_the_longest_url_is_still_accepted():
    url = "https://capture.checkout.com/".ljust(MAX_LENGTH, "a")

    assert is_for_capture(url)
    assert not is_for_capture(url + "a")


def test_a_listed_host_is_exact_unless_it_has_a_leading_dot():
    assert is_for_capture("https://verify.bank.example/x", "Verify.Bank.Example")
    assert not is_for_capture("https://a.verify.bank.example/x", "verify.bank.example")
    assert not is_for_capture("https://averify.bank.example/x", "verify.bank.example")
    assert not is_capture_url(GOOD[0], hosts=(), debug=True)
    assert not is_for_capture(GOOD[0], "")


@pytest.mark.parametrize("place", ["192.0.2.7", "2130706433", "0x7f000001", "[::1]", "::1"])
def test_an_ip_address_is_rejected_even_if_a_site_lists_it(place):
    assert not is_for_capture(f"https://{place}/x", place)
    assert not is_for_capture(f"https://{place}/x", place, debug=True)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://localhost:8000/x", "LocalHost:8000"),
        ("https://localhost:8000/x", "localhost:8000"),
        ("HTTP://LOCALHOST:8000/", "localhost:8000"),
        ("http://192.0.2.7:8000/x", "192.0.2.7:8000"),
    ],
)
def test_a_listed_port_is_accepted_in_debug_only(url, host):
    """DESIGN 13: plain HTTP and ports."""
    assert is_for_capture(url, host, debug=True)
    assert not is_for_capture(url, host)


@pytest.mark.parametrize(
    "url",
    [
        *("http://localhost:8001/x", "http://localhost/x", "http://localhost:80000/x"),
        *("http://localhost:8000:8000/x", "http://localhost:8000@evil.com/"),
        *("http://evil.com@localhost:8000/", "http://evil.localhost:8000/"),
        *("http://localhost:8000.evil.com/", "http://127.0.0.1:8000/x"),
        *("http://capture.checkout.com/x", "ftp://localhost:8000/x"),
        *("http://localhost:8000\\@evil.com", "http://localhost:8000\n"),
    ],
)
def test_only_the_listed_port_is_accepted_in_debug(url):
    assert not is_for_capture(url, "localhost:8000", ".checkout.com", debug=True)
    # A host that is listed without a port gets no plain HTTP.
    assert not is_for_capture(url, "localhost", debug=True)


@pytest.mark.parametrize(
    ("url", "is_loopback"),
    [
        ("http://localhost:8000/simulator", True),
        ("http://127.0.0.1", True),
        ("https://LOCALHOST:8443", True),
        ("http://192.0.2.7:8000", False),
        ("http://capture.checkout.com", False),
        ("https://capture.checkout.com:8443", False),
        ("http://localhost.evil.com", False),
        ("http://localhost@evil.com", False),
        ("http://127.0.0.1.evil.com", False),
        ("http://localhost\\.evil.com", False),
        ("http://[::1]:8000", False),
    ],
)
def test_the_api_may_be_on_loopback_in_debug_only(url, is_loopback):
    assert is_api_url(url, debug=True) == is_loopback
    assert not is_api_url(url, debug=False)


PIECES = [
    *("https:", "http:", "https://", "//", "/", "\\", "@", ":", "?", "#", ".", "%2e", "%40", ";"),
    *("capture", "checkout.com", ".checkout.com", "evil.com", "user", "443", "[::1]", "127.0.0.1"),
    *("\t", "\n", "\r", " ", "\0", "。", "\uff45", "xn--", "-", "_", "é", "[", "]"),
]
pieces = st.lists(st.one_of(st.sampled_from(PIECES), st.characters()), max_size=10).map("".join)


@st.composite
def spoilt(draw):
    """A good URL with something put into it."""
    url = draw(st.sampled_from(GOOD))
    place = draw(st.integers(0, len(url)))
    return url[:place] + draw(pieces) + url[place:]


@settings(max_examples=300, deadline=None)
@given(st.one_of(pieces.map("https://".__add__), spoilt(), st.text()))
@example("https://-.checkout.com")
@example("https://a[b.checkout.com/[")
def test_other_parsers_agree_on_accepted_urls(url):
    """Browsers and `requests` parse by other rules; an accepted URL means the same to all."""
    accepted = is_for_capture(url)
    assert accepted == is_api_url(url, debug=False)
    event("accepted" if accepted else "refused")
    if not accepted:
        return

    standard, requests_own = urlsplit(url), parse_url(url)

    for host in (standard.hostname, requests_own.host):
        assert host is not None
        assert host.endswith(HOSTS)
        assert set(host) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-")
    assert standard.scheme == requests_own.scheme == "https"
    assert standard.username is standard.password is requests_own.auth is None
    assert standard.port is requests_own.port is None
    assert "@" not in standard.netloc
    assert ":" not in standard.netloc
    assert url.isascii()
    assert url.isprintable()
