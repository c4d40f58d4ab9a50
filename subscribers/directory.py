"""Subscribers, endpoints and follows: add, change, list, remove.

The functions that write are called inside a transaction of the caller's, so that several belong together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from subscribers.database import Database, Row, queries
from subscribers.errors import Conflict, InvalidValue, NotFound
from subscribers.model import (
    OPTED_OUT,
    Address,
    Cadence,
    Endpoint,
    EndpointState,
    Holder,
    Preferences,
    Rhythm,
    Subscriber,
)
from subscribers.rhythm import after_quiet

SQL = queries(Path(__file__).with_name("sql") / "directory.sql")
_HIGHEST = 2**63 - 1  # of ids
_END: tuple[tuple[int, int], Iterator[Row]] = ((_HIGHEST, _HIGHEST), iter(()))


def add(
    db: Database,
    *,
    name: str,
    addresses: Sequence[Address],
    follows: Iterable[str],
    preferences: Preferences,
    consent: str,
    now: int,
    state: EndpointState = EndpointState.ACTIVE,
) -> int:
    """Add a subscriber with an endpoint an address, all with the same follows; the subscriber's id.

    `consent` is the basis on which the endpoints are active at once; "" leaves them pending. A `state` other than
    active is theirs whatever the consent.
    Raises Conflict where an address belongs to somebody else.
    """
    if not addresses:
        raise InvalidValue("a subscriber needs an address: --email, --telegram or --webhook")
    subscriber_id = db.insert(SQL["add_subscriber"], {"name": name, "now": now})
    tags = tuple(dict.fromkeys(follows))
    for address in {item.identity: item for item in addresses}.values():
        endpoint_id = _add_endpoint(db, subscriber_id, address, preferences, _standing(state, consent, now), now)
        follow(db, endpoint_id, tags, now)
    return subscriber_id


def _standing(state: EndpointState, consent: str, now: int) -> Row:
    """Whether and why a new endpoint is written to."""
    agreed = consent if state in (EndpointState.ACTIVE, EndpointState.PAUSED) else ""
    waits = state is EndpointState.PENDING or (state is EndpointState.ACTIVE and not consent)
    return {
        "state": EndpointState.PENDING if waits else state,
        "reason": "" if waits or state is EndpointState.ACTIVE else f"{state} when it was added",
        "consent": agreed,
        "consented_at": now if agreed else None,
    }


def _add_endpoint(
    db: Database, subscriber_id: int, address: Address, preferences: Preferences, standing: Row, now: int
) -> int:
    values = {
        "subscriber_id": subscriber_id,
        **asdict(address),
        **standing,
        "language": preferences.language,
        "format": preferences.format,
        "bundled": int(preferences.bundled),
        "rhythm_id": rhythm_id(db, preferences.rhythm),
        "now": now,
    }
    known = holder_of(db, address)
    if known is None:
        return db.insert(SQL["add_endpoint"], values)
    if not known.removed:
        raise Conflict(
            f"{address.channel} address {address.address} belongs to subscriber {known.subscriber_id} already;"
            f" to add follows: dispatch subscribers follow {known.subscriber_id} WHAT…"
        )
    if known.state is EndpointState.SUPPRESSED:  # an opt-out wins until the person opts in again
        values |= {"state": EndpointState.SUPPRESSED, "reason": known.reason}
    db.run(SQL["take_over_endpoint"], {**values, "id": known.endpoint_id})
    db.run(SQL["unfollow_all"], {"endpoint_id": known.endpoint_id})
    return known.endpoint_id


def rhythm_id(db: Database, rhythm: Rhythm) -> int:
    """The id of a rhythm, which is added where it is new."""
    found = db.value(SQL["rhythm"], asdict(rhythm))
    return int(found) if found is not None else db.insert(SQL["add_rhythm"], asdict(rhythm))


def rhythms(db: Database) -> dict[int, Rhythm]:
    return {row["id"]: _rhythm(row) for row in db.all(SQL["rhythms"])}


def quiet_until(db: Database, ids: Iterable[int], now: int) -> dict[int, int]:
    """Of these rhythms, those whose quiet hours it is, each with their end (ms)."""
    rows = db.all(SQL["quiet_rhythms"], {"ids": list(ids)})
    ends = {row["id"]: after_quiet(_rhythm(row), now) for row in rows}
    return {id_: end for id_, end in ends.items() if end > now}


def holder_of(db: Database, address: Address) -> Holder | None:
    """The endpoint that has an address, in whatever case a mailbox is written; also that of a removed subscriber."""
    name = "endpoint_by_mailbox" if address.channel == "email" else "endpoint_by_address"
    row = db.one(SQL[name], {"channel": address.channel, "address": address.address})
    if row is None:
        return None
    state = EndpointState(row["state"])
    return Holder(row["id"], row["subscriber_id"], state, row["reason"], row["removed_at"] is not None)


def follow(db: Database, endpoint_id: int, tags: Iterable[str], now: int) -> None:
    db.many(SQL["follow"], [{"tag": tag, "endpoint_id": endpoint_id, "now": now} for tag in tags])


def unfollow(db: Database, endpoint_id: int, tags: Iterable[str]) -> int:
    """Drop follows; how many there were."""
    return sum(db.run(SQL["unfollow"], {"tag": tag, "endpoint_id": endpoint_id}) for tag in tags)


def find(db: Database, word: str) -> tuple[Subscriber, tuple[Endpoint, ...]]:
    """Who is meant by a word of the command line: a subscriber's number (all endpoints), or one endpoint by `e7`
    or by its address. Raises NotFound or InvalidValue."""
    # A number is a subscriber's first, else a chat's: the addresses of Telegram are numbers too.
    if _is_number(word) and (known := _of_id(db, int(word))):
        return known, known.endpoints
    endpoint_id = int(word[1:]) if _is_label(word) else _by_address(db, word)
    owner = db.value(SQL["subscriber_of"], {"endpoint_id": endpoint_id})
    if owner is not None and (known := _of_id(db, owner)):
        return known, tuple(e for e in known.endpoints if e.id == endpoint_id)
    raise NotFound(f"no endpoint {word}; see: dispatch subscribers list")


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) < 19


def _is_label(word: str) -> bool:
    return word[:1] == "e" and _is_number(word[1:])


def _by_address(db: Database, word: str) -> int:
    rows = db.all(SQL["endpoints_at_address"], {"address": word})
    if len(rows) > 1:
        labels = ", ".join(f"e{row['id']}" for row in rows)
        raise InvalidValue(f"{word} is the address of several endpoints ({labels}): name one of them")
    if not rows:
        raise NotFound(f"no subscriber or endpoint {word}; see: dispatch subscribers list")
    return int(rows[0]["id"])


def get(db: Database, subscriber_id: int) -> Subscriber:
    known = _of_id(db, subscriber_id) if subscriber_id <= _HIGHEST else None
    if known is None:
        raise NotFound(f"no subscriber {subscriber_id}; see: dispatch subscribers list")
    return known


def everyone(db: Database) -> Iterator[Subscriber]:
    """All subscribers in the order of their ids, one by one: however many there are, few are in memory."""
    return _load(db, 1, _HIGHEST)


def _of_id(db: Database, subscriber_id: int) -> Subscriber | None:
    found = list(_load(db, subscriber_id, subscriber_id))
    return found[0] if found else None


def _load(db: Database, low: int, high: int) -> Iterator[Subscriber]:
    """The subscribers with ids from `low` to `high`, merged from two cursors that have the same order."""
    span = {"low": low, "high": high}
    follows = _Follows(db.each(SQL["follows"], span))
    for _, rows in groupby(db.each(SQL["subscribers"], span), key=itemgetter("subscriber_id")):
        yield _subscriber(list(rows), follows)


class _Follows:
    """The follows of endpoints that are asked for in the order of subscribers and endpoints."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self._groups = groupby(rows, key=_place)
        self._place, self._rows = next(self._groups, _END)

    def of(self, row: Row) -> tuple[str, ...]:
        wanted = _place(row)
        while self._place < wanted:
            self._place, self._rows = next(self._groups, _END)
        return tuple(found["tag"] for found in self._rows) if self._place == wanted else ()


