"""The same change to many endpoints: in slices, each a transaction of some milliseconds, so that all others have their
turn between two of them. Each endpoint that is changed has it on record.

A change that is interrupted has been made to some; made again, it goes on with the others, for what is as it should be
already is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from subscribers import audit, directory, proof, search, suppression
from subscribers.audit import Act
from subscribers.changes import Change
from subscribers.database import Database, Row, queries
from subscribers.errors import InvalidValue
from subscribers.model import PAUSED_BY_ADMINISTRATOR, Address, Cadence, EndpointState, Preferences, Rhythm
from subscribers.search import Wanted
from subscribers.suppression import Hasher

SQL = queries(Path(__file__).with_name("sql") / "bulk.sql")
SLICE = 200  # endpoints of a transaction
_PAGE = 20_000  # ids read at once, outside of it
Work = Callable[[Sequence[int]], int]


@dataclass(frozen=True, slots=True)
class Step:
    """How many more endpoints were looked at, and how many of them were changed."""

    seen: int
    changed: int


def sweep(db: Database, wanted: Wanted, work: Work) -> Iterator[Step]:
    """Do something to all endpoints that are wanted, slice by slice; the caller may rest between two. `work` says how
    many endpoints it changed."""
    low = 0
    while page := search.next_ids(db, wanted, low, _PAGE):
        for start in range(0, len(page), SLICE):
            ids = page[start : start + SLICE]
            with db.transaction():
                changed = work(search.still(db, wanted, ids))
            yield Step(len(ids), changed)
        low = page[-1]


def follow(db: Database, ids: Sequence[int], tags: Sequence[str], act: Act) -> int:
    """Let endpoints follow more; how many began to follow something."""
    followed = set(db.rows(SQL["followed"], {"ids": list(ids), "tags": list(tags)}))
    new = {id_: [tag for tag in tags if (id_, tag) not in followed] for id_ in ids}
    new = {id_: begun for id_, begun in new.items() if begun}
    rows = [{"tag": tag, "endpoint_id": id_, "now": act.at} for id_, begun in new.items() for tag in begun]
    db.many(directory.SQL["follow"], rows)
    _record(db, act, "followed", [(id_, {"follows": begun}) for id_, begun in new.items()])
    return len(new)


def unfollow(db: Database, ids: Sequence[int], tags: Sequence[str], act: Act) -> int:
    """Drop follows; how many endpoints had any of them."""
    values = {"ids": list(ids), "tags": list(tags)}
    followed = groupby(db.rows(SQL["followed"], values), key=itemgetter(0))
    dropped = [(id_, {"follows": [tag for _, tag in pairs]}) for id_, pairs in followed]
    db.run(SQL["unfollow"], values)
    _record(db, act, "unfollowed", dropped)
    return len(dropped)


def pause(db: Database, ids: Sequence[int], until: Callable[[str], int | None], act: Act) -> int:
    """Pause those that are active, and give those that are paused another end; how many it changed. `until` is told a
    time zone (None: until they are resumed)."""
    changed = []
    for row in db.all(SQL["standings"], {"ids": list(ids)}):
        end = until(row["timezone"])
        if row["state"] == EndpointState.ACTIVE or (
            row["state"] == EndpointState.PAUSED and row["paused_until"] != end
        ):
            changed.append(_state(row, EndpointState.PAUSED, PAUSED_BY_ADMINISTRATOR, act, end))
    return _set_states(db, changed, act)


def resume(db: Database, ids: Sequence[int], act: Act) -> int:
    """Make those that are paused active, or pending where nobody agreed; how many."""
    changed = [
        _state(row, EndpointState.ACTIVE if row["consent"] else EndpointState.PENDING, "", act, None)
        for row in db.all(SQL["standings"], {"ids": list(ids)})
        if row["state"] == EndpointState.PAUSED
    ]
    return _set_states(db, changed, act)


def confirm(db: Database, ids: Sequence[int], basis: str, act: Act) -> int:
    """Make those that are pending active, on a basis of consent that is stated; how many. Addresses that nothing may go
    to until the person asks for it stay pending."""
    rows = db.all(SQL["pending"], {"ids": list(ids)})
    addresses = {row["id"]: Address(row["channel"], row["address"], "") for row in rows}
    refused = suppression.reasons(db, Hasher.load(db), addresses.values())
    agreed = [id_ for id_, address in addresses.items() if address.identity not in refused]
    db.many(directory.SQL["confirm"], [{"id": id_, "consent": basis, "now": act.at} for id_ in agreed])
    proof.state(db, agreed, basis, act)
    detail = {"from": EndpointState.PENDING, "to": EndpointState.ACTIVE, "reason": basis}
    _record(db, act, "state", [(id_, detail) for id_ in agreed])
    return len(agreed)


def _state(row: Row, state: EndpointState, reason: str, act: Act, until: int | None) -> Row:
    return {"id": row["id"], "from": row["state"], "state": state, "reason": reason, "until": until, "now": act.at}


def _set_states(db: Database, changed: Sequence[Row], act: Act) -> int:
    db.many(directory.SQL["set_state"], [{name: row[name] for name in row if name != "from"} for row in changed])
    details = [(row["id"], _without_nothing(row)) for row in changed]
    _record(db, act, "state", details)
    return len(changed)


def _without_nothing(row: Row) -> dict[str, Any]:
    detail = {"from": row["from"], "to": row["state"], "reason": row["reason"], "until": row["until"]}
    return {name: value for name, value in detail.items() if value not in ("", None)}


def check(db: Database, wanted: Wanted, change: Change) -> None:
    """Raises InvalidValue where a change does not fit the rhythm of any that is wanted: before one is changed."""
    known = directory.rhythms(db)
    for rhythm_id in search.rhythm_ids(db, wanted):
        try:
            change.of(Preferences(known[rhythm_id]))
        except InvalidValue as error:
            if _never_fits(change):
                raise
            cadence = known[rhythm_id].cadence
            raise InvalidValue(
                f"{error}; some that were chosen have the cadence {cadence}: set the cadence too, or choose by it"
                " (--cadence)"
            ) from None


def _never_fits(change: Change) -> bool:
    """Whether it is the change itself that is wrong, whatever somebody's rhythm is."""
    for cadence in Cadence:
        try:
            change.of(Preferences(Rhythm(cadence)))
        except InvalidValue:
            continue
        return False
    return True


