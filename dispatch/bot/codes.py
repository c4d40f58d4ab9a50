"""Tags in few characters: for the data of buttons (1 to 64 bytes) and the payload of /start (1 to 64 of A-Za-z0-9_-).

A code is the beginning of a hash of the tag: it means the same in every process and after every change of the catalog,
and what it is a code of must be in the catalog to be found.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Sequence
from functools import lru_cache

from dispatch.catalog import Catalog
from dispatch.catalog.carried import MENTIONS

LENGTH = 9
"""Characters: 54 bits. Among a thousand tags two alike are as likely as not to be told of."""

MOST = 5
"""Tags in one link."""

FROM_INLINE = "inline"
"""The payload of the button above inline answers, which opens the bot: a plain start."""

_FOLLOW = "f"


def code(tag: str) -> str:
    """Nine characters of A-Za-z0-9_-."""
    return urlsafe_b64encode(hashlib.sha256(tag.encode()).digest()).decode()[:LENGTH]


def tag_of(catalog: Catalog, word: str) -> str | None:
    """The tag of a code; None where nothing in the catalog has it."""
    return _table(catalog).get(word)


def start_payload(tags: Sequence[str]) -> str:
    """What a link `https://t.me/BOT?start=…` says to follow these, at most `MOST`."""
    return _FOLLOW + "".join(code(tag) for tag in tags[:MOST])


def read_start(catalog: Catalog, payload: str) -> list[str]:
    """The tags of such a link; what is in the catalog no more is left out. Nothing where it is another's."""
    codes = payload.removeprefix(_FOLLOW)
    if not payload.startswith(_FOLLOW) or len(codes) % LENGTH or len(codes) > MOST * LENGTH:
        return []
    found = [tag_of(catalog, codes[place : place + LENGTH]) for place in range(0, len(codes), LENGTH)]
    return [tag for tag in found if tag is not None]


@lru_cache(maxsize=8)
def _tables(fingerprint: str, tags: tuple[str, ...]) -> dict[str, str]:
    return {code(tag): tag for tag in tags}


def _table(catalog: Catalog) -> dict[str, str]:
    return _tables(catalog.fingerprint, tuple(followable(catalog)))


def followable(catalog: Catalog) -> Iterator[str]:
    """Every tag that can be followed."""
    yield "all"
    provinces = dict.fromkeys(park.province for park in catalog.parks)
    for park in catalog.parks:
        yield f"park:{park.name}"
        yield f"park:{park.name}{MENTIONS}"
    yield from (f"province:{province}" for province in provinces)
    yield from (f"topic:{topic.key}" for topic in catalog.topics)
    for bulletin in catalog.bulletins:
        yield f"bulletin:{bulletin.key}"
        yield from (f"column:{bulletin.key}/{column.key}" for column in bulletin.columns)
