"""/mydata and /forget."""

from __future__ import annotations

import json

import pytest

from dispatch.bot import chats
from dispatch.delivery import claims, personal, planner
from subscribers import suppression
from subscribers.model import Address, EndpointState
from subscribers.personal import to_erase
from subscribers.suppression import Hasher
from tests.acts import at
from tests.bot.conftest import Talk
from tests.delivery.test_personal import TABLES_OF
from tests.marks import both_databases

pytestmark = both_databases


def everything(talk: Talk) -> str:
    """All rows of all tables, as one text."""
    names = [row["name"] for row in talk.db.all(TABLES_OF[talk.db.dialect])]
    return json.dumps({name: talk.db.all(f'SELECT * FROM "{name}"') for name in names}, ensure_ascii=False, default=str)


@pytest.mark.parametrize(("language", "caption"), [("zh", "全部数据"), ("en", "all that we store")])
async def test_somebody_gets_their_data_as_a_file(talk: Talk, language: str, caption: str) -> None:
    ann = talk.api.user("Ann 王", language=language)
    await ann.send("/follow 南昌高新区")
    await ann.next()
    await ann.send("/words -广告")
    await ann.next()
    await ann.send("/mydata")
    sent = await ann.next()
    assert sent.document is not None
    assert caption in sent.text
    assert sent.document.name.endswith(".json")
    told = json.loads(sent.document.data)
    assert told["subscriber"]["name"] == "Ann 王"
    [endpoint] = told["endpoints"]
    assert endpoint["address"] == str(ann.id)
    assert [item["word"] for item in endpoint["words"]] == ["广告"]
    assert [item["tag"] for item in endpoint["follows"]] == ["park:南昌高新区"]


async def test_data_is_given_once_in_ten_minutes(talk: Talk) -> None:
    ann, bob = talk.api.user("Ann", language="en"), talk.api.user("Bob", language="en")
    for user in (ann, bob):
        await user.send("/follow 南昌高新区")
        await user.next()
    await ann.send("/mydata")
    assert (await ann.next()).document is not None
    await ann.send("/mydata")
    assert "ten minutes" in (await ann.next()).text
    await bob.send("/mydata")
    assert (await bob.next()).document is not None
    with talk.db.transaction():
        talk.db.run("UPDATE audit SET at = at - 600001 WHERE action = 'data given'")
    await ann.send("/mydata")
    assert (await ann.next()).document is not None


async def test_personal_data_is_not_for_groups(talk: Talk) -> None:
    ann = talk.api.user("Ann", language="en")
    group = talk.api.group("群", members={ann: "creator"})
    await ann.send("/follow 南昌高新区", chat=group)
    await group.next()
    for command in ("/mydata", "/forget"):
        await ann.send(command, chat=group)
        answer = await group.next()
        assert "私聊" in answer.text
        assert answer.document is None
    assert (await ann.press(answer, data="fg:y")).alert
    assert talk.follows(group.id) == {"park:南昌高新区"}


async def test_who_is_not_known_has_nothing_to_see_or_erase(talk: Talk) -> None:
    ann = talk.api.user("Ann", language="en")
    for command in ("/mydata", "/forget"):
        await ann.send(command)
        assert "Nothing is stored" in (await ann.next()).text


@pytest.mark.parametrize(("language", "yes", "done"), [("zh", "确定", "最后一条消息"), ("en", "Yes", "last message")])
async def test_an_erased_person_is_nowhere(talk: Talk, language: str, yes: str, done: str) -> None:
    name = "王五九阳"
    ann = talk.api.user(name, id=7_700_123_456, language=language)
    await ann.send("/follow 南昌高新区")
    await ann.next()
    with talk.db.transaction():
        managing = {"bot": 42, "user_id": ann.id, "address": "-100700", "title": "某群"}
        talk.db.run(chats.SQL["manage"], managing)
        chats.seen_managing(talk.db, 42, ann.id, -100700, talk.app.clock.now())
    await ann.send("/forget")
    question = await ann.next()
    assert (name in everything(talk), str(ann.id) in everything(talk)) == (True, True)
    await ann.press(question, yes)
    await question.edited()
    assert done in question.text
    assert question.labels == []
    bob = talk.api.user("Bob")  # another one's answer comes after what was begun before
    for _ in range(8):
        await bob.send("/help")
        await bob.next()
    after = everything(talk)
    assert (name in after, str(ann.id) in after, "某群" in after) == (False, False, False)
    reasons = suppression.reasons(talk.db, Hasher.load(talk.db), [Address("telegram", str(ann.id), "telegram")])
    assert list(reasons.values()) == ["erased"]


