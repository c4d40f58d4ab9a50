"""Subscribers, endpoints and follows: add, change, list, remove.

The functions that write are called inside a transaction of the caller's, so that several belong together. Each puts
on record what it changes (`audit`), and by whose act.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from subscribers import audit, proof, suppression
from subscribers.audit import Act
from subscribers.database import Database, Row, queries
from subscribers.errors import Conflict, InvalidValue, NotFound
from subscribers.model import (
    COMPLAINED,
    OPTED_OUT,
    PAUSED_BY_ADMINISTRATOR,
    PAUSED_BY_READER,
    Address,
    Cadence,
    Endpoint,
    EndpointState,
    Holder,
    Preferences,
    Rhythm,
    Subscriber,
    Word,
)
from subscribers.rhythm import after_quiet
from subscribers.suppression import Hasher

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
    act: Act,
    state: EndpointState = EndpointState.ACTIVE,
    first: bool = False,
    waits: Callable[[Address], bool] = lambda address: False,
) -> int:
    """Add a subscriber with an endpoint an address, all with the same follows; the subscriber's id.

    `consent` is the basis on which the endpoints are active at once; "" leaves them pending. A `state` other than
    active is theirs whatever the consent. With `first` they are owed the newest digest that they match. Where an
    address `waits` to be proved, its endpoint is pending whatever the consent, which is kept.
    Raises Conflict where an address belongs to somebody else, or nothing may go there.
    """
    if not addresses:
        raise InvalidValue("a subscriber needs an address: --email, --telegram or --webhook")
    _refuse_suppressed(db, {item.identity: item for item in addresses})
    subscriber_id = db.insert(SQL["add_subscriber"], {"name": name, "now": act.at})
    tags = tuple(dict.fromkeys(follows))
    ids = _add_endpoints(db, subscriber_id, addresses, tags, preferences, consent, act, state, first=first, waits=waits)
    audit.record(db, act, "added", audit.SUBSCRIBER, subscriber_id, {"endpoints": ids, "follows": tags})
    return subscriber_id


def add_endpoints(
    db: Database,
    subscriber_id: int,
    addresses: Sequence[Address],
    *,
    follows: Iterable[str],
    preferences: Preferences,
    consent: str,
    act: Act,
    waits: Callable[[Address], bool] = lambda address: False,
) -> list[int]:
    """Add endpoints to a subscriber, as `add` does it; their ids. Raises Conflict as `add` does."""
    _refuse_suppressed(db, {item.identity: item for item in addresses})
    tags = tuple(dict.fromkeys(follows))
    active = EndpointState.ACTIVE
    ids = _add_endpoints(db, subscriber_id, addresses, tags, preferences, consent, act, active, waits=waits)
    detail = {"subscriber": subscriber_id, "follows": tags}
    audit.record_all(db, act, "added", audit.ENDPOINT, [(id_, detail) for id_ in ids])
    return ids


def _add_endpoints(
    db: Database,
    subscriber_id: int,
    addresses: Sequence[Address],
    tags: Sequence[str],
    preferences: Preferences,
    consent: str,
    act: Act,
    state: EndpointState,
    *,
    first: bool = False,
    waits: Callable[[Address], bool] = lambda address: False,
) -> list[int]:
    distinct = {item.identity: item for item in addresses}
    standing = _standing(state, consent, act.at)
    pending = {**standing, "state": EndpointState.PENDING} if state is EndpointState.ACTIVE else standing
    ids = [
        _add_endpoint(db, subscriber_id, address, preferences, pending if waits(address) else standing, act)
        for address in distinct.values()
    ]
    for endpoint_id in ids:
        _insert_follows(db, endpoint_id, tags, act.at, first=first)
    return ids


def _refuse_suppressed(db: Database, addresses: Mapping[tuple[str, str], Address]) -> None:
    """What nobody has any more, and nothing may go to, only the person can bring back."""
    found = suppression.reasons(db, Hasher.load(db), addresses.values())
    for identity, reason in found.items():
        holder = holder_of(db, addresses[identity])
        if holder is None or holder.removed:
            raise Conflict(
                f"nothing may be sent to {addresses[identity].shown} ({reason}) until the person asks for it:"
                " add it with --ask, which sends them a confirmation"
            )


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
    db: Database, subscriber_id: int, address: Address, preferences: Preferences, standing: Row, act: Act
) -> int:
    values = {
        "subscriber_id": subscriber_id,
        **asdict(address),
        **standing,
        **_preferences(db, preferences),
        "now": act.at,
    }
    known = holder_of(db, address)
    if known is None:
        return _proved(db, db.insert(SQL["add_endpoint"], values), values["consent"], act)
    if not known.removed:
        raise Conflict(
            f"{address.channel} address {address.shown} belongs to subscriber {known.subscriber_id} already;"
            f" to add follows: dispatch subscribers follow {known.subscriber_id} WHAT…"
        )
    if known.state is EndpointState.SUPPRESSED:  # an opt-out wins until the person opts in again
        values |= {"state": EndpointState.SUPPRESSED, "reason": known.reason, "consent": "", "consented_at": None}
    db.run(SQL["take_over_endpoint"], {**values, "id": known.endpoint_id})
    clear_follows(db, known.endpoint_id)
    return _proved(db, known.endpoint_id, values["consent"], act)


def _proved(db: Database, endpoint_id: int, consent: str, act: Act) -> int:
    if consent:
        proof.state(db, [endpoint_id], consent, act)
    return endpoint_id


def asked_for(
    db: Database, address: Address, name: str, follows: Iterable[str], preferences: Preferences | None, act: Act
) -> int:
    """The endpoint of an address that somebody asked to be written to: one that is known stays as it is, a new one
    waits for their yes."""
    known = holder_of(db, address)
    if known is not None and not known.removed:
        return known.endpoint_id
    subscriber_id = db.insert(SQL["add_subscriber"], {"name": name, "now": act.at})
    standing = _standing(EndpointState.PENDING, "", act.at)
    endpoint_id = _add_endpoint(db, subscriber_id, address, preferences or Preferences(), standing, act)
    _insert_follows(db, endpoint_id, follows, act.at)
    audit.record(db, act, "asked", audit.SUBSCRIBER, subscriber_id, {"endpoints": [endpoint_id]})
    return endpoint_id


def agreed(
    db: Database,
    hasher: Hasher,
    endpoint_id: int,
    basis: str,
    follows: Iterable[str],
    preferences: Preferences | None,
    act: Act,
    *,
    first: bool = False,
) -> None:
    """The person has said yes, and to what: from now on they are written to, whatever was before.

    Who was not written to until now follows just what they said yes to: what somebody else had put there, or they
    themselves before they left, is over; so are the words of those who had left.
    """
    was = db.rows(SQL["standing_of"], {"id": endpoint_id})[0]
    waiting = was[0] not in (EndpointState.ACTIVE, EndpointState.PAUSED)
    confirm(db, endpoint_id, basis, act, stated=False)
    if was[:2] == (EndpointState.PAUSED, PAUSED_BY_ADMINISTRATOR):  # that is not the reader's to end
        set_state(db, endpoint_id, EndpointState.PAUSED, PAUSED_BY_ADMINISTRATOR, act, until=was[2])
    follows = tuple(follows)
    if waiting and follows:
        others = {tag for (tag,) in db.rows(SQL["follows_of"], {"endpoint_id": endpoint_id})} - set(follows)
        unfollow(db, endpoint_id, sorted(others), act)
    if follows and was[0] in (EndpointState.SUPPRESSED, EndpointState.GONE):
        db.run(SQL["drop_words"], {"endpoint_id": endpoint_id})
    channel, address = db.rows(SQL["address_of"], {"id": endpoint_id})[0]
    suppression.lift(db, hasher, Address(channel, address, ""))
    if preferences is not None:
        set_preferences(db, endpoint_id, preferences, act)
    follow(db, endpoint_id, follows, act)
    if first:
        db.many(SQL["first"], [{"tag": tag, "endpoint_id": endpoint_id} for tag in follows])


def _preferences(db: Database, preferences: Preferences) -> Row:
    return {
        "language": preferences.language,
        "format": preferences.format,
        "bundled": int(preferences.bundled),
        "rhythm_id": rhythm_id(db, preferences.rhythm),
    }


def set_preferences(db: Database, endpoint_id: int, preferences: Preferences, act: Act) -> None:
    """How an endpoint wants its messages from now on."""
    values = {"id": endpoint_id, **_preferences(db, preferences), "now": act.at}
    if db.run(SQL["set_preferences"], values):
        audit.record(db, act, "preferences", audit.ENDPOINT, endpoint_id, asdict(preferences))


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


def follow(db: Database, endpoint_id: int, tags: Iterable[str], act: Act, *, first: bool = False) -> int:
    """Follow more; how many of it were new. With `first` the newest digest that carries one of the new is owed."""
    followed = {tag for (tag,) in db.rows(SQL["follows_of"], {"endpoint_id": endpoint_id})}
    new = [tag for tag in dict.fromkeys(tags) if tag not in followed]
    if new:
        _insert_follows(db, endpoint_id, new, act.at, first=first)
        audit.record(db, act, "followed", audit.ENDPOINT, endpoint_id, {"follows": new})
    return len(new)


def _insert_follows(db: Database, endpoint_id: int, tags: Iterable[str], now: int, *, first: bool = False) -> None:
    rows = [{"tag": tag, "endpoint_id": endpoint_id, "now": now} for tag in tags]
    db.many(SQL["follow"], rows)
    if first:
        db.many(SQL["first"], [{"tag": row["tag"], "endpoint_id": endpoint_id} for row in rows])


def clear_follows(db: Database, endpoint_id: int) -> None:
    """Of an endpoint that ends, or becomes another's: it follows nothing, chooses nothing by words, and is owed
    no first digest."""
    for query in ("unfollow_all", "drop_firsts", "drop_words"):
        db.run(SQL[query], {"endpoint_id": endpoint_id})


def unfollow(db: Database, endpoint_id: int, tags: Iterable[str], act: Act) -> int:
    """Drop follows; how many there were."""
    dropped = [tag for tag in tags if db.run(SQL["unfollow"], {"tag": tag, "endpoint_id": endpoint_id})]
    if dropped:
        audit.record(db, act, "unfollowed", audit.ENDPOINT, endpoint_id, {"follows": dropped})
    return len(dropped)


def find(db: Database, word: str) -> tuple[Subscriber, tuple[Endpoint, ...]]:
    """Who is meant by a word of the command line: a subscriber's number (all endpoints), or one endpoint by `e7`
    or by its address. Raises NotFound or InvalidValue."""
    # A number is a subscriber's first, else a chat's: the addresses of Telegram are numbers too.
    if is_number(word) and (known := _of_id(db, int(word))):
        return known, known.endpoints
    endpoint_id = int(word[1:]) if is_label(word) else _by_address(db, word)
    owner = db.value(SQL["subscriber_of"], {"endpoint_id": endpoint_id})
    if owner is not None and (known := _of_id(db, owner)):
        return known, tuple(e for e in known.endpoints if e.id == endpoint_id)
    raise NotFound(f"no endpoint {word}; see: dispatch subscribers list")


def is_number(word: str) -> bool:
    """Whether a word of the command line may be an id."""
    return word.isascii() and word.isdigit() and len(word) < 19


def is_label(word: str) -> bool:
    """Whether it names an endpoint: e7."""
    return word[:1] == "e" and is_number(word[1:])


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


def endpoint(db: Database, endpoint_id: int) -> Endpoint:
    """Raises NotFound."""
    owner = db.value(SQL["subscriber_of"], {"endpoint_id": endpoint_id})
    found = _of_id(db, owner) if owner is not None else None
    for item in found.endpoints if found else ():
        if item.id == endpoint_id:
            return item
    raise NotFound(f"no endpoint e{endpoint_id}; see: dispatch subscribers list")


def everyone(db: Database) -> Iterator[Subscriber]:
    """All subscribers in the order of their ids, one by one: however many there are, few are in memory."""
    return _load(db, 1, _HIGHEST)


def of_endpoints(db: Database, ids: Sequence[int]) -> list[Subscriber]:
    """The subscribers of these endpoints, in the order of `ids` and with these endpoints alone; those whose endpoints
    do not follow each other come several times."""
    rows = {row["id"]: row for row in db.all(SQL["of_endpoints"], {"ids": list(ids)})}
    follows: dict[int, list[str]] = {}
    for endpoint_id, tag in db.rows(SQL["follows_of_endpoints"], {"ids": list(ids)}):
        follows.setdefault(endpoint_id, []).append(tag)
    words: dict[int, list[Word]] = {}
    for row in db.all(SQL["words_of_endpoints"], {"ids": list(ids)}):
        words.setdefault(row["endpoint_id"], []).append(_word(row))
    found = (rows[id_] for id_ in ids if id_ in rows)
    return [
        _subscriber(
            list(of_one), lambda row: tuple(follows.get(row["id"], ())), lambda row: tuple(words.get(row["id"], ()))
        )
        for _, of_one in groupby(found, key=itemgetter("subscriber_id"))
    ]


def _of_id(db: Database, subscriber_id: int) -> Subscriber | None:
    found = list(_load(db, subscriber_id, subscriber_id))
    return found[0] if found else None


def _load(db: Database, low: int, high: int) -> Iterator[Subscriber]:
    """The subscribers with ids from `low` to `high`, merged from three cursors that have the same order."""
    span = {"low": low, "high": high}
    follows, words = _Hanging(db.each(SQL["follows"], span)), _Hanging(db.each(SQL["words"], span))
    for _, rows in groupby(db.each(SQL["subscribers"], span), key=itemgetter("subscriber_id")):
        yield _subscriber(
            list(rows),
            lambda row: tuple(found["tag"] for found in follows.of(row)),
            lambda row: tuple(map(_word, words.of(row))),
        )


class _Hanging:
    """Rows that hang on endpoints, which are asked for in the order of subscribers and endpoints."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self._groups = groupby(rows, key=_place)
        self._place, self._rows = next(self._groups, _END)

    def of(self, row: Row) -> tuple[Row, ...]:
        wanted = _place(row)
        while self._place < wanted:
            self._place, self._rows = next(self._groups, _END)
        return tuple(self._rows) if self._place == wanted else ()


