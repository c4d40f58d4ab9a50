"""Many rows into the store at once.

What is done to each row is what `directory.add` does to one subscriber; a test holds the two together. All addresses of
a slice are looked up together, and all rows of a table are written together.

An opt-out wins: an address that is suppressed stays so, and one that nobody has any more because the person was erased
is not added again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, cast

from subscribers import audit, directory, proof, suppression
from subscribers.audit import Act
from subscribers.database import Database, Params, Row, queries
from subscribers.model import COMPLAINED, OPTED_OUT, OWN_WISHES, Address, EndpointState, Holder, Rhythm, Word
from subscribers.suppression import Hasher
from subscribers.transfer.rows import Entry
from subscribers.words import SQL as WORDS

SQL = queries(Path(__file__).parents[1] / "sql" / "transfer.sql")
_SHOWN = 20
_AGREED = (EndpointState.ACTIVE, EndpointState.PAUSED)
_TIMES = ("consented_at", "paused_until")
Identity = tuple[str, str]
Ask = Callable[[Address], None]


@dataclass(frozen=True, slots=True)
class Planned:
    """What a row means for the store: which addresses are new (with the endpoint that a removed subscriber left, if
    there is one), who has the others, which of them nothing may be sent to, and what is new of its follows to the
    endpoints that are known."""

    entry: Entry
    new: tuple[tuple[Address, Holder | None], ...]
    known: tuple[tuple[Address, Holder], ...]
    erased: tuple[tuple[Address, str], ...]
    follows: Mapping[int, tuple[str, ...]]

    @property
    def problem(self) -> str:
        """Why the row cannot be taken; "" where it can."""
        if self.known and self.new:
            address, holder = self.known[0]
            return (
                f"{address.channel} address {address.shown} belongs to subscriber {holder.subscriber_id} already:"
                " give the other addresses a row of their own, or leave that one out"
            )
        return ""

    @property
    def suppressed(self) -> Iterator[tuple[Address, str]]:
        """The addresses that nothing is sent to though somebody named them, with the reason."""
        for address, holder in (*self.known, *self.new):
            if holder is not None and holder.state is EndpointState.SUPPRESSED:
                yield address, holder.reason
            elif self.entry.state is EndpointState.SUPPRESSED:
                yield address, self.entry.reason or "suppressed in the file"
        yield from self.erased


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms rows are taken: the `basis` of consent of those that name none ("": they wait), the `origin` of
    it (the file), and how those that wait are asked, if they are."""

    basis: str = ""
    origin: str = ""
    ask: Ask | None = None


@dataclass
class Totals:
    """What became of rows, counted. `suppressed_shown` are the first of the addresses."""

    rows: int = 0
    added: int = 0
    endpoints: int = 0
    known: int = 0
    followed: int = 0
    pending: int = 0
    asked: int = 0
    suppressed: int = 0
    suppressed_shown: list[str] = field(default_factory=list)

    def count(self, planned: Planned, terms: Terms) -> None:
        self.rows += 1
        self.added += bool(planned.new)
        self.endpoints += len(planned.new)
        self.known += bool(planned.known)
        self.followed += sum(map(len, planned.follows.values()))
        for address, _ in planned.suppressed:
            self.suppressed += 1
            if len(self.suppressed_shown) < _SHOWN:
                self.suppressed_shown.append(address.shown)
        asked = sum(1 for _ in to_ask(planned, terms)) if terms.ask else 0
        self.asked += asked
        self.pending += max(0, sum(1 for _ in waiting(planned, terms)) - asked)


def plan(db: Database, hasher: Hasher, entries: Sequence[Entry]) -> list[Planned]:
    """What the rows mean for the store as it is now. Reads only."""
    addresses = {address.identity: address for entry in entries for address in entry.addresses}
    holders = _holders(db, addresses)
    nobodys = [address for identity, address in addresses.items() if _is_nobodys(holders.get(identity))]
    erased = suppression.reasons(db, hasher, nobodys)
    planned = [_planned(entry, holders, erased) for entry in entries]
    followed = _followed(db, [holder.endpoint_id for item in planned for _, holder in item.known])
    return [_with_follows(item, followed) if item.known else item for item in planned]


def _holders(db: Database, identities: Iterable[Identity]) -> dict[Identity, Holder]:
    """The endpoints that have addresses, by the `identity` of the address."""
    by_channel: dict[str, list[str]] = defaultdict(list)
    for channel, same in identities:
        by_channel[channel].append(same)
    rows: list[tuple[Any, ...]] = []
    for channel, texts in by_channel.items():
        name = "at_mailboxes" if channel == "email" else "at_addresses"
        rows += db.rows(SQL[name], {"channel": channel, "addresses": texts})
    return {
        Address(channel, address, "").identity: Holder(id_, owner, EndpointState(state), reason, removed is not None)
        for id_, owner, channel, address, state, reason, removed in rows
    }


