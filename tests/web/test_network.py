"""From where a request comes."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from dispatch.settings import LOOPBACK
from dispatch.web.network import origin

OWN = (*LOOPBACK, ip_network("10.0.0.0/8"))


class Peer:
    """A connection from an address."""

    def __init__(self, address: str) -> None:
        self._address = address

    def get_extra_info(self, name: str, default: object = None) -> object:
        return (self._address, 4711) if name == "peername" else default


def seen(peer: str, headers: list[tuple[str, str]]) -> str:
    request = make_mocked_request("GET", "/", CIMultiDict(headers), transport=Peer(peer))
    return origin(request, OWN)


@pytest.mark.parametrize(
    ("peer", "headers", "found"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", [("X-Forwarded-For", "198.51.100.1")], "192.0.2.1"),
        ("192.0.2.1", [("Forwarded", "for=198.51.100.1")], "192.0.2.1"),
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", [("X-Forwarded-For", "198.51.100.1")], "198.51.100.1"),
        ("127.0.0.1", [("X-Forwarded-For", "6.6.6.6, 198.51.100.1")], "198.51.100.1"),
        ("127.0.0.1", [("X-Forwarded-For", "6.6.6.6, 198.51.100.1, 10.1.1.1")], "198.51.100.1"),
        ("127.0.0.1", [("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-For", "198.51.100.1")], "198.51.100.1"),
        ("127.0.0.1", [("X-Forwarded-For", "198.51.100.1, nonsense")], "127.0.0.1"),
        ("127.0.0.1", [("X-Forwarded-For", "nonsense, 10.1.1.1")], "10.1.1.1"),
        ("127.0.0.1", [("X-Forwarded-For", "")], "127.0.0.1"),
        ("127.0.0.1", [("X-Forwarded-For", "," * 100_000)], "127.0.0.1"),
        ("127.0.0.1", [("X-Forwarded-For", "198.51.100.1:4711")], "198.51.100.1"),
        ("127.0.0.1", [("X-Forwarded-For", "2001:db8::1")], "2001:db8::1"),
        ("127.0.0.1", [("Forwarded", 'for="[2001:db8::1]:4711";proto=https')], "2001:db8::1"),
        ("127.0.0.1", [("Forwarded", "for=6.6.6.6, For=198.51.100.1;by=10.0.0.1")], "198.51.100.1"),
        ("127.0.0.1", [("Forwarded", "for=_hidden")], "127.0.0.1"),
        ("127.0.0.1", [("X-Forwarded-For", "198.51.100.1"), ("Forwarded", "for=6.6.6.6")], "127.0.0.1"),
        ("127.0.0.1", [("X-Forwarded-For", "198.51.100.1"), ("Forwarded", "for=198.51.100.1")], "198.51.100.1"),
        ("::ffff:127.0.0.1", [("X-Forwarded-For", "::ffff:198.51.100.1")], "198.51.100.1"),
        ("", [("X-Forwarded-For", "198.51.100.1")], ""),
    ],
)
def test_a_proxy_is_believed_as_far_as_it_is_trusted(peer: str, headers: list[tuple[str, str]], found: str) -> None:
    assert seen(peer, headers) == found