def _place(row: Row) -> tuple[int, int]:
    return row["subscriber_id"], row["id"]


def _subscriber(
    rows: list[Row], follows: Callable[[Row], tuple[str, ...]], words: Callable[[Row], tuple[Word, ...]]
) -> Subscriber:
    return Subscriber(
        id=rows[0]["subscriber_id"],
        name=rows[0]["name"],
        created_at=rows[0]["created_at"],
        endpoints=tuple(_endpoint(row, follows(row), words(row)) for row in rows if row["id"] is not None),
    )


def _word(row: Row) -> Word:
    return Word(row["word"], row["folded"], bool(row["excluded"]))


def _endpoint(row: Row, follows: tuple[str, ...], words: tuple[Word, ...]) -> Endpoint:
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
        created_at=row["endpoint_created_at"],
        paused_until=row["paused_until"],
        words=words,
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


def set_state(
    db: Database, endpoint_id: int, state: EndpointState, reason: str, act: Act, *, until: int | None = None
) -> None:
    """An administrator's word: it holds whatever the state was. What a provider answers is `provider_state`."""
    was = db.value(SQL["state_of"], {"id": endpoint_id})
    db.run(SQL["set_state"], {"id": endpoint_id, "state": state, "reason": reason, "until": until, "now": act.at})
    _record_state(db, endpoint_id, was, state, reason, act, until)


