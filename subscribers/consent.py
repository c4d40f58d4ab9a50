"""Double opt-in.

Who asks to be written to gets one message, with a link that says yes; nothing else is sent before. Each step is kept
(`proof`). An administrator who adds people states the basis instead.

Strangers can make us write to any address by asking in its name. So what they ask is counted by address and by network,
and beyond the limits nothing is sent; they are not told, for that would tell them who is a reader.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from ipaddress import ip_address, ip_network
from pathlib import Path

from subscribers import directory, proof
from subscribers.audit import Act
from subscribers.database import Database, Row, queries
from subscribers.model import Address, Cadence, Preferences, Rhythm
from subscribers.proof import Step
from subscribers.suppression import Hasher

SQL = queries(Path(__file__).with_name("sql") / "consent.sql")
_HOUR, _DAY = 3_600_000, 86_400_000


@dataclass(frozen=True, slots=True)
class Limits:
    """How many confirmations strangers can ask for: to one mailbox in a day, and from one network in an hour."""

    address: int = 3
    network: int = 20


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for, which holds when it is confirmed. None: as it is."""

    name: str = ""
    follows: tuple[str, ...] = ()
    preferences: Preferences | None = None
    first: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A confirmation that is to be sent: to which endpoint, and what the link in it is about."""

    endpoint_id: int
    consent_id: int


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asked, for the message that asks for their yes: when (ms), by which way and from which network (""
    where none is known), and what became of it since (None: nothing yet)."""

    consent_id: int
    endpoint_id: int
    at: int
    way: str
    network: str
    text: str
    wish: Wish
    answer: Step | None