def _place(row: Row) -> tuple[int, int]:
    return row["subscriber_id"], row["id"]


def _subscriber(rows: list[Row], follows: _Follows) -> Subscriber:
    return Subscriber(
        id=rows[0]["subscriber_id"],
        name=rows[0]["name"],
        created_at=rows[0]["created_at"],
        endpoints=tuple(_endpoint(row, follows.of(row)) for row in rows if row["id"] is not None),
    )


def _endpoint(row: Row, follows: tuple[str, ...]) -> Endpoint:
    return Endpoint(
        id=row["id"],
        subscriber_id=row["subscriber_id"],
        address=Address(row["channel"], row["address"], row["queue"], row["secret"]),
        state=EndpointState(row["state"]),
        reason=row["reason"],
        consent=row["consent"],
        consented_at=row["consented_at"],
        preferences=Preferences(_rhythm(row), row["language"], row["format"], bool(row["bundled"])),
        follows=follows,
    )


def _rhythm(row: Row) -> Rhythm:
    return Rhythm(
        Cadence(row["cadence"]),
        row["weekday"],
        row["minute"],
        row["timezone"],
        row["quiet_from"],
        row["quiet_until"],
    )


def set_state(db: Database, endpoint_id: int, state: EndpointState, reason: str, now: int) -> None:
    """An administrator's word: it holds whatever the state was. What a provider answers is `provider_state`."""
    db.run(SQL["set_state"], {"id": endpoint_id, "state": state, "reason": reason, "now": now})


