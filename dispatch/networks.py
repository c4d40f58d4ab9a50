"""Which network addresses are of the public internet, and which a stranger must not lead us to: the deny-list behind
the guards.

The ranges are those of the IANA special-purpose registries (RFC 6890 and successors) and of the mechanisms that hide
an IPv4 address in an IPv6 one. They are listed because `ipaddress.is_global` lets several of them through, and which
ones depends on the release of Python.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_DENIED = {
    "0.0.0.0/8": "an address of this network (RFC 791)",
    "10.0.0.0/8": "private (RFC 1918)",
    "100.64.0.0/10": "shared by carriers (RFC 6598)",
    "127.0.0.0/8": "loopback",
    "169.254.0.0/16": "link-local (RFC 3927)",
    "172.16.0.0/12": "private (RFC 1918)",
    "192.0.0.0/24": "for protocol assignments (RFC 6890)",
    "192.0.2.0/24": "for documentation (RFC 5737)",
    "192.88.99.0/24": "the 6to4 relay range (RFC 7526)",
    "192.168.0.0/16": "private (RFC 1918)",
    "198.18.0.0/15": "for benchmarks (RFC 2544)",
    "198.51.100.0/24": "for documentation (RFC 5737)",
    "203.0.113.0/24": "for documentation (RFC 5737)",
    "224.0.0.0/4": "multicast (RFC 5771)",
    "240.0.0.0/4": "reserved (RFC 1112)",
    "::1/128": "loopback",
    "::/96": "unspecified or IPv4-compatible (RFC 4291)",
    "::ffff:0:0/96": "IPv4-mapped (RFC 4291)",
    "::ffff:0:0:0/96": "IPv4-translated (RFC 2765)",
    "64:ff9b::/96": "translated by NAT64 (RFC 6052)",
    "64:ff9b:1::/48": "translated by a local NAT64 (RFC 8215)",
    "100::/64": "discarded (RFC 6666)",
    "2001::/23": "for protocol assignments, such as Teredo (RFC 2928)",
    "2001:db8::/32": "for documentation (RFC 3849)",
    "2002::/16": "6to4 (RFC 3056)",
    "3fff::/20": "for documentation (RFC 9637)",
    "5f00::/16": "for segment routing (RFC 9602)",
    "fc00::/7": "private (RFC 4193)",
    "fe80::/10": "link-local (RFC 4291)",
    "fec0::/10": "site-local (RFC 3879)",
    "ff00::/8": "multicast (RFC 4291)",
    # Last, because it holds many of the above: all but global unicast.
    "::/3": "reserved (RFC 4291)",
    "4000::/2": "reserved (RFC 4291)",
    "8000::/1": "reserved (RFC 4291)",
}  # fmt: skip

DENIED: tuple[tuple[Network, str], ...] = tuple(
    (ipaddress.ip_network(network), what) for network, what in _DENIED.items()
)
"""Networks that a stranger leads us to only where an administrator opens them, each with what it is; the first match
counts."""


def denied(address: Address) -> str:
    """What speaks against this address ("10.1.2.3 is private (RFC 1918), in 10.0.0.0/8"), or ""."""
    for network, what in DENIED:
        if address in network:
            return f"{address} is {what}, in {network}"
    return ""


def within(address: Address, networks: Sequence[Network]) -> bool:
    """Whether one of the networks holds the address. An IPv4-mapped one counts as the IPv4 address, too."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return any(address in network or (mapped is not None and mapped in network) for network in networks)


def literal(host: str) -> Address | None:
    """The address that `host` is, or None for a name.

    Knows the forms of IPv4 that C libraries and browsers take (WHATWG URL, "IPv4 parser"): `127.1`, `0x7f000001`,
    `2130706433`, `0177.0.0.1`. Raises ValueError for a host that ends in a number and is no address.
    """
    plain = host.removesuffix(".")
    try:
        return ipaddress.ip_address(plain)
    except ValueError:
        pass
    labels = plain.split(".")
    if ":" in plain or _number(labels[-1]) is not None or labels[-1].isdigit():
        return _loose_ipv4(labels)
    return None


def _loose_ipv4(labels: list[str]) -> ipaddress.IPv4Address:
    numbers = [_number(label) for label in labels]
    parts = [number for number in numbers if number is not None]
    last_limit = 256 ** (5 - len(parts))
    if len(parts) != len(labels) or len(parts) > 4 or any(part > 255 for part in parts[:-1]):
        raise ValueError("not an IPv4 address")
    if parts[-1] >= last_limit:
        raise ValueError("not an IPv4 address")
    return ipaddress.IPv4Address(sum(part << 8 * (3 - place) for place, part in enumerate(parts[:-1])) + parts[-1])


def _number(label: str) -> int | None:
    """A decimal, 0x… or 0… number; None for anything else."""
    text = label.lower()
    try:
        if text.startswith("0x"):
            return int(text[2:] or "0", 16) if text.isascii() and "_" not in text else None
        if not (text.isascii() and text.isdigit()):
            return None
        return int(text, 8 if len(text) > 1 and text.startswith("0") else 10)
    except ValueError:
        return None
