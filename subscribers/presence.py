"""Chats that a bot can write to no more, and can again: what becomes of their endpoints.

The functions are called inside a transaction of the caller's, and put on record what they do. A chat is meant with all
its topics; endpoints whose messages wait in another queue are with another bot, and are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from subscribers import audit, chats, directory
from subscribers.audit import Act
from subscribers.database import Database
from subscribers.model import PAUSED_BY_READER, Address, Endpoint, EndpointState

BLOCKED = "the bot was blocked by the user"
REMOVED = "the bot was removed from the chat"
SILENCED = "the bot may not write in the chat"
MUTED = "the bot may not write in the chat for a while"
# What ended an endpoint that a bot's coming back begins anew: these, and what the Bot API says when something is sent.
_UNREACHABLE = re.compile(r"blocked by the user|kicked|not a member|removed from the chat|may not write", re.IGNORECASE)
_CHANNEL = "telegram"
_REMEMBERED = 50  # acts on an endpoint that are looked through for what it was


def lost(db: Database, chat: str, queue: str, reason: str, act: Act) -> int:
    """Nothing can be written there: the endpoints are gone; how many were not so before."""
    return sum(
        directory.provider_state(db, endpoint.id, EndpointState.GONE, reason, act)
        for endpoint in _endpoints(db, chat, queue)
        if endpoint.state is not EndpointState.GONE
    )


def muted(db: Database, chat: str, queue: str, act: Act) -> int:
    """Nothing can be written there until a time that is set: the active endpoints are paused; how many."""
    return sum(
        directory.provider_pause(db, endpoint.id, MUTED, act)
        for endpoint in _endpoints(db, chat, queue)
        if endpoint.state is EndpointState.ACTIVE
    )


def back(db: Database, chat: str, queue: str, act: Act) -> int:
    """It can be written there again: what `lost` or `muted` has ended is as it was before; how many endpoints. Who
    unsubscribed, and what an administrator has ended, stays so."""
    return sum(_again(db, endpoint, act) for endpoint in _endpoints(db, chat, queue))


def _again(db: Database, endpoint: Endpoint, act: Act) -> bool:
    if endpoint.state is EndpointState.PAUSED and endpoint.reason == MUTED:
        return directory.resume(db, endpoint, act)
    if endpoint.state is not EndpointState.GONE or not _UNREACHABLE.search(endpoint.reason):
        return False
    if not endpoint.consent:
        directory.set_state(db, endpoint.id, EndpointState.PENDING, "", act)
        return True
    pause = _own_pause(db, endpoint.id)
    if pause is not None and (pause[1] is None or pause[1] > act.at):
        directory.set_state(db, endpoint.id, EndpointState.PAUSED, pause[0], act, until=pause[1])
    else:
        directory.set_state(db, endpoint.id, EndpointState.ACTIVE, "", act)
    return True


def _own_pause(db: Database, endpoint_id: int) -> tuple[str, int | None] | None:
    """Why an endpoint was paused before it was lost, and until when; None where it was not, or by a provider."""
    acts = audit.of_subject(db, audit.ENDPOINT, [endpoint_id], page=_REMEMBERED)
    states = [found["detail"] for found in acts if found["action"] == "state"]
    if not states or states[0].get("from") != EndpointState.PAUSED:
        return None
    paused: Mapping[str, Any] = next((was for was in states[1:] if was.get("to") == EndpointState.PAUSED), {})
    reason = paused.get("reason", PAUSED_BY_READER)
    return None if reason == MUTED else (reason, paused.get("until"))


def _endpoints(db: Database, chat: str, queue: str) -> list[Endpoint]:
    """Of all who are not removed."""
    found = []
    for endpoint_id, address in chats.endpoints_of(db, chat).items():
        holder = directory.holder_of(db, Address(_CHANNEL, address, queue))
        if holder is not None and not holder.removed:
            endpoint = directory.endpoint(db, endpoint_id)
            found += [endpoint] if endpoint.address.queue == queue else []
    return found
