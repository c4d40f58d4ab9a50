"""What BotApi's methods take and refuse, in Telegram's words."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from dispatch.testing.bot_api import BotApi, InlineAnswer, Limits, User
from tests.testing.bots import post, refusal


@pytest.fixture
def ann(api: BotApi) -> User:
    return api.user("Ann", language="en-GB", username="ann", started=True)


async def result(api: BotApi, method: str, **body: Any) -> Any:
    status, answer = await post(api, method, **body)
    assert status == 200, answer
    return answer["result"]


def keyboard(*rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"inline_keyboard": list(rows)}


@pytest.mark.parametrize(
    ("button", "words"),
    [
        ({"text": "x", "callback_data": "d" * 64}, ""),
        ({"text": "x", "callback_data": "园" * 22}, "Bad Request: BUTTON_DATA_INVALID"),
        ({"text": "x", "callback_data": ""}, "Bad Request: BUTTON_DATA_INVALID"),
        ({"text": "x"}, "text buttons are unallowed in the inline keyboard"),
        ({"callback_data": "x"}, 'can\'t find field "text"'),
        ({"text": "x", "url": "https://example.org/?a=1"}, ""),
        ({"text": "x", "url": "http://"}, "URL host is empty"),
        ({"text": "x", "url": "http://nodots/"}, "wrong HTTP URL"),
        ({"text": "x", "url": "javascript://a.b"}, "unsupported URL protocol"),
    ],
)
async def test_buttons(api: BotApi, ann: User, button: dict[str, Any], words: str) -> None:
    told = await refusal(api, chat_id=ann.id, text="x", reply_markup=keyboard([button]))
    assert words in told if words else told == ""


async def test_the_size_of_keyboards(api: BotApi, ann: User) -> None:
    """A row ends after eight buttons, a keyboard after a hundred."""
    row = [{"text": str(n), "callback_data": str(n)} for n in range(10)]
    sent = await result(api, "sendMessage", chat_id=ann.id, text="x", reply_markup=keyboard(row))
    assert len(sent["reply_markup"]["inline_keyboard"][0]) == 8
    assert "reply keyboard markup JSON" in await refusal(api, chat_id=ann.id, text="x", reply_markup="{")
    assert "object expected" in await refusal(api, chat_id=ann.id, text="x", reply_markup="[1]")
    many = keyboard(*[row[:5] for _ in range(21)])
    assert await refusal(api, chat_id=ann.id, text="x", reply_markup=many) == "Bad Request: reply markup is too long"


async def test_edits(api: BotApi, ann: User) -> None:
    await ann.send("mine")
    markup = keyboard([{"text": "a", "callback_data": "a"}])
    sent = await result(api, "sendMessage", chat_id=ann.id, text="<b>x</b>", parse_mode="HTML", reply_markup=markup)
    at = {"chat_id": ann.id, "message_id": sent["message_id"]}
    message = await ann.next()
    same = await refusal(api, "editMessageText", **at, text="<b>x</b>", parse_mode="HTML", reply_markup=markup)
    assert same.startswith("Bad Request: message is not modified: specified new message content and reply markup")
    await result(api, "editMessageText", **at, text="y")
    assert (message.text, message.labels, len(message.edits)) == ("y", [], 1)
    await result(api, "editMessageReplyMarkup", **at, reply_markup=markup)
    assert (await refusal(api, "editMessageReplyMarkup", **at, reply_markup=markup)).startswith(
        "Bad Request: message is"
    )
    assert message.labels == ["a"]
    other = at | {"message_id": 1}
    assert await refusal(api, "editMessageText", **other, text="z") == "Bad Request: message can't be edited"
    gone = at | {"message_id": 99}
    assert await refusal(api, "editMessageText", **gone, text="z") == "Bad Request: message to edit not found"
    assert await refusal(api, "deleteMessage", **gone) == "Bad Request: message to delete not found"
    await result(api, "deleteMessage", **at)
    assert (message.deleted, ann.chat.texts) == (True, [])
    assert await refusal(api, "editMessageText", **at, text="z") == "Bad Request: message to edit not found"


async def test_replies(api: BotApi, ann: User) -> None:
    asked = await ann.send("question")
    at: dict[str, Any] = {"chat_id": ann.id, "text": "x"}
    sent = await result(api, "sendMessage", **at, reply_parameters={"message_id": asked.message_id})
    assert sent["reply_to_message"]["text"] == "question"
    missing = {"message_id": 99}
    assert await refusal(api, **at, reply_parameters=missing) == "Bad Request: message to be replied not found"
    assert await refusal(api, **at, reply_parameters=missing | {"allow_sending_without_reply": True}) == ""


async def test_white_space_at_the_ends_is_dropped(api: BotApi, ann: User) -> None:
    """With the entities that cover nothing else; so an edit that adds only that changes nothing."""
    sent = await result(api, "sendMessage", chat_id=ann.id, text=" \n<b> 😀 x</b><i> </i>\n", parse_mode="HTML")
    assert (sent["text"], sent["entities"]) == ("😀 x", [{"type": "bold", "offset": 0, "length": 4}])
    at = {"chat_id": ann.id, "message_id": sent["message_id"]}
    told = await refusal(api, "editMessageText", **at, text="<b>😀 x</b>\n", parse_mode="HTML")
    assert told.startswith("Bad Request: message is not modified")


async def test_a_transcript(api: BotApi, ann: User) -> None:
    await ann.send("/follow")
    rows = keyboard([{"text": "南昌", "callback_data": "1"}, {"text": "赣州", "callback_data": "2"}])
    await result(api, "sendMessage", chat_id=ann.id, text="Which?", reply_markup=rows)
    assert ann.chat.transcript() == "Ann: /follow\n\nBulletin: Which?\n[ 南昌 ]  [ 赣州 ]"
    await result(api, "sendMessage", chat_id=ann.id, text="x", reply_markup={"keyboard": [["words"]]})
    with pytest.raises(ValueError, match="sends its words"):
        await ann.press(ann.chat.messages[-1], "words")


async def test_entities_instead_of_html(api: BotApi, ann: User) -> None:
    given = [{"type": "text_link", "offset": 0, "length": 2, "url": "https://example.org/"}]
    sent = await result(api, "sendMessage", chat_id=ann.id, text="ab @bot", entities=given)
    assert sent["entities"] == given
    assert "can't parse MessageEntity" in await refusal(api, chat_id=ann.id, text="ab", entities=[{"type": "bold"}])


async def test_what_people_write_has_the_entities_that_telegram_finds(api: BotApi, ann: User) -> None:
    message = await ann.send(
        "😀 /follow@bulletin_test_bot 南昌 @ann https://a.example/b?c=1，#园区 a@b.example /1/2 x/y"
    )
    found = [(entity.type, entity.offset, entity.length) for entity in message.entities]
    assert found == [
        ("bot_command", 3, 25),
        ("mention", 32, 4),
        ("url", 37, 23),
        ("hashtag", 61, 3),
        ("email", 65, 11),
    ]


async def test_answers_to_presses(api: BotApi, ann: User) -> None:
    assert "query is too old" in await refusal(api, "answerCallbackQuery", callback_query_id="1")
    assert await refusal(api, "answerCallbackQuery", text="x" * 201) == "Bad Request: MESSAGE_TOO_LONG"
    await result(api, "sendMessage", chat_id=ann.id, text="x")
    with pytest.raises(AssertionError, match="did not answer"):
        await ann.press(await ann.next(), data="d", within=0.01)
    (update,) = await result(api, "getUpdates")
    number = update["callback_query"]["id"]
    assert "query is too old" in await refusal(api, "answerCallbackQuery", callback_query_id=number)


@pytest.mark.parametrize(
    ("results", "words"),
    [
        ([{"id": str(n), "type": "photo"} for n in range(51)], "RESULTS_TOO_MUCH"),
        ([{"id": "园" * 22, "type": "photo"}], "RESULT_ID_INVALID"),
        ([{"id": "1", "type": "photo"}] * 2, "RESULT_ID_DUPLICATE"),
        ([{"id": "1", "type": "article", "title": " "}], "ARTICLE_TITLE_EMPTY"),
        ([{"id": "1", "type": "article", "title": "t"}], "message content is not specified"),
        (
            [{"id": "1", "type": "article", "title": "t", "input_message_content": {"message_text": ""}}],
            "text is empty",
        ),
    ],
)
async def test_results_of_inline_queries(api: BotApi, results: list[Any], words: str) -> None:
    assert words in await refusal(api, "answerInlineQuery", inline_query_id="1", results=results)


async def test_the_inline_cache_is_a_persons_or_everybodys() -> None:
    now = 0.0
    async with BotApi(clock=lambda: now) as api:
        ann, bob = api.user("Ann"), api.user("Bob")
        await answered(api, ann, is_personal=True, cache_time=60)
        assert (await ann.inline("q")).cached
        await answered(api, bob, cache_time=60)
        assert (await api.user("Eve").inline("q")).cached
        now = 61.0
        await answered(api, ann, cache_time=0)
        await answered(api, ann, cache_time=0)


async def answered(api: BotApi, user: User, **body: Any) -> InlineAnswer:
    """An inline query that reaches the bot."""
    async with asyncio.TaskGroup() as group:
        asking = group.create_task(user.inline("q"))
        (update,) = await result(api, "getUpdates", timeout=10)
        await result(api, "getUpdates", offset=update["update_id"] + 1)
        await result(api, "answerInlineQuery", inline_query_id=update["inline_query"]["id"], results=[], **body)
    assert not asking.result().cached
    return asking.result()


async def test_commands_by_scope_and_language(api: BotApi, ann: User) -> None:
    bob = api.user("Bob", language="zh")
    group = api.group("g", members={ann: "creator", bob: "member"})

    async def register(name: str, scope: dict[str, Any] | None = None, language: str = "") -> None:
        commands = [{"command": name, "description": "d"}]
        await result(api, "setMyCommands", commands=commands, scope=scope, language_code=language)

    await register("default")
    await register("english", language="en")
    await register("private", {"type": "all_private_chats"})
    await register("admins", {"type": "all_chat_administrators"})
    assert (ann.commands(), bob.commands()) == (["private"], ["private"])
    assert (ann.commands(group), bob.commands(group)) == (["admins"], ["default"])
    await result(api, "deleteMyCommands", scope={"type": "all_private_chats"})
    assert (ann.commands(), bob.commands()) == (["english"], ["default"])
    assert (await result(api, "getMyCommands", language_code="en"))[0]["command"] == "english"


@pytest.mark.parametrize(
    ("commands", "words"),
    [
        ([{"command": "Follow", "description": "d"}], "BOT_COMMAND_INVALID"),
        ([{"command": "x" * 33, "description": "d"}], "BOT_COMMAND_INVALID"),
        ([{"command": "x", "description": ""}], "command description must be non-empty"),
        ([{"command": "x", "description": "d" * 257}], "BOT_COMMAND_DESCRIPTION_INVALID"),
        ([{"command": f"x{n}", "description": "d"} for n in range(101)], "BOT_COMMANDS_TOO_MUCH"),
    ],
)
async def test_commands_that_telegram_does_not_take(api: BotApi, commands: list[Any], words: str) -> None:
    assert words in await refusal(api, "setMyCommands", commands=commands)


async def test_texts_and_menus_of_a_bot(api: BotApi, ann: User) -> None:
    await result(api, "setMyDescription", description="园区", language_code="zh")
    assert await result(api, "getMyDescription", language_code="zh") == {"description": "园区"}
    assert await result(api, "getMyDescription", language_code="en") == {"description": ""}
    assert "too long" in await refusal(api, "setMyShortDescription", short_description="x" * 121)
    assert await result(api, "getMyName") == {"name": "Bulletin"}
    await result(api, "setChatMenuButton", chat_id=ann.id, menu_button={"type": "commands"})
    assert await result(api, "getChatMenuButton", chat_id=ann.id) == {"type": "commands"}


async def test_who_is_in_a_chat(api: BotApi, ann: User) -> None:
    bob, eve = api.user("Bob"), api.user("Eve")
    group = api.group("g", members={ann: "creator", bob: "member"})
    channel = api.channel("c", username="torch", admins=[ann], bot="left")
    group.promote(bob, anonymous=True)

    async def status(user: User) -> Any:
        return (await result(api, "getChatMember", chat_id=group.id, user_id=user.id))["status"]

    assert [await status(user) for user in (ann, bob, eve)] == ["creator", "administrator", "left"]
    listed = await result(api, "getChatAdministrators", chat_id=group.id)
    assert [(entry["user"]["id"], entry["is_anonymous"]) for entry in listed] == [(ann.id, False), (bob.id, True)]
    assert await result(api, "getChatMemberCount", chat_id=group.id) == 3
    assert (await result(api, "getChat", chat_id="@torch"))["id"] == channel.id
    told = await refusal(api, "getChatMember", chat_id=channel.id, user_id=ann.id)
    assert told == "Forbidden: bot is not a member of the channel chat"
    assert "no administrators" in await refusal(api, "getChatAdministrators", chat_id=ann.id)
    await result(api, "leaveChat", chat_id=group.id)
    assert (await refusal(api, chat_id=group.id, text="x")) == "Forbidden: bot is not a member of the supergroup chat"
    assert await refusal(api, "getChat", chat_id=-77) == "Bad Request: chat not found"


async def test_actions_and_pins(api: BotApi, ann: User) -> None:
    group = api.group("g", members={ann: "creator"})
    await result(api, "sendChatAction", chat_id=group.id, action="typing")
    assert group.actions == ["typing"]
    sent = await result(api, "sendMessage", chat_id=group.id, text="x")
    pin = {"chat_id": group.id, "message_id": sent["message_id"]}
    assert "not enough rights to manage pinned" in await refusal(api, "pinChatMessage", **pin)
    group.promote(api.me)
    await result(api, "pinChatMessage", **pin)
    assert [message.text for message in group.pinned] == ["x"]


async def test_people_forward_edit_and_share_chats(api: BotApi, ann: User) -> None:
    channel = api.channel("火炬", username="torch", admins=[ann])
    post_ = channel.post("news")
    await ann.forward(post_)
    mine = await ann.send("before")
    await ann.edit(mine, "after")
    request = {"request_id": 7, "chat_is_channel": True, "request_title": True, "user_administrator_rights": {}}
    markup = {"keyboard": [[{"text": "choose a channel", "request_chat": request}]]}
    await result(api, "sendMessage", chat_id=ann.id, text="which?", reply_markup=markup)
    question = await ann.next()
    await ann.share_chat(question, "choose", channel)
    with pytest.raises(ValueError, match="another kind"):
        await ann.share_chat(question, "choose", api.group("g", members={ann: "creator"}))
    posted, forwarded, _, edited, shared = [
        next(value for key, value in update.items() if key != "update_id") for update in api.me.updates.seen
    ]
    assert (posted["sender_chat"]["id"], "from" in posted) == (channel.id, False)
    assert forwarded["forward_origin"]["chat"]["username"] == "torch"
    assert (edited["text"], "edit_date" in edited) == ("after", True)
    assert shared["chat_shared"] == {"request_id": 7, "chat_id": channel.id, "title": "火炬"}


async def test_deep_links(api: BotApi, ann: User) -> None:
    assert (await ann.open("https://t.me/bulletin_test_bot?start=park-36")).text == "/start park-36"
    assert (await ann.open("tg://resolve?domain=bulletin_test_bot&start=x")).text == "/start x"
    group = api.group("g", members={ann: "creator"})
    assert (await ann.start("x", chat=group)).text == "/start@bulletin_test_bot x"
    for wrong in ("https://t.me/another?start=x", "https://t.me/bulletin_test_bot"):
        with pytest.raises(ValueError, match="starts none"):
            await ann.open(wrong)
    with pytest.raises(ValueError, match="payload"):
        await ann.start("not allowed")


async def test_bots_of_one_server_keep_to_themselves(api: BotApi, ann: User) -> None:
    other = api.bot("43:OTHER", "other_bot")
    await ann.send("/start", bot=other)
    assert [len(bot.updates.pending) for bot in (api.me, other)] == [0, 1]
    assert await refusal(api, token="43:OTHER", chat_id=ann.id, text="from the other") == ""
    assert (ann.chat.texts, ann.chat_with(other).texts) == ([], ["from the other"])
    assert (await result(api, "getMe", token="43:OTHER"))["username"] == "other_bot"
    assert api.messages[0].bot == "other_bot"


async def test_strangers_may_be_turned_away() -> None:
    async with BotApi(strangers=False) as api:
        for chat in (7, -7, "@name"):
            assert await refusal(api, chat_id=chat, text="x") == "Bad Request: chat not found"


async def test_bursts_penalties_and_paid_broadcasts() -> None:
    now = 1000.0
    async with BotApi(limits=Limits(bot_per_second=1, chat_burst=3, penalty=10), clock=lambda: now) as api:

        async def said(chat: int, *, paid: bool = False) -> int:
            _, answer = await post(api, chat_id=chat, text="x", allow_paid_broadcast=paid)
            return int(answer.get("parameters", {}).get("retry_after", 0))

        assert [await said(1, paid=True) for _ in range(4)] == [0, 0, 0, 13], (
            "three at once, then three seconds and ten"
        )
        assert [await said(2), await said(3)] == [0, 11]
        now += 5
        assert await said(3) == 6, "trying again makes it no longer"
        now += 6
        assert await said(3) == 0
