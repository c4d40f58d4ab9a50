"""Addresses as lists, errors and logs show them."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

# A host that is one for sure, and no token with dots in it.
_PLACE = re.compile(
    r"(?:localhost|(?:[a-z0-9_-]{1,63}\.)+[a-z]{2,24}|[0-9]{1,3}(?:\.[0-9]{1,3}){3}|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?"
)
_KEY = 16  # characters from which a part of a web address is taken for a key
_LEFT = 4  # of which stay to be seen


def shown_address(address: str) -> str:
    """An address without what lets anybody post there. Web addresses of receivers hold that in their query or in a long
    part of their path: its last four characters are left. Of one of Apprise's (`gotify://push.example.com/TOKEN`) there
    is scheme and host alone: all else, and what stands for a host where a service has but one, may be a secret."""
    scheme, mark, rest = address.partition("://")
    if not mark:
        return address
    if scheme.lower() in ("http", "https"):
        return _without_keys(address)
    place = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]
    return f"{scheme}://{place}/***" if _PLACE.fullmatch(place) else f"{scheme}://***"


def _without_keys(address: str) -> str:
    parts = urlsplit(address)
    path = "/".join(_hidden(part) if len(part) >= _KEY else part for part in parts.path.split("/"))
    query = "&".join(map(_hidden_value, parts.query.split("&"))) if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}{path}" + (f"?{query}" if query else "")


def _hidden_value(pair: str) -> str:
    name, equals, value = pair.partition("=")
    return f"{name}={_hidden(value)}" if equals else _hidden(pair)


def _hidden(key: str) -> str:
    return f"…{key[-_LEFT:]}" if len(key) > 2 * _LEFT else "…"
