"""From where a request comes: the network address that counts for limits and stands in proofs of consent."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from aiohttp import web

Network = IPv4Network | IPv6Network
_Address = IPv4Address | IPv6Address
_MOST = 2000  # characters of a header that are looked at, from its end
_FOR = re.compile(r"for\s*=\s*(\"[^\"]*\"|[^;,\s]*)", re.IGNORECASE)


def origin(request: web.Request, trusted: Sequence[Network]) -> str:
    """The network address that a request comes from.

    A header is believed as far as the chain of `trusted` proxies goes, from the last one back: what stands further in
    front is what strangers wrote themselves. Proxies pass on the header that they do not set. So where both headers are
    there and disagree, one is forged, and the nearest proxy's own address is what is known.
    """
    peer = _read(request.remote or "")
    if peer is None or not _among(peer, trusted):
        return str(peer or "")
    found = {_first_stranger(peer, chain, trusted) for chain in _chains(request) if chain}
    return str(found.pop() if len(found) == 1 else peer)


def _chains(request: web.Request) -> tuple[list[str], list[str]]:
    """The addresses of X-Forwarded-For and those of Forwarded (RFC 7239)."""
    plain = ",".join(request.headers.getall("X-Forwarded-For", ()))[-_MOST:]
    standard = ",".join(request.headers.getall("Forwarded", ()))[-_MOST:]
    hops = [_FOR.search(hop) for hop in standard.split(",")] if standard else []
    return plain.split(",") if plain else [], [hop[1].strip('"') if hop else "" for hop in hops]


def _first_stranger(peer: _Address, chain: Sequence[str], trusted: Sequence[Network]) -> _Address:
    """Who spoke to the first of the trusted proxies; the last address that could be read where one could not."""
    known = peer
    for word in reversed(chain):
        found = _read(word)
        if found is None:
            break
        known = found
        if not _among(found, trusted):
            break
    return known


def _among(address: _Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def _read(word: str) -> _Address | None:
    """`192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1` or `[2001:db8::1]:4711`."""
    text = word.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found
