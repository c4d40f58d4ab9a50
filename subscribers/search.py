"""Choosing endpoints: by what they follow, channel, state, domain, date and more; counted, sorted, page by page.

However many there are, the store counts and sorts them, and a page of them at a time is in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from enum import StrEnum
from itertools import islice
from pathlib import Path

from subscribers import directory
from subscribers.database import Database, queries
from subscribers.model import Subscriber

SQL = queries(Path(__file__).with_name("sql") / "search.sql")
_ALL = 2**62
_LOADED = 500  # at once


class Sort(StrEnum):
    """By what a list is sorted."""

    ID = "id"
    ADDED = "added"
    CHANGED = "changed"
    NAME = "name"
    ADDRESS = "address"
    STATE = "state"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which endpoints: all of it must hold. None: whatever it is. Of a tuple, one must be it.

    `domain` is that of an email address; `name` and `address` are parts of it, in small or capital letters; `since` and
    `until` (ms; that moment itself no more) are about when it was added; `consent` is whether there is a basis.
    """

    tags: tuple[str, ...] | None = None
    channels: tuple[str, ...] | None = None
    states: tuple[str, ...] | None = None
    domain: str | None = None
    since: int | None = None
    until: int | None = None
    changed_since: int | None = None
    name: str | None = None
    address: str | None = None
    languages: tuple[str, ...] | None = None
    cadences: tuple[str, ...] | None = None
    consent: bool | None = None

    @property
    def given(self) -> dict[str, object]:
        """What is wanted, without what is not."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in found.items() if value is not None}


def count(db: Database, wanted: Wanted) -> int:
    return int(db.value(_filled("count", wanted), _values(wanted)))


def by_channel(db: Database, wanted: Wanted) -> dict[str, int]:
    """How many there are, by channel."""
    return {str(name): int(size) for name, size in db.rows(_filled("by_channel", wanted), _values(wanted))}


def found(
    db: Database,
    wanted: Wanted,
    sort: Sort = Sort.ID,
    *,
    reverse: bool = False,
    most: int = 0,
    skip: int = 0,
) -> Iterator[Subscriber]:
    """The subscribers of the endpoints, with these endpoints alone, in the order wanted; `most` (0: all) endpoints
    after the first `skip`. Where the endpoints of a subscriber do not follow each other, it comes several times."""
    order = SQL[f"order_{sort}{'_reverse' if reverse else ''}"]
    sql = _filled("ids", wanted).replace("{order}", order)
    ids = (row["id"] for row in db.each(sql, {**_values(wanted), "most": most or _ALL, "skip": skip}))
    while page := list(islice(ids, _LOADED)):
        yield from directory.of_endpoints(db, page)


def rhythm_ids(db: Database, wanted: Wanted) -> list[int]:
    """The rhythms that they have."""
    return [int(id_) for (id_,) in db.rows(_filled("rhythms", wanted), _values(wanted))]


def is_followed(db: Database, tag: str) -> bool:
    """Whether anybody follows a tag, also one that left the catalog."""
    return db.value(SQL["followed"], {"tag": tag}) is not None


def next_ids(db: Database, wanted: Wanted, low: int, size: int) -> list[int]:
    """The first `size` endpoints above `low`, in the order of their ids."""
    values = {**_values(wanted), "low": low, "size": size}
    return [int(id_) for (id_,) in db.rows(_filled("next_ids", wanted), values)]


def still(db: Database, wanted: Wanted, ids: list[int]) -> list[int]:
    """Those of some endpoints that are wanted at this moment, in the order of their ids."""
    return [int(id_) for (id_,) in db.rows(_filled("still", wanted), {**_values(wanted), "ids": ids})]


def _filled(name: str, wanted: Wanted) -> str:
    given = wanted.given
    if given.get("consent") is False:
        given["no_consent"] = given.pop("consent")
    return SQL[name].replace("{filter}", "\n".join(SQL[f"filter_{word}"] for word in given))


def _values(wanted: Wanted) -> dict[str, object]:
    values = {name: value for name, value in wanted.given.items() if name != "consent"}
    for name, form in (("domain", "%@{}"), ("name", "%{}%"), ("address", "%{}%")):
        if name in values:
            values[name] = form.format(_literal(str(values[name])))
    return values


def _literal(text: str) -> str:
    """A text that LIKE takes as it stands, with ASCII letters small, as the store's lower() makes them."""
    for sign in "!%_":
        text = text.replace(sign, f"!{sign}")
    return text.encode().lower().decode()
