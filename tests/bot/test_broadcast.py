"""What happens to chats while digests go out to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dispatch.app import App
from dispatch.testing import BotApi
from dispatch.testing.telegram.chats import Chat
from dispatch.testing.telegram.users import User
from subscribers.model import EndpointState
from tests.bot.conftest import settings
from tests.bot.program import Program, working

DIGESTS = 5  # columns of the sample


@pytest.fixture
async def program(tmp_path: Path, api: BotApi) -> AsyncIterator[Program]:
    """Sends at once, but for a moment between two messages to a group."""
    pace = {"rate": 1000, "paid_broadcast": True, "chat_interval": 0, "group_interval": 0.05}
    app = App(settings(tmp_path, api, telegram=pace, engine={"poll": 0.05}))
    with app.database() as db:
        async with working(app, api, db) as made:
            yield made
    app.stop_reading()


async def reader(program: Program) -> User:
    """Somebody who follows everything."""
    found = program.api.user("Reader")
    await found.send("/follow all")
    await found.next()
    return found


def parts(program: Program, *chats: Chat) -> Counter[tuple[str, ...]]:
    """The first parts of digests that chats took, by how they begin."""
    taken = [message.text for message in program.api.messages if message.chat in {chat.id for chat in chats}]
    lines = [text.split("\n") for text in taken if "火炬动态" in text.partition("\n")[0]]
    return Counter((head, *rest[1:7]) for head, *rest in lines)  # without why it came, which a group is told otherwise


def state(program: Program, address: int | str) -> EndpointState:
    found = program.endpoint(address)
    assert found is not None
    return found.state


async def test_a_bot_that_is_removed_in_the_middle_of_it(program: Program) -> None:
    other = await reader(program)
    ann = program.api.user("Ann")
    group = program.api.group("群", members={ann: "creator"})
    await ann.send("/follow all", chat=group)
    await group.next()
    await program.send_out()
    await group.next()
    group.kick_bot()
    await program.becomes(program.is_through)
    await program.becomes(lambda: state(program, group.id) is EndpointState.GONE)
    ends = Counter(program.deliveries(group.id))
    assert ends["sent"] < DIGESTS
    assert ends["sent"] + ends["failed"] + ends["suppressed"] == DIGESTS
    assert len(parts(program, group)) == ends["sent"]
    assert program.deliveries(other.id) == ["sent"] * DIGESTS
    assert set(parts(program, other.chat).values()) == {1}
    group.add_bot(by=ann)
    await program.becomes(lambda: state(program, group.id) is EndpointState.ACTIVE)
    assert "大家好" in (await group.next()).text
    assert program.follows(group.id) == {"all"}


async def test_a_group_that_becomes_a_supergroup_in_the_middle_of_it(program: Program) -> None:
    other = await reader(program)
    ann = program.api.user("Ann")
    group = program.api.group("群", members={ann: "creator"}, supergroup=False)
    await ann.send("/follow all", chat=group)
    await group.next()
    await program.send_out()
    await group.next()
    new = group.migrate()
    await program.becomes(program.is_through)
    assert program.deliveries(new.id) == ["sent"] * DIGESTS
    assert state(program, new.id) is EndpointState.ACTIVE
    assert program.endpoint(group.id) is None
    everything = parts(program, group, new)
    assert parts(program, new)
    assert everything == parts(program, other.chat)
    assert set(everything.values()) == {1}


@pytest.mark.parametrize("general", [False, True])
async def test_a_topic_that_is_deleted_in_the_middle_of_it(program: Program, *, general: bool) -> None:
    other = await reader(program)
    ann = program.api.user("Ann")
    group = program.api.group("群", members={ann: "creator"}, forum=True)
    topic = group.topic("话题", ann)
    if general:
        await ann.send("/follow topic:blockchain", chat=group)
        await group.next()
    await ann.send("/follow all", chat=group, thread=topic)
    await group.next()
    await program.send_out()
    await group.next()
    group.delete_topic(topic)
    await program.becomes(program.is_through)
    assert sum("已被删除" in text for text in group.texts) == 1
    where = program.endpoint(f"{group.id}/{topic.id}")
    here = program.endpoint(group.id)
    assert here is not None
    if general:
        assert where is not None
        assert (where.state, where.follows) == (EndpointState.PAUSED, ("all",))
        assert "was deleted" in where.reason
        assert (here.state, here.follows) == (EndpointState.ACTIVE, ("topic:blockchain",))
        ends = Counter(program.deliveries(f"{group.id}/{topic.id}"))
        assert ends["sent"] + ends["suppressed"] == DIGESTS
    else:
        assert where is None
        assert (here.state, here.follows) == (EndpointState.ACTIVE, ("all",))
        assert program.deliveries(group.id) == ["sent"] * DIGESTS
        assert parts(program, group) == parts(program, other.chat)
        assert set(parts(program, group).values()) == {1}
