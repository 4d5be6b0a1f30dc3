"""Addresses, networks and browsers of requests."""

from __future__ import annotations

import pytest
from django.test import RequestFactory, override_settings
from hypothesis import given
from hypothesis import strategies as st

from django_faceauth.networks import address_of, digests_of, origin_of, parse

AGENTS = {
    "Edge": [
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/143.0.0.0 Safari/537.36 Edg/143.0.0.0",
        "Mozilla/5.0 (Linux; Android 10) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/143.0.0.0 Mobile Safari/537.36 EdgA/143.0.0.0",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 "
        "(KHTML, like Gecko) Version/18.0 EdgiOS/143.0 Mobile/15E148 Safari/605.1.15",
    ],
    "Opera": [
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/142.0.0.0 Safari/537.36 OPR/126.0.0.0",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 "
        "(KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1 OPT/6.1",
    ],
    "Samsung Internet": [
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
        "SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36",
    ],
    "Firefox": [
        "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 "
        "(KHTML, like Gecko) FxiOS/140.0 Mobile/15E148 Safari/605.1.15",
    ],
    "Chrome": [
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/143.0.0.0 Safari/537.36",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 "
        "(KHTML, like Gecko) CriOS/143.0 Mobile/15E148 Safari/604.1",
    ],
    "Safari": [
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 "
        "(KHTML, like Gecko) Version/18.5 Safari/605.1.15",
    ],
    "": ["", "curl/8.14.1", "demobank/1.0 (iOS)", "\x00", "é" * 5000],
}


@pytest.mark.parametrize("browser", AGENTS)
def test_browser_families(browser):
    for agent in AGENTS[browser]:
        assert origin_of(RequestFactory().get("/", HTTP_USER_AGENT=agent))["browser"] == browser


@given(st.text() | st.ip_addresses().map(str))
def test_any_text_is_an_address_or_none(text):
    """And has a digest of a length that the column holds, or none."""
    address = parse(text)

    for digest in digests_of(address):
        assert len(digest) == (0 if address is None else 32)


@pytest.mark.parametrize(
    ("proxies", "headers", "address"),
    [
        (0, {"REMOTE_ADDR": "192.0.2.1"}, "192.0.2.1"),
        (0, {"REMOTE_ADDR": "::ffff:192.0.2.1"}, "192.0.2.1"),
        (0, {"REMOTE_ADDR": "192.0.2.1", "HTTP_X_FORWARDED_FOR": "192.0.2.2"}, "192.0.2.1"),
        (0, {"REMOTE_ADDR": "fe80::1%eth0"}, "fe80::1%eth0"),
        (0, {"REMOTE_ADDR": ""}, "None"),
        (1, {"HTTP_X_FORWARDED_FOR": "192.0.2.3, 192.0.2.2"}, "192.0.2.2"),
        (2, {"HTTP_X_FORWARDED_FOR": "192.0.2.3, 192.0.2.2"}, "192.0.2.3"),
        (3, {"HTTP_X_FORWARDED_FOR": "192.0.2.3, 192.0.2.2"}, "None"),
        (1, {"HTTP_X_FORWARDED_FOR": "192.0.2.3:443"}, "None"),
        (1, {}, "None"),
    ],
)
def test_addresses(proxies, headers, address):
    """W-17, TH-27."""
    with override_settings(FACEAUTH_TRUSTED_PROXIES=proxies):
        assert str(address_of(RequestFactory().get("/", **headers))) == address


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("192.0.2.1", "192.0.2.255", True),
        ("192.0.2.1", "192.0.3.1", False),
        ("192.0.2.1", "::ffff:192.0.2.9", True),
        ("2001:db8:1::", "2001:db8:1:ffff::", True),
        ("2001:db8:1::", "2001:db8:2::", False),
    ],
)
def test_networks(one, other, is_same):
    """Household or small company: /24 and /48; digests of all keys, the present one first."""
    with override_settings(SECRET_KEY_FALLBACKS=["former"]):
        assert (digests_of(parse(one)) == digests_of(parse(other))) == is_same
        assert len(set(digests_of(parse(one)))) == 2