async def test_nothing_is_erased_before_it_is_confirmed(talk: Talk) -> None:
    ann = talk.api.user("Ann", language="en")
    await ann.send("/follow 南昌高新区")
    await ann.next()
    await ann.send("/forget")
    question = await ann.next()
    assert "cannot be undone" in question.text
    await ann.press(question, "Keep it")
    await question.edited()
    assert (await ann.press(question, data="fg:?")).alert
    assert talk.follows(ann.id) == {"park:南昌高新区"}


async def test_who_was_erased_can_begin_again(talk: Talk) -> None:
    ann = talk.api.user("Ann", language="en")
    await ann.send("/follow 南昌高新区")
    await ann.next()
    await ann.send("/forget")
    question = await ann.next()
    await ann.press(question, "Yes")
    await ann.send("/follow topic:blockchain")
    await ann.next()
    found = talk.endpoint(ann.id)
    assert found is not None
    assert (found.state, found.follows) == (EndpointState.ACTIVE, ("topic:blockchain",))


async def test_what_a_sender_holds_meanwhile_is_waited_for(talk: Talk) -> None:
    """Nothing more is sent from the press on; the housekeeping does what the press could not."""
    ann = talk.api.user("Ann", id=7_700_123_456, language="en")
    await ann.send("/follow all")
    await ann.next()
    talk.publish()
    now = talk.app.clock.now()
    for issue in planner.to_plan(talk.db, now):
        plan = planner.begin(talk.db, issue)
        assert plan is not None
        for low, high in plan.slices:
            planner.plan_slice(talk.db, plan, low, high, {"telegram": 86_400_000}, now)
    [held, *_] = claims.claim(talk.db, "telegram", 1, "a sender", now, 300_000)
    await ann.send("/forget")
    question = await ann.next()
    await ann.press(question, "Yes")
    await question.edited()
    assert claims.claim(talk.db, "telegram", 100, "another", now, 300_000) == []
    [who] = to_erase(talk.db, 0)
    assert held.address == str(ann.id)
    assert personal.erase(talk.db, who, at(now + 300_001)).done
    assert str(ann.id) not in everything(talk)


async def test_who_manages_a_chat_sets_it_and_has_their_own_data(talk: Talk) -> None:
    ann = talk.api.user("Ann", language="en")
    group = talk.api.group("某群", members={ann: "creator"}, bot="administrator")
    await ann.send("/follow 南昌高新区", chat=group)
    await group.next()
    await ann.send("/follow topic:blockchain")
    await ann.next()
    with talk.db.transaction():
        talk.db.run(chats.SQL["manage"], {"bot": 42, "user_id": ann.id, "address": str(group.id), "title": "某群"})
    await ann.send("/digest daily 07:00")
    shown = await ann.next()
    assert "某群" in shown.text
    await ann.press(shown, "Weekly")
    await shown.edited()
    of_group, own = talk.endpoint(group.id), talk.endpoint(ann.id)
    assert of_group is not None
    assert own is not None
    assert (of_group.preferences.rhythm.cadence, own.preferences.rhythm.cadence) == ("weekly", "now")
    await ann.send("/mydata")
    sent = await ann.next()
    assert sent.document is not None
    told = json.loads(sent.document.data)
    assert [endpoint["address"] for endpoint in told["endpoints"]] == [str(ann.id)]
    assert [row["title"] for row in told["chats"]["managed"]] == ["某群"]
    await ann.send("/forget")
    question = await ann.next()
    await ann.press(question, "Yes")
    await question.edited()
    assert talk.follows(group.id) == {"park:南昌高新区"}
