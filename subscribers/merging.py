"""Two subscribers into one, endpoints to another subscriber or another address, and away.

The functions are called inside a transaction of the caller's, and put on record what they do, on both sides.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from subscribers import audit, directory, proof, suppression
from subscribers.audit import Act
from subscribers.database import Database, Row, queries
from subscribers.errors import Conflict, InvalidValue
from subscribers.model import Address, Endpoint, EndpointState, Subscriber
from subscribers.proof import Step
from subscribers.suppression import Hasher

SQL = queries(Path(__file__).with_name("sql") / "merging.sql")


def merge(db: Database, subscriber: Subscriber, into: Subscriber, act: Act) -> None:
    """All endpoints of one subscriber are another's from now on, with their follows, preferences and states. The one is
    removed; its name goes to the other where that has none."""
    if subscriber.id == into.id:
        raise InvalidValue(f"subscriber {into.id} cannot be merged into itself: name two")
    db.run(SQL["give_all"], {"into": into.id, "subscriber_id": subscriber.id})
    db.run(SQL["give_removed"], {"into": into.id, "subscriber_id": subscriber.id})
    endpoints = [endpoint.id for endpoint in subscriber.endpoints]
    audit.record(db, act, "merged", audit.SUBSCRIBER, subscriber.id, {"into": into.id, "endpoints": endpoints})
    audit.record(db, act, "merged", audit.SUBSCRIBER, into.id, {"from": subscriber.id, "endpoints": endpoints})
    if subscriber.name and not into.name:
        rename(db, into.id, subscriber.name, act)
    _end(db, subscriber, act)


def rename(db: Database, subscriber_id: int, name: str, act: Act) -> bool:
    """Call a subscriber something else; whether it was called otherwise. Names are not put on record."""
    changed = bool(db.run(SQL["rename"], {"id": subscriber_id, "name": name}))
    if changed:
        audit.record(db, act, "renamed", audit.SUBSCRIBER, subscriber_id)
    return changed


def hand_over(db: Database, endpoint: Endpoint, into: Subscriber, act: Act) -> bool:
    """Make an endpoint another subscriber's; whether the one that had it is removed, for it had no other."""
    owner = directory.get(db, endpoint.subscriber_id)
    if owner.id == into.id:
        raise InvalidValue(f"{endpoint.label} is subscriber {into.id}'s already")
    db.run(SQL["give"], {"id": endpoint.id, "subscriber_id": into.id})
    audit.record(db, act, "handed over", audit.ENDPOINT, endpoint.id, {"from": owner.id, "to": into.id})
    audit.record(db, act, "gave", audit.SUBSCRIBER, owner.id, {"endpoint": endpoint.id, "to": into.id})
    audit.record(db, act, "got", audit.SUBSCRIBER, into.id, {"endpoint": endpoint.id, "from": owner.id})
    if len(owner.endpoints) > 1:
        return False
    _end(db, owner, act)
    return True


def _end(db: Database, emptied: Subscriber, act: Act) -> None:
    """A subscriber without endpoints is removed; a name would stay behind that nobody finds any more."""
    directory.remove(db, replace(emptied, endpoints=()), act)
    db.run(SQL["rename"], {"id": emptied.id, "name": ""})


def remove_endpoint(db: Database, endpoint: Endpoint, act: Act) -> None:
    """Take one of several endpoints away from its subscriber: no follows, and nothing goes there. The ledger keeps its
    row, which belongs to a subscriber of its own, who is removed; so its address can be used again."""
    nobody = db.insert(directory.SQL["add_subscriber"], {"name": "", "now": act.at})
    db.run(SQL["give"], {"id": endpoint.id, "subscriber_id": nobody})
    db.run(SQL["was_of"], {"id": nobody, "owner": endpoint.subscriber_id})
    directory.clear_follows(db, endpoint.id)
    if endpoint.state is not EndpointState.SUPPRESSED:  # an opt-out outlives it
        directory.set_state(db, endpoint.id, EndpointState.GONE, "endpoint removed", act)
    db.run(directory.SQL["remove_subscriber"], {"id": nobody, "now": act.at})
    audit.record(db, act, "removed", audit.ENDPOINT, endpoint.id, {"subscriber": endpoint.subscriber_id})
    audit.record(db, act, "gave", audit.SUBSCRIBER, endpoint.subscriber_id, {"endpoint": endpoint.id})


def move(db: Database, endpoint: Endpoint, address: Address, act: Act, *, consent: str = "") -> bool:
    """Give an endpoint another address of its channel; whether it is another one, and not the same written otherwise.

    Who agreed at the old address did not agree at the new one: without a basis of consent the endpoint is pending. That
    nothing may be sent to the old address stays on record.
    Raises Conflict: the address is somebody's, nothing may go there, or its reader unsubscribed.
    """
    if address.identity == endpoint.address.identity:
        directory.change_address(db, endpoint.id, address.address, act)
        return False
    hasher = Hasher.load(db)
    _refuse(db, hasher, endpoint, address, consent)
    if endpoint.state is EndpointState.SUPPRESSED:
        suppression.suppress(db, hasher, endpoint.address, endpoint.reason, act.at)
    values = _moved(endpoint, address, act, consent)
    db.run(SQL["move"], values)
    places = {"from": endpoint.address.shown, "to": address.shown}
    audit.record(db, act, "moved", audit.ENDPOINT, endpoint.id, places)
    if values["state"] is not endpoint.state:
        states = {"from": endpoint.state, "to": values["state"], "reason": "another address"}
        audit.record(db, act, "state", audit.ENDPOINT, endpoint.id, states)
    # A confirmation that waits at the old address says nothing about the new one.
    proof.add(db, endpoint.id, Step.WITHDRAWN, act, basis="the endpoint has another address")
    if consent:
        proof.state(db, [endpoint.id], consent, act)
    return True


def _refuse(db: Database, hasher: Hasher, endpoint: Endpoint, address: Address, consent: str) -> None:
    """Raises Conflict where an endpoint cannot move to an address."""
    if endpoint.opted_out and not consent:
        raise Conflict(
            f"{endpoint.label} was unsubscribed by the reader: it moves only if they opted in again, and you can say"
            " how: --consent TEXT"
        )
    holder = directory.holder_of(db, address)
    if holder is not None and holder.removed:
        raise Conflict(
            f"{address.shown} was an endpoint that is removed: take it up again with dispatch subscribers"
            f" add-endpoint {endpoint.subscriber_id}, then dispatch subscribers remove {endpoint.label}"
        )
    if holder is not None:
        raise Conflict(
            f"{address.shown} is e{holder.endpoint_id} of subscriber {holder.subscriber_id} already; to make them"
            f" one: dispatch subscribers merge {holder.subscriber_id} {endpoint.subscriber_id}"
        )
    for reason in suppression.reasons(db, hasher, [address]).values():
        raise Conflict(f"nothing may be sent to {address.shown} ({reason}) until the person asks for it")


def _moved(endpoint: Endpoint, address: Address, act: Act, consent: str) -> Row:
    paused = consent and endpoint.state is EndpointState.PAUSED
    waits = EndpointState.ACTIVE if consent else EndpointState.PENDING
    return {
        "id": endpoint.id,
        "address": address.address,
        "queue": address.queue,
        "secret": address.secret,
        "state": EndpointState.PAUSED if paused else waits,
        "reason": endpoint.reason if paused else "",
        "paused_until": endpoint.paused_until if paused else None,
        "consent": consent,
        "consented_at": act.at if consent else None,
        "now": act.at,
    }