def _record_state(
    db: Database,
    endpoint_id: int,
    was: str | None,
    state: EndpointState,
    reason: str,
    act: Act,
    until: int | None = None,
) -> None:
    detail = {"from": was, "to": state, "reason": reason, "until": until}
    detail = {key: value for key, value in detail.items() if value not in ("", None)}
    audit.record(db, act, "state", audit.ENDPOINT, endpoint_id, detail)


def provider_state(db: Database, endpoint_id: int, state: EndpointState, reason: str, act: Act) -> bool:
    """What a provider's answer makes of an endpoint; whether it did: a suppressed one stays so, for the same reason."""
    was = db.value(SQL["state_of"], {"id": endpoint_id})
    values = {"id": endpoint_id, "state": state, "reason": reason, "now": act.at}
    changed = bool(db.run(SQL["provider_state"], values))
    if changed:
        _record_state(db, endpoint_id, was, state, reason, act)
    return changed


def provider_pause(db: Database, endpoint_id: int, reason: str, act: Act) -> bool:
    """What mail that comes back again and again makes of an endpoint; whether it did: only an active one is paused."""
    changed = bool(db.run(SQL["provider_pause"], {"id": endpoint_id, "reason": reason, "now": act.at}))
    if changed:
        _record_state(db, endpoint_id, EndpointState.ACTIVE, EndpointState.PAUSED, reason, act)
    return changed


