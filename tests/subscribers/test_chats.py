"""Groups that become supergroups, and topics that are deleted."""

from __future__ import annotations

import pytest

from subscribers import chats, directory
from subscribers.database import Database
from subscribers.model import Address, EndpointState, Preferences
from tests.acts import at

NOW = 1_700_000_000_000
OLD, NEW = "-5", "-1005"


def add(db: Database, address: str, *follows: str) -> int:
    with db.transaction():
        directory.add(
            db,
            name="",
            addresses=[Address("telegram", address, "telegram")],
            follows=follows or ("all",),
            preferences=Preferences(),
            consent="test",
            act=at(NOW),
        )
    return at_address(db, address)


def at_address(db: Database, address: str) -> int:
    found = directory.holder_of(db, Address("telegram", address, ""))
    assert found is not None
    return found.endpoint_id


def state(db: Database, address: str) -> EndpointState:
    found = directory.holder_of(db, Address("telegram", address, ""))
    assert found is not None
    return found.state


def follows(db: Database, endpoint: int) -> list[str]:
    return [tag for (tag,) in db.rows(chats.SQL["follows_of"], {"id": endpoint})]


def test_a_group_moves_with_its_topics_and_no_other_does(db: Database) -> None:
    group, topic, other, near = (add(db, address) for address in (OLD, f"{OLD}/7", "-51", "-50/7"))
    with db.transaction():
        assert chats.migrate(db, OLD, NEW, at(NOW)) == []
    assert (at_address(db, NEW), at_address(db, f"{NEW}/7")) == (group, topic)
    assert (at_address(db, "-51"), at_address(db, "-50/7")) == (other, near)


@pytest.mark.parametrize("gone", [False, True])
def test_where_the_new_chat_is_known_it_gets_the_follows(db: Database, *, gone: bool) -> None:
    group, new = add(db, OLD, "topic:a", "topic:b"), add(db, NEW, "topic:b", "topic:c")
    if gone:
        with db.transaction():
            directory.provider_state(db, new, EndpointState.GONE, "kicked", at(NOW))
    with db.transaction():
        assert chats.migrate(db, OLD, NEW, at(NOW)) == [(group, new)]
    assert follows(db, new) == ["topic:a", "topic:b", "topic:c"]
    assert follows(db, group) == []
    assert (state(db, NEW), state(db, OLD)) == (EndpointState.ACTIVE, EndpointState.GONE)


def test_what_was_unsubscribed_stays_so(db: Database) -> None:
    group, new = add(db, OLD, "topic:a"), add(db, NEW, "topic:c")
    with db.transaction():
        directory.provider_state(db, new, EndpointState.SUPPRESSED, "unsubscribed", at(NOW))
        assert chats.migrate(db, OLD, NEW, at(NOW)) == []
    assert (follows(db, new), follows(db, group)) == (["topic:c"], [])
    assert (state(db, NEW), state(db, OLD)) == (EndpointState.SUPPRESSED, EndpointState.GONE)


def test_a_deleted_topic_goes_to_the_chat_itself(db: Database) -> None:
    topic = add(db, f"{NEW}/7")
    with db.transaction():
        assert chats.topic_deleted(db, topic, f"{NEW}/7", at(NOW))
    assert at_address(db, NEW) == topic
    assert state(db, NEW) is EndpointState.ACTIVE


def test_a_deleted_topic_is_paused_where_the_chat_has_follows_of_its_own(db: Database) -> None:
    topic, _ = add(db, f"{NEW}/7"), add(db, NEW)
    with db.transaction():
        assert not chats.topic_deleted(db, topic, f"{NEW}/7", at(NOW))
    assert state(db, f"{NEW}/7") is EndpointState.PAUSED
    assert state(db, NEW) is EndpointState.ACTIVE
