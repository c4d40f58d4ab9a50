"""Addresses as they stand in commands and header fields (RFC 5321 4.1.2, RFC 5890 for domains)."""

from __future__ import annotations

import re
from functools import lru_cache

import idna

_LOCAL = re.compile(r"[^\x00-\x20\x7f-\xa0\"(),:;<>@\[\\\]]{1,64}\Z")
_LABEL = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)\Z")


def wire_address(address: str) -> str | None:
    """The address with its domain in ASCII, or None where it is none."""
    local, _, domain = address.rpartition("@")
    if not _LOCAL.match(local) or local[0] == "." or local[-1] == "." or ".." in local:
        return None
    ascii_domain = _ascii_domain(domain)
    return f"{local}@{ascii_domain}" if ascii_domain else None


@lru_cache(maxsize=4096)
def _ascii_domain(domain: str) -> str:
    """The domain in A-labels (RFC 5890), or "" where it is none."""
    try:
        found = domain.lower() if domain.isascii() else idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        return ""
    valid = len(found) <= 253 and all(_LABEL.match(label) for label in found.split("."))
    return found if valid else ""