def complained(db: Database, endpoint_id: int, act: Act) -> bool:
    """The reader has called a message spam: nothing more goes to this address; whether it did until now."""
    if not provider_state(db, endpoint_id, EndpointState.SUPPRESSED, COMPLAINED, act):
        return False
    proof.withdraw(db, endpoint_id, act, basis=COMPLAINED)
    return True


def pause(db: Database, endpoint: Endpoint, act: Act, until: int | None = None) -> bool:
    """Pause an active endpoint, until a time or until it is resumed; whether it was one, or its time is another now."""
    if endpoint.state not in (EndpointState.ACTIVE, EndpointState.PAUSED):
        return False
    if endpoint.state is EndpointState.PAUSED and endpoint.paused_until == until:
        return False
    reason = PAUSED_BY_READER if act.by == audit.READER else PAUSED_BY_ADMINISTRATOR
    set_state(db, endpoint.id, EndpointState.PAUSED, reason, act, until=until)
    return True


def resume(db: Database, endpoint: Endpoint, act: Act) -> bool:
    """Make a paused endpoint active again, or pending where nobody agreed to it yet; whether it was paused. Others
    need their own way back: a pending one a confirmation, a suppressed or gone one `reactivate`."""
    if endpoint.state is not EndpointState.PAUSED:
        return False
    set_state(db, endpoint.id, EndpointState.ACTIVE if endpoint.consent else EndpointState.PENDING, "", act)
    return True