def provider_state(db: Database, endpoint_id: int, state: EndpointState, reason: str, now: int) -> bool:
    """What a provider's answer makes of an endpoint; whether it did: a suppressed one stays so, for the same reason."""
    return bool(db.run(SQL["provider_state"], {"id": endpoint_id, "state": state, "reason": reason, "now": now}))


def pause(db: Database, endpoint: Endpoint, now: int) -> bool:
    """Pause an active endpoint; whether it was one."""
    if endpoint.state is not EndpointState.ACTIVE:
        return False
    set_state(db, endpoint.id, EndpointState.PAUSED, "paused by an administrator", now)
    return True


def resume(db: Database, endpoint: Endpoint, now: int) -> bool:
    """Make a paused endpoint active again, or pending where nobody agreed to it yet; whether it was paused. Others
    need their own way back: a pending one a confirmation, a suppressed or gone one `reactivate`."""
    if endpoint.state is not EndpointState.PAUSED:
        return False
    set_state(db, endpoint.id, EndpointState.ACTIVE if endpoint.consent else EndpointState.PENDING, "", now)
    return True


def suppress(db: Database, endpoint: Endpoint, reason: str, now: int) -> bool:
    """Send nothing more to an endpoint, at an administrator's word; whether that changed it. The wish of a reader who
    unsubscribed stays what it is, with its own reason."""
    if endpoint.opted_out:
        return False
    set_state(db, endpoint.id, EndpointState.SUPPRESSED, reason, now)
    return True


def reactivate(db: Database, endpoint: Endpoint, reason: str, now: int, *, consent: str = "") -> bool:
    """Make a suppressed or gone endpoint active again, or pending where nobody agreed to it yet; whether it was one.
    `consent` is the person's own new wish.

    Raises Conflict for a reader who unsubscribed, unless there is such a wish.
    """
    if endpoint.state not in (EndpointState.SUPPRESSED, EndpointState.GONE):
        return False
    if endpoint.opted_out and not consent:
        raise Conflict(
            f"{endpoint.label} ({endpoint.address.address}) was unsubscribed by the reader: it stays so until they opt"
            " in again, and you can say how: --consent TEXT"
        )
    if consent:
        confirm(db, endpoint.id, consent, now)
    agreed = consent or endpoint.consent
    set_state(db, endpoint.id, EndpointState.ACTIVE if agreed else EndpointState.PENDING, reason, now)
    return True


def confirm(db: Database, endpoint_id: int, consent: str, now: int) -> None:
    """Make an endpoint active on a stated basis of consent."""
    db.run(SQL["confirm"], {"id": endpoint_id, "consent": consent, "now": now})


def opt_out(db: Database, endpoint_id: int, now: int) -> None:
    """The reader's own wish: nothing more goes to this address. Saying it again changes nothing."""
    db.run(SQL["opt_out"], {"id": endpoint_id, "reason": OPTED_OUT, "now": now})


def change_address(db: Database, endpoint_id: int, address: str, now: int) -> None:
    """Give an endpoint another address of its channel. Raises Conflict where somebody has it already."""
    channel = db.value(SQL["channel_of"], {"id": endpoint_id}) or ""
    holder = holder_of(db, Address(channel, address, queue=""))
    if holder is not None and holder.endpoint_id != endpoint_id:
        raise Conflict(f"moved to {address}, which is endpoint e{holder.endpoint_id}")
    db.run(SQL["set_address"], {"id": endpoint_id, "address": address, "now": now})


def remove(db: Database, subscriber: Subscriber, now: int) -> None:
    """Remove a subscriber: no follows, no endpoint that is written to. The ledger keeps what they were sent."""
    for endpoint in subscriber.endpoints:
        db.run(SQL["unfollow_all"], {"endpoint_id": endpoint.id})
        if endpoint.state is not EndpointState.SUPPRESSED:  # an opt-out outlives the subscriber
            set_state(db, endpoint.id, EndpointState.GONE, "subscriber removed", now)
    db.run(SQL["remove_subscriber"], {"id": subscriber.id, "now": now})