def _is_nobodys(holder: Holder | None) -> bool:
    return holder is None or holder.removed


def _planned(entry: Entry, holders: Mapping[Identity, Holder], erased: Mapping[Identity, str]) -> Planned:
    new: list[tuple[Address, Holder | None]] = []
    known: list[tuple[Address, Holder]] = []
    gone: list[tuple[Address, str]] = []
    for address in entry.addresses:
        identity = address.identity
        holder = holders.get(identity)
        if holder is not None and not holder.removed:
            known.append((address, holder))
        elif identity in erased:
            gone.append((address, erased[identity]))
        else:
            new.append((address, holder))
    return Planned(entry, tuple(new), tuple(known), tuple(gone), {})


def _followed(db: Database, ids: list[int]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {id_: set() for id_ in ids}
    if ids:
        for id_, tag in db.rows(SQL["follows_of"], {"ids": ids}):
            found[id_].add(tag)
    return found


def _with_follows(planned: Planned, followed: Mapping[int, set[str]]) -> Planned:
    """What each of the known begins to follow; nothing where nothing goes: their own later yes is to what they ask for
    then."""
    new = {
        holder.endpoint_id: tuple(tag for tag in planned.entry.follows if tag not in followed[holder.endpoint_id])
        for _, holder in planned.known
        if holder.state is not EndpointState.SUPPRESSED
    }
    return Planned(planned.entry, planned.new, planned.known, planned.erased, {k: v for k, v in new.items() if v})


def standing(entry: Entry, holder: Holder | None, terms: Terms, now: int) -> Row:
    """Whether and why a new endpoint of a row is written to."""
    state, consent = entry.state, entry.consent or (terms.basis if entry.state in _AGREED else "")
    otherwise = "" if state in (EndpointState.ACTIVE, EndpointState.PENDING) else f"{state} when it was added"
    reason = otherwise if entry.reason is None else entry.reason
    if state is EndpointState.ACTIVE and not consent:
        state, reason = EndpointState.PENDING, ""
    if holder is not None and holder.state is EndpointState.SUPPRESSED:  # an opt-out wins
        state, reason, consent = EndpointState.SUPPRESSED, holder.reason, ""
    consented_at = entry.consented_at if entry.consented_at is not None else now
    return {"state": state, "reason": reason, "consent": consent, "consented_at": consented_at if consent else None}


def waiting(planned: Planned, terms: Terms) -> Iterator[Address]:
    """The new addresses that get nothing until they are confirmed."""
    for address, holder in planned.new:
        if standing(planned.entry, holder, terms, 0)["state"] is EndpointState.PENDING:
            yield address


def to_ask(planned: Planned, terms: Terms) -> Iterator[Address]:
    """The addresses that are asked to confirm: mailboxes that wait."""
    if planned.entry.state not in (EndpointState.ACTIVE, EndpointState.PENDING):
        return
    known = (address for address, holder in planned.known if holder.state is EndpointState.PENDING)
    for address in (*waiting(planned, terms), *known):
        if address.channel == "email":
            yield address


Step = tuple[str, tuple[str, ...], list[list[Any]]]  # a statement, the names of its values, and these by name


@dataclass(slots=True)
class Prepared:
    """A slice of rows, ready to be written: statements with their values, and what needs the store as it is then."""

    rows: int
    suppressed: list[tuple[int, str | None]] = field(default_factory=list)
    rhythms: list[tuple[int, Rhythm]] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    withdrawn: list[int] = field(default_factory=list)
    asked: list[Address] = field(default_factory=list)

    def many(self, sql: str, rows: Iterable[Params]) -> int:
        """What `Database.many` is to be called with."""
        given = list(rows)
        if given:
            names = tuple(given[0])
            words = {place for place, name in enumerate(names) if isinstance(given[0][name], Enum)}
            columns = [[row[name] for row in given] for name in names]
            self.steps.append((sql, names, [list(map(str, c)) if n in words else c for n, c in enumerate(columns)]))
        return len(given)

    @property
    def as_database(self) -> Database:
        """For those who do nothing but call `many`."""
        return cast(Database, self)


class Store:
    """Writes what is prepared, slice by slice, inside a transaction of the caller's."""

    def __init__(self, db: Database, terms: Terms, act: Act) -> None:
        self._db = db
        self._terms = terms
        self._act = act
        self._rhythms: dict[int, int] = {}

    def write(self, prepared: Prepared) -> None:
        for endpoint_id, reason in prepared.suppressed:
            self._suppress(endpoint_id, reason)
        for number, rhythm in prepared.rhythms:
            self._rhythms[number] = directory.rhythm_id(self._db, rhythm)
        for sql, names, columns in prepared.steps:
            if self._rhythms and "rhythm_id" in names:
                place = names.index("rhythm_id")
                columns[place] = [self._rhythms.get(id_, id_) for id_ in columns[place]]
            self._db.many(sql, [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)])
        for endpoint_id in prepared.withdrawn:
            proof.withdraw(self._db, endpoint_id, self._act, self._terms.origin)
        for address in prepared.asked:
            if self._terms.ask:
                self._terms.ask(address)

    def _suppress(self, endpoint_id: int, reason: str | None) -> None:
        if reason == OPTED_OUT:
            directory.opt_out(self._db, endpoint_id, self._act, self._terms.origin)
        elif reason == COMPLAINED:
            directory.complained(self._db, endpoint_id, self._act)
        else:
            words = reason or "suppressed in an imported file"
            directory.provider_state(self._db, endpoint_id, EndpointState.SUPPRESSED, words, self._act)


