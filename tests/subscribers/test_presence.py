"""Chats that a bot is lost to, and comes back to."""

from __future__ import annotations

import pytest

from subscribers import directory, presence
from subscribers.database import Database
from subscribers.model import Address, Endpoint, EndpointState, Preferences
from tests.acts import at

NOW = 1_700_000_000_000
CHAT = "-1005"


def add(db: Database, address: str, queue: str = "telegram", consent: str = "test") -> Endpoint:
    with db.transaction():
        directory.add(
            db,
            name="",
            addresses=[Address("telegram", address, queue)],
            follows=["all"],
            preferences=Preferences(),
            consent=consent,
            act=at(NOW),
        )
    return found(db, address)


def found(db: Database, address: str) -> Endpoint:
    holder = directory.holder_of(db, Address("telegram", address, ""))
    assert holder is not None
    return directory.endpoint(db, holder.endpoint_id)


def lost(db: Database, reason: str = presence.REMOVED) -> int:
    with db.transaction():
        return presence.lost(db, CHAT, "telegram", reason, at(NOW))


def back(db: Database, now: int = NOW) -> int:
    with db.transaction():
        return presence.back(db, CHAT, "telegram", at(now))


@pytest.mark.parametrize("reason", [presence.BLOCKED, presence.REMOVED, presence.SILENCED])
def test_a_chat_goes_and_comes_with_its_topics(db: Database, reason: str) -> None:
    for address in (CHAT, f"{CHAT}/7", "-10051"):
        add(db, address)
    assert (lost(db, reason), lost(db, reason)) == (2, 0)
    states = [found(db, address).state for address in (CHAT, f"{CHAT}/7", "-10051")]
    assert states == [EndpointState.GONE, EndpointState.GONE, EndpointState.ACTIVE]
    assert (back(db), back(db)) == (2, 0)
    assert (found(db, CHAT).state, found(db, CHAT).follows) == (EndpointState.ACTIVE, ("all",))


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        ("Forbidden: bot was blocked by the user", EndpointState.ACTIVE),
        ("Forbidden: bot was kicked from the supergroup chat", EndpointState.ACTIVE),
        ("moved to -1007, which is endpoint e9", EndpointState.GONE),
        ("at an administrator's word", EndpointState.GONE),
    ],
)
def test_what_the_bot_api_said_at_sending_is_undone_and_nothing_else(
    db: Database, reason: str, state: EndpointState
) -> None:
    known = add(db, CHAT)
    with db.transaction():
        directory.provider_state(db, known.id, EndpointState.GONE, reason, at(NOW))
    back(db)
    assert found(db, CHAT).state is state


def test_who_never_agreed_does_not_by_coming_back(db: Database) -> None:
    add(db, CHAT, consent="")
    lost(db)
    assert back(db) == 1
    assert found(db, CHAT).state is EndpointState.PENDING


def test_a_pause_that_is_over_by_then_is_over(db: Database) -> None:
    for now, state in ((NOW, EndpointState.PAUSED), (NOW + 1000, EndpointState.ACTIVE)):
        known = found(db, CHAT) if now != NOW else add(db, CHAT)
        with db.transaction():
            if known.state is EndpointState.ACTIVE:
                directory.pause(db, known, at(NOW), NOW + 500)
        lost(db)
        back(db, now)
        assert found(db, CHAT).state is state


def test_silence_for_a_while_is_a_pause_of_what_was_active(db: Database) -> None:
    add(db, CHAT)
    paused = add(db, f"{CHAT}/7")
    with db.transaction():
        directory.pause(db, paused, at(NOW))
        assert presence.muted(db, CHAT, "telegram", at(NOW)) == 1
    assert found(db, CHAT).reason == presence.MUTED
    assert back(db) == 1
    states = [found(db, address).state for address in (CHAT, f"{CHAT}/7")]
    assert states == [EndpointState.ACTIVE, EndpointState.PAUSED]


def test_what_was_silent_and_then_removed_is_active_again(db: Database) -> None:
    add(db, CHAT)
    with db.transaction():
        presence.muted(db, CHAT, "telegram", at(NOW))
    lost(db)
    back(db)
    assert found(db, CHAT).state is EndpointState.ACTIVE


def test_others_bots_chats_and_removed_people_are_left_alone(db: Database) -> None:
    add(db, CHAT, queue="telegram:other")
    removed = add(db, f"{CHAT}/7")
    with db.transaction():
        directory.remove(db, directory.get(db, removed.subscriber_id), at(NOW))
    assert (lost(db), back(db)) == (0, 0)
    assert found(db, CHAT).state is EndpointState.ACTIVE
