"""Addresses as lists, errors and logs show them."""

from __future__ import annotations

import re

# A host that is one for sure, and no token with dots in it.
_PLACE = re.compile(
    r"(?:localhost|(?:[a-z0-9_-]{1,63}\.)+[a-z]{2,24}|[0-9]{1,3}(?:\.[0-9]{1,3}){3}|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?"
)


def shown_address(address: str) -> str:
    """An address as it is, but of one of Apprise's (`gotify://push.example.com/TOKEN`) its scheme and host alone: all
    else, and what stands for a host where a service has but one, may be a secret."""
    scheme, mark, rest = address.partition("://")
    if not mark or scheme.lower() in ("http", "https"):
        return address
    place = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]
    return f"{scheme}://{place}/***" if _PLACE.fullmatch(place) else f"{scheme}://***"