def resume_due(db: Database, act: Act, page: int = 500) -> int:
    """Resume endpoints whose pause is over; how many, a page at most."""
    rows = db.all(SQL["pauses_over"], {"now": act.at, "page": page})
    for row in rows:
        state = EndpointState.ACTIVE if row["consent"] else EndpointState.PENDING
        set_state(db, row["id"], state, "", act)
    return len(rows)


def suppress(db: Database, endpoint: Endpoint, reason: str, act: Act) -> bool:
    """Send nothing more to an endpoint, at an administrator's word; whether that changed it. The wish of a reader who
    unsubscribed stays what it is, with its own reason."""
    if endpoint.opted_out:
        return False
    set_state(db, endpoint.id, EndpointState.SUPPRESSED, reason, act)
    return True


def reactivate(db: Database, endpoint: Endpoint, reason: str, act: Act, *, consent: str = "") -> bool:
    """Make a suppressed or gone endpoint active again, or pending where nobody agreed to it yet; whether it was one.
    `consent` is the person's own new wish.

    Raises Conflict for a reader who unsubscribed, unless there is such a wish.
    """
    if endpoint.state not in (EndpointState.SUPPRESSED, EndpointState.GONE):
        return False
    if endpoint.opted_out and not consent:
        raise Conflict(
            f"{endpoint.label} ({endpoint.address.shown}) was unsubscribed by the reader: it stays so until they opt"
            " in again, and you can say how: --consent TEXT"
        )
    if consent:
        confirm(db, endpoint.id, consent, act)
    known = consent or endpoint.consent
    set_state(db, endpoint.id, EndpointState.ACTIVE if known else EndpointState.PENDING, reason, act)
    return True