class Setting:
    """A change of preferences for many. Few rhythms serve all, so each is worked out once."""

    def __init__(self, change: Change) -> None:
        self._change = change
        self._rhythms: dict[int, Rhythm] = {}

    def __call__(self, db: Database, ids: Sequence[int], act: Act) -> int:
        """How many it changed. Raises InvalidValue where the change does not fit the rhythm of one of them."""
        changed = []
        for row in db.all(SQL["preferences"], {"ids": list(ids)}):
            was = Preferences(self._rhythm(db, row), row["language"], row["format"], bool(row["bundled"]))
            then = self._change.of(was)
            if then != was:
                changed.append((row["id"], then))
        known = {rhythm: directory.rhythm_id(db, rhythm) for rhythm in {then.rhythm for _, then in changed}}
        rows = [_preferences(id_, then, known[then.rhythm], act) for id_, then in changed]
        db.many(directory.SQL["set_preferences"], rows)
        _record(db, act, "preferences", [(id_, asdict(then)) for id_, then in changed])
        return len(changed)

    def _rhythm(self, db: Database, row: Row) -> Rhythm:
        if row["rhythm_id"] not in self._rhythms:
            self._rhythms = directory.rhythms(db)
        return self._rhythms[row["rhythm_id"]]


def _preferences(id_: int, then: Preferences, rhythm_id: int, act: Act) -> Row:
    words = {"language": then.language, "format": then.format, "bundled": int(then.bundled)}
    return {"id": id_, **words, "rhythm_id": rhythm_id, "now": act.at}


def _record(db: Database, act: Act, action: str, details: Sequence[tuple[int, dict[str, Any]]]) -> None:
    audit.record_all(db, act, action, audit.ENDPOINT, details)