class Preparer:
    """Makes of planned rows what is to be written, slice by slice. Reads only: what it makes is good for as long as
    `state_of` the store stays the same."""

    def __init__(self, db: Database, terms: Terms, act: Act) -> None:
        self._db = db
        self._terms = terms
        self._act = act
        self._rhythms: dict[Rhythm, int] = {}
        self._persons: dict[str, int] = {}
        self._highest: dict[str, int] = {}
        self._out = Prepared(0)
        self.totals = Totals()

    def prepare(self, slice_: Sequence[Planned]) -> Prepared:
        """Raises nothing of a row's: `problem` was looked at before."""
        self._out = out = Prepared(len(slice_))
        for planned in slice_:
            self._note_known(planned)
            self.totals.count(planned, self._terms)
        self._follow_known(slice_)
        new = [planned for planned in slice_ if planned.new]
        self._add_endpoints(new, self._add_subscribers(new))
        if self._terms.ask:
            out.asked = [address for planned in slice_ for address in to_ask(planned, self._terms)]
        return out

    # known endpoints

    def _note_known(self, planned: Planned) -> None:
        """Of a row's state, only that nothing may be sent: what a file says makes nobody active whom we know."""
        entry = planned.entry
        for _, holder in planned.known:
            if entry.person:
                self._persons.setdefault(entry.person, holder.subscriber_id)
            if entry.state is EndpointState.SUPPRESSED:
                self._out.suppressed.append((holder.endpoint_id, entry.reason))

    def _follow_known(self, slice_: Sequence[Planned]) -> None:
        new = [item for planned in slice_ for item in planned.follows.items()]
        rows = [{"tag": tag, "endpoint_id": id_, "now": self._act.at} for id_, tags in new for tag in tags]
        self._out.many(directory.SQL["follow"], rows)
        self._record("followed", audit.ENDPOINT, [(id_, {"follows": tags}) for id_, tags in new])

    def _record(self, action: str, subject: str, acts: Sequence[tuple[int, Row]]) -> None:
        audit.record_all(self._out.as_database, self._act, action, subject, acts)

    # new ones

    def _add_subscribers(self, slice_: Sequence[Planned]) -> list[int]:
        """Whose the new endpoints of each row are: all rows of a person are one subscriber's."""
        ids = iter(self._new_ids("subscribers", len(slice_)))
        rows: list[Row] = []
        owners: list[int] = []
        for entry in (planned.entry for planned in slice_):
            owner = self._persons.get(entry.person) if entry.person else None
            if owner is None:
                owner = next(ids)
                rows.append({"id": owner, "name": entry.name, "created_at": self._created(entry)})
                if entry.person:
                    self._persons[entry.person] = owner
            owners.append(owner)
        self._out.many(SQL["add_subscriber"], rows)
        return owners

    def _add_endpoints(self, slice_: Sequence[Planned], owners: Sequence[int]) -> None:
        ids = iter(self._new_ids("endpoints", sum(len(planned.new) for planned in slice_)))
        rows: list[Row] = []
        follows: list[Row] = []
        words: list[Row] = []
        acts: list[tuple[int, Row]] = []
        for planned, owner in zip(slice_, owners, strict=True):
            mine = [self._endpoint(owner, item, planned.entry, ids) for item in planned.new]
            rows += mine
            tags = planned.entry.follows
            follows += [{"tag": tag, "endpoint_id": row["id"], "now": self._act.at} for row in mine for tag in tags]
            words += [_word(row["id"], word, self._act.at) for row in mine for word in planned.entry.words]
            acts.append((owner, {"endpoints": [row["id"] for row in mine], "follows": tags}))
        taken_over = {holder.endpoint_id for planned in slice_ for _, holder in planned.new if holder is not None}
        self._insert([row for row in rows if row["id"] not in taken_over])
        self._take_over([row for row in rows if row["id"] in taken_over])
        self._out.many(directory.SQL["follow"], follows)
        self._out.many(WORDS["add"], words)
        self._prove(rows)
        self._record("added", audit.SUBSCRIBER, acts)

    def _endpoint(self, owner: int, item: tuple[Address, Holder | None], entry: Entry, ids: Iterator[int]) -> Row:
        address, holder = item
        return {
            "id": next(ids) if holder is None else holder.endpoint_id,
            "subscriber_id": owner,
            "channel": address.channel,
            "address": address.address,
            "queue": address.queue,
            "secret": address.secret,
            **standing(entry, holder, self._terms, self._act.at),
            "language": entry.preferences.language,
            "format": entry.preferences.format,
            "bundled": int(entry.preferences.bundled),
            "rhythm_id": self._rhythm(entry.preferences.rhythm),
            "paused_until": entry.paused_until,
            "created_at": self._created(entry),
            "now": self._act.at,
        }

    def _insert(self, rows: Sequence[Row]) -> None:
        self._out.many(SQL["add_endpoint"], [{k: row[k] for k in row if k not in _TIMES} for row in rows])
        for name in _TIMES:
            known = [{"id": row["id"], name: row[name]} for row in rows if row[name] is not None]
            self._out.many(SQL[f"set_{name}"], known)

    def _take_over(self, rows: Sequence[Row]) -> None:
        """The endpoints of removed subscribers, which are used again (see `directory.add`)."""
        for row in rows:
            self._out.many(directory.SQL["take_over_endpoint"], [row])
            for query in ("unfollow_all", "drop_firsts", "drop_words"):
                self._out.many(directory.SQL[query], [{"endpoint_id": row["id"]}])
            if row["paused_until"] is not None:
                self._out.many(SQL["set_paused_until"], [{"id": row["id"], "paused_until": row["paused_until"]}])

    def _prove(self, rows: Sequence[Row]) -> None:
        """Keep on which basis each is written to, and that some have taken it back."""
        by_basis: dict[str, list[int]] = defaultdict(list)
        for row in rows:
            if row["consent"]:
                by_basis[row["consent"]].append(row["id"])
        for basis, ids in by_basis.items():
            proof.state(self._out.as_database, ids, basis, self._act, self._terms.origin)
        for row in rows:
            if row["state"] is EndpointState.SUPPRESSED and row["reason"] in OWN_WISHES:
                self._out.withdrawn.append(row["id"])

    def _created(self, entry: Entry) -> int:
        return self._act.at if entry.created_at is None else entry.created_at

    def _rhythm(self, rhythm: Rhythm) -> int:
        """Its id; a negative number for one that is to be added."""
        if rhythm not in self._rhythms:
            found = self._db.value(directory.SQL["rhythm"], asdict(rhythm))
            self._rhythms[rhythm] = -len(self._rhythms) - 1 if found is None else int(found)
            if found is None:
                self._out.rhythms.append((self._rhythms[rhythm], rhythm))
        return self._rhythms[rhythm]

    def _new_ids(self, table: str, count: int) -> list[int]:
        """Ids that nobody has or had, in order. With SQLite, as long as nobody else adds rows."""
        if self._db.dialect == "postgresql":
            return sorted(id_ for (id_,) in self._db.rows(SQL["take_ids_postgresql"], {"table": table, "count": count}))
        if table not in self._highest:
            self._highest[table] = int(self._db.value(SQL["highest_id_sqlite"], {"table": table}) or 0)
        first = self._highest[table] + 1
        self._highest[table] += count
        return list(range(first, first + count))


def _word(endpoint_id: int, word: Word, now: int) -> Row:
    values = {"folded": word.folded, "word": word.text, "excluded": int(word.excluded)}
    return {"endpoint_id": endpoint_id, **values, "now": now}


def state_of(db: Database) -> tuple[Any, ...]:
    """What differs when somebody changed something that a plan depends on: all such changes go on record."""
    return tuple(db.rows(SQL["state"])[0])