def confirm(db: Database, endpoint_id: int, consent: str, act: Act, *, stated: bool = True) -> None:
    """Make an endpoint active on a basis of consent, which is `stated` by somebody else than the reader.

    Raises Conflict where that is not enough: nothing may go to the address until the reader says so themselves.
    """
    if stated:
        _refuse_to_state(db, endpoint_id)
    was = db.value(SQL["state_of"], {"id": endpoint_id})
    db.run(SQL["confirm"], {"id": endpoint_id, "consent": consent, "now": act.at})
    if stated:
        proof.state(db, [endpoint_id], consent, act)
    _record_state(db, endpoint_id, was, EndpointState.ACTIVE, consent, act)


def _refuse_to_state(db: Database, endpoint_id: int) -> None:
    channel, address = db.rows(SQL["address_of"], {"id": endpoint_id})[0]
    for reason in suppression.reasons(db, Hasher.load(db), [Address(channel, address, "")]).values():
        raise Conflict(
            f"nothing may be sent to {address} ({reason}) until the person asks for it: send them a confirmation with"
            f" dispatch subscribers confirm e{endpoint_id} --send"
        )


def opt_out(db: Database, endpoint_id: int, act: Act, origin: str = "") -> bool:
    """The reader's own wish: nothing more goes to this address. Saying it again changes nothing; whether it did."""
    was = db.value(SQL["state_of"], {"id": endpoint_id})
    if not db.run(SQL["opt_out"], {"id": endpoint_id, "reason": OPTED_OUT, "now": act.at}):
        if proof.is_asked(db, endpoint_id):  # somebody asked in their name since: that is over, too
            proof.withdraw(db, endpoint_id, act, origin)
        return False
    proof.withdraw(db, endpoint_id, act, origin)
    _record_state(db, endpoint_id, was, EndpointState.SUPPRESSED, OPTED_OUT, act)
    return True


def change_address(db: Database, endpoint_id: int, address: str, act: Act) -> None:
    """Give an endpoint another address of its channel. Raises Conflict where somebody has it already."""
    channel, was = next(iter(db.rows(SQL["address_of"], {"id": endpoint_id})), ("", ""))
    holder = holder_of(db, Address(channel, address, queue=""))
    if holder is not None and holder.endpoint_id != endpoint_id:
        raise Conflict(f"moved to {address}, which is endpoint e{holder.endpoint_id}")
    if db.run(SQL["set_address"], {"id": endpoint_id, "address": address, "now": act.at}):
        detail = {"from": Address(channel, was, "").shown, "to": Address(channel, address, "").shown}
        audit.record(db, act, "moved", audit.ENDPOINT, endpoint_id, detail)


def set_secret(db: Database, endpoint_id: int, secret: str, act: Act) -> None:
    """What an endpoint's messages are signed with from now on. The record says that it changed, and not to what."""
    if db.run(SQL["set_secret"], {"id": endpoint_id, "secret": secret, "now": act.at}):
        audit.record(db, act, "secret", audit.ENDPOINT, endpoint_id)


def set_queue(db: Database, endpoint_id: int, queue: str, act: Act) -> None:
    """Where an endpoint's messages wait from now on: another bot writes to the chat."""
    if db.run(SQL["set_queue"], {"id": endpoint_id, "queue": queue, "now": act.at}):
        audit.record(db, act, "queue", audit.ENDPOINT, endpoint_id, {"to": queue})


def remove(db: Database, subscriber: Subscriber, act: Act) -> None:
    """Remove a subscriber: no follows, no endpoint that is written to. The ledger keeps what they were sent."""
    for endpoint in subscriber.endpoints:
        clear_follows(db, endpoint.id)
        if endpoint.state is not EndpointState.SUPPRESSED:  # an opt-out outlives the subscriber
            set_state(db, endpoint.id, EndpointState.GONE, "subscriber removed", act)
    db.run(SQL["remove_subscriber"], {"id": subscriber.id, "now": act.at})
    audit.record(db, act, "removed", audit.SUBSCRIBER, subscriber.id)