class Answer(StrEnum):
    """What became of a click on yes."""

    DONE = "done"
    ALREADY = "already"  # the same click again
    OVER = "over"  # taken back since, or the address is another's


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody asked for once, and what a yes to it would be now. `text` is what they read when they asked."""

    endpoint_id: int
    wish: Wish
    text: str
    answer: Answer


def ask(
    db: Database,
    hasher: Hasher,
    address: Address,
    wish: Wish,
    text: str,
    act: Act,
    origin: str,
    limits: Limits | None,
) -> Asked | None:
    """Somebody asks that an address be written to; None where too much was asked lately. Called inside a transaction.

    An address that is new gets an endpoint that is pending. One that is known stays what it is until it is confirmed,
    suppressed ones too: who unsubscribed can come back in this way alone. `text` is what the person agreed to, `origin`
    the network address that asked. An administrator is not counted: `origin` "", `limits` None.
    """
    if limits is not None and not _counted(db, hasher, address, origin, act.at, limits):
        return None
    endpoint_id = directory.asked_for(db, address, wish.name, wish.follows, wish.preferences, act)
    consent_id = proof.add(
        db,
        endpoint_id,
        Step.ASKED,
        act,
        basis="asked to be written to",
        text=text,
        origin=origin,
        wish=_wish_json(wish),
    )
    return Asked(endpoint_id, consent_id)


def waits(db: Database, address: Address, now: int) -> bool:
    """Whether an address was asked within a day, and nobody has answered yet."""
    holder = directory.holder_of(db, address)
    if holder is None:
        return False
    values = {"endpoint_id": holder.endpoint_id, "since": now - _DAY}
    return bool(db.value(SQL["waits"], values))


def _counted(db: Database, hasher: Hasher, address: Address, origin: str, now: int, limits: Limits) -> bool:
    """Whether this one may go, which is counted then."""
    db.run(SQL["forget_asks"], {"before": now - _DAY})
    counted = [
        (hasher.address(_mailbox(address)), now - _DAY, limits.address),
        (hasher.words("network", network_of(origin)), now - _HOUR, limits.network),
    ]
    if any(int(db.value(SQL["asks"], {"who": who, "since": since})) >= most for who, since, most in counted):
        return False
    for who, _, _ in counted:
        db.run(SQL["add_ask"], {"who": who, "now": now})
    return True


def _mailbox(address: Address) -> Address:
    """Without what follows a plus: that is the same mailbox under as many names as somebody likes."""
    local, at, domain = address.address.rpartition("@")
    return replace(address, address=f"{local.partition('+')[0]}{at}{domain}") if at else address


def network_of(address: str) -> str:
    """The network that one network address stands for: /24 of IPv4, /48 of IPv6, which one customer has at most."""
    try:
        found = ip_network(address)
    except ValueError:
        return address
    mapped = getattr(found.network_address, "ipv4_mapped", None)
    found = ip_network(mapped) if mapped else found
    return str(found.supernet(new_prefix=24 if found.version == 4 else 48))


def question(db: Database, consent_id: int) -> Question | None:
    """What was asked; None where nothing is known of it any more. Reads only."""
    row = db.one(SQL["asked"], {"id": consent_id})
    if row is None:
        return None
    later = db.value(SQL["later"], {"endpoint_id": row["endpoint_id"], "id": consent_id})
    return Question(int(row["endpoint_id"]), _read_wish(row["wish"]), row["text"], _answer(later))


def _answer(later: str | None) -> Answer:
    if later is None:
        return Answer.DONE
    return Answer.ALREADY if later == Step.GIVEN else Answer.OVER


def confirm(db: Database, hasher: Hasher, consent_id: int, act: Act, origin: str) -> tuple[Answer, int]:
    """Somebody says yes to what was asked: what became of it, and the endpoint (0: there is none any more). Called
    inside a transaction."""
    row = db.one(SQL["asked"], {"id": consent_id})
    if row is None:
        return Answer.OVER, 0
    endpoint_id = int(row["endpoint_id"])
    later = db.value(SQL["later"], {"endpoint_id": endpoint_id, "id": consent_id})
    if later is not None:
        return _answer(later), endpoint_id
    wish = _read_wish(row["wish"])
    basis = "confirmed by the reader"
    proof.add(db, endpoint_id, Step.GIVEN, act, basis=basis, text_id=row["text_id"], origin=origin, answers=consent_id)
    directory.agreed(db, hasher, endpoint_id, basis, wish.follows, wish.preferences, act, first=wish.first)
    return Answer.DONE, endpoint_id


def requests(db: Database, consent_ids: Iterable[int]) -> dict[int, Request]:
    """What was asked, by the ids of the steps. What is on record no more is left out."""
    rows = db.all(SQL["requests"], {"ids": list(consent_ids)})
    return {row["id"]: _request(row) for row in rows}


def last_request(db: Database, endpoint_id: int) -> Request | None:
    """What was asked last for an endpoint; None where nothing was, or it has its answer."""
    found = db.value(SQL["last_asked"], {"endpoint_id": endpoint_id})
    request = requests(db, [found]).get(int(found)) if found is not None else None
    return request if request is not None and request.answer is None else None


def _request(row: Row) -> Request:
    return Request(
        consent_id=row["id"],
        endpoint_id=row["endpoint_id"],
        at=row["at"],
        way=row["way"],
        network=_network_or_none(row["origin"]),
        text=row["text"],
        wish=_read_wish(row["wish"]),
        answer=Step(row["answer"]) if row["answer"] else None,
    )


def _network_or_none(origin: str) -> str:
    """The network of who asked: all that a message to a stranger may tell of them."""
    try:
        ip_address(origin)
    except ValueError:
        return ""
    return network_of(origin)


def _wish_json(wish: Wish) -> str:
    return json.dumps(asdict(wish), ensure_ascii=False)


def _read_wish(text: str) -> Wish:
    found = json.loads(text)
    preferences = found["preferences"]
    if preferences is not None:
        rhythm = preferences["rhythm"]
        preferences = Preferences(
            Rhythm(**{**rhythm, "cadence": Cadence(rhythm["cadence"])}),
            preferences["language"],
            preferences["format"],
            preferences["bundled"],
        )
    return Wish(found["name"], tuple(found["follows"]), preferences, found["first"])
