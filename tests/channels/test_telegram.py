"""The Telegram channel over the wire: a small Bot API in aiohttp that answers as it is told."""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from aiohttp import web

from dispatch.assets import templates_dir
from dispatch.channels.html_split import utf16_units, visible_units
from dispatch.channels.telegram import TelegramChannel
from dispatch.digests.render import Renderer
from dispatch.errors import RenderError, SettingsError
from dispatch.model import (
    Article,
    Block,
    BlockKind,
    Content,
    Digest,
    DigestArticle,
    Envelope,
    Outcome,
    Reason,
    Rejected,
    Retry,
    Section,
    Sent,
)
from dispatch.settings import Bot, TelegramSettings

TOKEN = "424242:very-Secret_token"


def failure(status: int, description: str, **parameters: int) -> web.Response:
    body = {"ok": False, "error_code": status, "description": description}
    return web.json_response(body | ({"parameters": parameters} if parameters else {}), status=status)


@dataclass
class BotApi:
    """Keeps what is posted; gives the prepared answers first."""

    answers: list[Callable[[], web.Response]] = field(default_factory=list)
    posted: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.posted.append(form)
        self.paths.append(request.path)
        if self.answers:
            return self.answers.pop(0)()
        chat = {"id": 7, "type": "private"}
        result = {"message_id": len(self.posted), "date": 1700000000, "chat": chat, "text": "x"}
        return web.json_response({"ok": True, "result": result})


@asynccontextmanager
async def serving(api: BotApi) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", api.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def linked(bulletin: str, ref: str, position: int) -> str:
    return f"https://news.example.org/{bulletin}/{ref}/{position}"


def channel_for(base: str = "http://127.0.0.1:1", **changes: Any) -> TelegramChannel:
    plain: dict[str, Any] = {"token": TOKEN, "api_base": base, "timeout": 10}
    return TelegramChannel(TelegramSettings(**(plain | changes)), Renderer(templates_dir(), None, linked))


def content(*paragraphs: str, articles: int = 1, form: str = "full") -> Content:
    blocks = tuple(Block(BlockKind.PARAGRAPH, text) for text in paragraphs)
    entries = tuple(
        DigestArticle(Article(f"园区项目“加速跑”{number}", "南京高新区", blocks), 1 << number, number + 1)
        for number in range(articles + 1)
    )
    digest = Digest(1, "huoju", "534", "火炬动态", "", "火炬中心", 2022, 5, 534, None, "园区发展", "", 1, 1, entries)
    return Content("digest", "zh", form, (Section(digest, entries[:articles], entries[articles:]),))


def envelope(**changes: Any) -> Envelope:
    plain = Envelope(
        message_id=1,
        channel="telegram",
        address="7",
        name="",
        language="zh",
        provider_id="m1",
        reasons=(Reason("park:南京高新区", "南京高新区", "https://t.me/bot?start=drop"),),
        unsubscribe_url="https://news.example.org/out?t=abc",
    )
    return replace(plain, **changes)


async def send_all(channel: TelegramChannel, what: Content, item: Envelope) -> list[Outcome]:
    rendered = channel.render(what)
    (lane,) = channel.lanes("telegram")
    try:
        async with channel.open(lane) as connection:
            return [await connection.send(item, rendered, part) for part in range(rendered.parts)]
    finally:
        await channel.close()


async def answer_to(answer: Callable[[], web.Response], item: Envelope | None = None) -> Outcome:
    async with serving(BotApi([answer])) as base:
        (outcome,) = await send_all(channel_for(base), content("一句。"), item or envelope())
    return outcome


async def test_a_digest_arrives_as_html_without_previews() -> None:
    api = BotApi()
    async with serving(api) as base:
        outcomes = await send_all(channel_for(base), content("导语。", "第二段 a<b。", "第三段。"), envelope())
    assert outcomes == [Sent("1", "200", "message 1")]
    assert api.paths == [f"/bot{TOKEN}/sendMessage"]
    (posted,) = api.posted
    assert (posted["chat_id"], posted["parse_mode"]) == ("7", "HTML")
    assert posted["link_preview_options"] == '{"is_disabled": true}'
    assert posted["text"].split("\n") == [
        "<b>火炬动态</b> 2022年第5期（总第534期）",
        '<i>因为您关注了：</i>南京高新区 (<a href="https://t.me/bot?start=drop">取消关注</a>)',
        "",
        "<b>【园区发展】</b>",
        "",
        '<b><a href="https://news.example.org/huoju/534/1">园区项目“加速跑”0</a></b>',
        "",
        "导语。",
        "",
        "<blockquote expandable>第二段 a&lt;b。",
        "",
        "第三段。</blockquote>",
        "",
        "<i>供稿：南京高新区</i>",
        "",
        "<i>本栏目其他文章</i>",
        '• <a href="https://news.example.org/huoju/534/2">园区项目“加速跑”1</a>',
        "",
        '<i>不想再收到任何消息？</i> <a href="https://news.example.org/out?t=abc">全部退订</a>',
    ]


async def test_a_long_digest_is_several_messages() -> None:
    api = BotApi()
    paragraphs = ["南京高新区(江宁园)计划实施重大产业项目32个,总投资388.6亿元。" * 10] * 20
    async with serving(api) as base:
        outcomes = await send_all(channel_for(base), content(*paragraphs), envelope())
    assert len(outcomes) > 1
    assert all(isinstance(outcome, Sent) for outcome in outcomes)
    texts = [posted["text"] for posted in api.posted]
    assert all(0 < visible_units(text) <= 4096 for text in texts)
    assert ["因为您关注了" in text for text in texts] == [True] + [False] * (len(texts) - 1)
    assert ["全部退订" in text for text in texts] == [False] * (len(texts) - 1) + [True]
    assert all(text.count("<blockquote expandable>") == text.count("</blockquote>") for text in texts)
    assert sum(text.count("江宁园") for text in texts) == 200


async def test_many_follows_leave_room_for_the_text() -> None:
    api = BotApi()
    reasons = tuple(Reason("park:x", "很长的园区名称" * 20, "https://x.example/" + "u" * 300) for _ in range(300))
    paragraphs = ["文" * 700 + "。"] * 12
    async with serving(api) as base:
        outcomes = await send_all(channel_for(base), content(*paragraphs), envelope(reasons=reasons))
    assert all(isinstance(outcome, Sent) for outcome in outcomes)
    assert all(visible_units(posted["text"]) <= 4096 for posted in api.posted)
    assert "很长的园区名称" in api.posted[0]["text"]


async def test_without_follows_and_links_nothing_is_left_behind() -> None:
    api = BotApi()
    item = envelope(
        reasons=(Reason("all", "全部 <内容>"),), unsubscribe_url="", unsubscribe_mailto="mailto:out@x.example"
    )
    async with serving(api) as base:
        await send_all(channel_for(base), content("一句。"), item)
        await send_all(channel_for(base), content("一句。"), envelope(reasons=(), unsubscribe_url=""))
    labelled, bare = (posted["text"] for posted in api.posted)
    assert "因为您关注了：</i>全部 &lt;内容&gt;\n" in labelled
    assert "mailto:" not in labelled
    assert "退订" not in bare
    assert "因为" not in bare
    assert "\n\n\n" not in bare
    assert bare == bare.strip()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            lambda: failure(429, "Too Many Requests: retry after 17", retry_after=17),
            Retry("too many requests", "429", after=17.0, whole_address=True),
        ),
        (lambda: failure(429, "Too Many Requests"), Retry("Too Many Requests", "429", whole_address=True)),
        (
            lambda: failure(403, "Forbidden: bot was blocked by the user"),
            Rejected("Forbidden: bot was blocked by the user", "403", "gone"),
        ),
        (
            lambda: failure(403, "Forbidden: user is deactivated"),
            Rejected("Forbidden: user is deactivated", "403", "gone"),
        ),
        (lambda: failure(403, "Forbidden: CHAT_WRITE_FORBIDDEN"), Rejected("Forbidden: CHAT_WRITE_FORBIDDEN", "403")),
        (
            lambda: failure(400, "Bad Request: not enough rights to send text messages to the chat"),
            Rejected("Bad Request: not enough rights to send text messages to the chat", "400"),
        ),
        (
            lambda: failure(400, "Bad Request: chat not found"),
            Rejected("Bad Request: chat not found", "400", "gone"),
        ),
        (
            lambda: failure(400, "Bad Request: group chat was upgraded", migrate_to_chat_id=-1001234567890),
            Retry("the group has become a supergroup", "400", after=0, new_address="-1001234567890"),
        ),
        (
            lambda: failure(400, "Bad Request: can't parse entities"),
            Rejected("Bad Request: can't parse entities", "400"),
        ),
        (
            lambda: failure(401, "Unauthorized"),
            Retry("Telegram does not know the bot's token (Unauthorized)", "401", outage=True),
        ),
        (
            lambda: failure(404, "Not Found"),
            Retry("Telegram does not know the bot's token (Not Found)", "404", outage=True),
        ),
        (lambda: failure(409, "Conflict: other"), Retry("Conflict: other", "409")),
        (lambda: failure(413, "Request Entity Too Large"), Rejected("Request Entity Too Large", "413")),
        (
            lambda: failure(500, "Internal Server Error"),
            Retry("Internal Server Error", "5xx", suspect=True),
        ),
        (
            lambda: web.Response(status=502, text="<html>Bad Gateway</html>"),
            Retry("the Bot API's answer cannot be read", "answer", outage=True, counted=True, unknown=True),
        ),
        (lambda: web.json_response({"ok": True, "result": {"message_id": 5}}), Sent("5", "200", "message 5")),
        (lambda: failure(418, f"teapot for bot{TOKEN}"), Rejected("teapot for bot…", "4xx")),
    ],
)
async def test_answers(answer: Callable[[], web.Response], expected: Outcome) -> None:
    assert await answer_to(answer) == expected


async def test_nobody_there_is_an_outage_and_tells_no_token(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    channel = channel_for(f"http://127.0.0.1:{port}")
    (outcome,) = await send_all(channel, content("一句。"), envelope())
    assert isinstance(outcome, Retry)
    assert (outcome.outage, outcome.reason) == (True, "nobody answers at the Bot API (connection refused)")
    assert "Secret_token" not in repr(outcome) + repr(channel) + caplog.text + repr(vars(channel))


async def test_a_lost_connection_may_have_carried_the_message() -> None:
    api = BotApi()

    async def hang_up(request: web.Request) -> web.Response:
        await request.post()
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    api.handle = hang_up  # type: ignore[method-assign] # the server's own behaviour, not the code under test
    async with serving(api) as base:
        (outcome,) = await send_all(channel_for(base), content("一句。"), envelope())
    assert outcome == Retry("the connection to the Bot API was lost", "lost", suspect=True, unknown=True)


@pytest.mark.parametrize("address", ["", "x", "7; DROP", "@", "@a b", "1e5", "--7", "９"])
async def test_what_is_no_chat_is_rejected_unsent(address: str) -> None:
    api = BotApi()
    async with serving(api) as base:
        (outcome,) = await send_all(channel_for(base), content("一句。"), envelope(address=address))
    assert isinstance(outcome, Rejected)
    assert outcome.endpoint_state == "gone"
    assert api.posted == []


@pytest.mark.parametrize("address", ["7", "-1001234567890", "@torch_news"])
async def test_chats_channels_and_groups_have_addresses(address: str) -> None:
    api = BotApi()
    async with serving(api) as base:
        await send_all(channel_for(base), content("一句。"), envelope(address=address))
    assert api.posted[0]["chat_id"] == address


def test_a_lane_for_each_bot() -> None:
    channel = channel_for(rate=9, connections=2, bots=(Bot(name="second", token="1:b", group_interval=5),))
    (first,) = channel.lanes("telegram")
    (second,) = channel.lanes("telegram:second")
    assert (first.name, first.queue, first.rate) == ("telegram:default", "telegram", 9)
    assert (first.connections, first.waiting) == (2, 3 * 9)
    assert (first.address_interval, first.group_interval) == (1.0, 3.0)
    assert (second.name, second.queue, second.group_interval) == ("telegram:second", "telegram:second", 5)
    assert channel.lanes("email") == ()
    assert TelegramChannel(TelegramSettings(), Renderer(templates_dir(), None, linked)).lanes("telegram") == ()


async def test_an_unknown_lane_is_a_wrong_setting() -> None:
    (lane,) = channel_for().lanes("telegram")
    with pytest.raises(SettingsError):
        async with channel_for().open(replace(lane, name="telegram:other")):
            pass


@pytest.mark.parametrize("source", ["<p>x</p>", "<b>x", '{{ slot("nobody") }}'])
def test_a_template_that_telegram_would_refuse_is_a_render_error(tmp_path: Any, source: str) -> None:
    (tmp_path / "telegram").mkdir()
    (tmp_path / "telegram" / "digest.html.j2").write_text(source, encoding="utf-8")
    channel = TelegramChannel(TelegramSettings(), Renderer(templates_dir(), tmp_path, linked))
    with pytest.raises(RenderError, match=r"telegram/digest\.html\.j2"):
        channel.render(content("一句。"))


def test_titles_only_are_short() -> None:
    rendered = channel_for().render(content("导语。还有。", "第二段。", articles=3, form="titles"))
    text = "".join(rendered.texts[0].pieces)
    assert "导语。" in text
    assert "还有" not in text
    assert "第二段" not in text
    assert utf16_units(text) < 1500


def test_aiogram_is_imported_with_the_first_lane_only() -> None:
    code = (
        "import sys\n"
        "from dispatch.assets import templates_dir\n"
        "from dispatch.channels.telegram import TelegramChannel\n"
        "from dispatch.digests.render import Renderer\n"
        "from dispatch.settings import TelegramSettings\n"
        "channel = TelegramChannel(TelegramSettings(token='1:a'), Renderer(templates_dir(), None, lambda *_: ''))\n"
        "assert channel.lanes('telegram')\n"
        "assert not {'aiogram', 'aiohttp'} & set(sys.modules), 'imported'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "words",
    [
        "Bad Request: \x1b[2J\x9b31m \u202e\u200f\u2028 \x00over",
        "Bad Request: " + "x" * 100_000,
        f"Bad Request: {TOKEN[:9]}\x1b{TOKEN[9:]} over",
    ],
)
async def test_the_words_of_an_answer_are_bounded_printable_and_tell_no_token(words: str) -> None:
    outcome = await answer_to(lambda: failure(400, words))
    assert isinstance(outcome, Rejected)
    assert outcome.reason.isprintable()
    assert len(outcome.reason) <= 300
    assert TOKEN not in outcome.reason
    assert "Secret" not in outcome.reason


@pytest.mark.parametrize(
    "body",
    [
        '{"ok": false, "error_code": 400, "description": "Bad Request: \\ud800"}',
        '{"ok": false, "error_code": 400, "description": null}',
        '{"ok": false, "error_code": 400, "parameters": {"migrate_to_chat_id": 99999999999999999999999}}',
        '{"ok": false, "error_code": 429, "parameters": {"retry_after": ' + "9" * 400 + "}}",
        '{"ok": true, "result": {"message_id": "\\ud800\\u001b"}}',
        '{"ok": true, "result": {"message_id": ' + "9" * 4000 + "}}",
        "[" * 50_000,
        '{"ok": true',
    ],
)
@pytest.mark.parametrize("status", [200, 302, 400, 429, 500])
async def test_any_answer_is_an_outcome_that_can_be_stored(body: str, status: int) -> None:
    headers = {"Location": "/elsewhere"}
    outcome = await answer_to(lambda: web.Response(status=status, text=body, headers=headers))
    for text in (getattr(outcome, name, "") for name in ("reason", "code", "provider_id", "detail", "new_address")):
        assert not text or text.isprintable()
        assert len(text.encode()) <= 1000
    if isinstance(outcome, Retry):
        assert outcome.after is None or 0 <= outcome.after <= 86_400
        assert len(outcome.new_address) <= 20


async def test_a_redirect_is_not_followed() -> None:
    api = BotApi([lambda: web.Response(status=307, headers={"Location": "/elsewhere"})])
    async with serving(api) as base:
        (outcome,) = await send_all(channel_for(base), content("一句。"), envelope())
    assert isinstance(outcome, Retry)
    assert api.paths == [f"/bot{TOKEN}/sendMessage"]


async def test_an_answer_is_not_read_without_end() -> None:
    api = BotApi()
    sent = 0

    async def pour(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        await request.post()
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(400):
            await response.write(b" " * 100_000)
            sent += 100_000
        return response

    api.handle = pour  # type: ignore[assignment] # the server's own behaviour, not the code under test
    async with serving(api) as base:
        (outcome,) = await send_all(channel_for(base), content("一句。"), envelope())
    assert outcome == Retry("the Bot API's answer cannot be read", "answer", outage=True, counted=True, unknown=True)
    assert sent < 20_000_000


def words_of(channel: TelegramChannel, what: Content) -> list[str]:
    return ["".join(text.pieces[::2]) for text in channel.render(what).texts]


def test_a_huge_digest_is_a_dozen_messages_with_shortened_articles() -> None:
    texts = words_of(channel_for(), content(*["南京高新区计划实施重大产业项目32个。" * 100] * 100, articles=5))
    assert 8 <= len(texts) <= 12
    assert "".join(texts).count("篇幅所限，此处未刊全文。") == 5
    assert "".join(texts).count('<a href="https://news.example.org/huoju/534/5">阅读全文</a>') == 1


def test_an_article_that_fits_is_whole() -> None:
    texts = words_of(channel_for(), content("短。", "长" * 3000 + "。"))
    assert "篇幅所限" not in "".join(texts)


def test_thousands_of_titles_are_a_dozen_messages_too() -> None:
    entries = tuple(DigestArticle(Article(f"标题{n}" * 20, "", ()), 1, n) for n in range(62))
    plain = content("一句。").sections[0]
    many = Content("digest", "zh", "titles", (replace(plain, matching=entries[:1], others=entries),) * 60)
    texts = words_of(channel_for(), many)
    assert 8 <= len(texts) <= 12
    assert "篇幅所限，此处未刊全文。" in texts[-1]


def test_a_message_that_goes_on_says_so() -> None:
    rendered = channel_for().render(content(*["一句很长的话。" * 300] * 4))
    heads = ["".join(text.pieces).split("\n", 1)[0] for text in rendered.texts]
    assert len(heads) > 2
    for number, head in enumerate(heads[1:], start=2):
        assert f"（续 {number}/{len(heads)}）" in head


def bundle(*names: str, articles: int = 1, length: int = 300, form: str = "full") -> Content:
    """Several columns of one issue, each of so many articles of so many characters."""
    paragraph = ("这一段不长，说的是园区。" * 100)[: length - 1] + "。"
    one = content(paragraph, articles=articles, form=form)
    section = one.sections[0]
    sections = tuple(
        replace(section, digest=replace(section.digest, id=number, column=name))
        for number, name in enumerate(names, start=1)
    )
    return replace(one, sections=sections)


def last_lines(what: Content) -> list[str]:
    """With what each message ends, but for the last one."""
    return [text.pieces[-1].rstrip().rpartition("\n")[2] for text in channel_for("http://x").render(what).texts[:-1]]


def test_a_message_that_goes_on_from_a_bundle_names_the_bulletin() -> None:
    rendered = channel_for("http://x").render(bundle("园区发展", "火炬在行动", "创业孵化", articles=5, length=500))
    heads = [text.pieces[0].partition("\n")[0] for text in rendered.texts[1:]]
    assert heads
    assert all(head.startswith("<i>火炬动态 2022年第5期（续 ") for head in heads)


def test_a_message_that_goes_on_from_one_column_names_it() -> None:
    rendered = channel_for("http://x").render(bundle("火炬在行动", articles=12, length=500))
    heads = [text.pieces[0].partition("\n")[0] for text in rendered.texts[1:]]
    assert heads
    assert all(head.startswith("<i>火炬在行动（续 ") for head in heads)


@pytest.mark.parametrize("form", ["full", "titles"])
def test_no_message_ends_with_a_title(form: str) -> None:
    """Whatever the lengths are, a title stands above its lead, and a column's name above its first title."""
    for length in range(40, 1400, 67):
        ends = last_lines(bundle("园区发展", "火炬在行动", "创业孵化", articles=9, length=length, form=form))
        assert not [line for line in ends if line.endswith("</b>") or "其他文章" in line], length


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"address": "7"}, "因为您关注了："),
        ({"address": "-1005"}, "本群关注："),
        ({"address": "-1005/7"}, "本群关注："),
        ({"address": "-1005", "in_channel": True}, "本频道关注："),
        ({"address": "-1005", "language": "en"}, "This group follows: "),
        ({"address": "@news", "in_channel": True, "language": "en"}, "This channel follows: "),
    ],
)
async def test_a_digest_says_who_follows(changes: dict[str, Any], words: str) -> None:
    api = BotApi()
    item = envelope(**changes)
    async with serving(api) as base:
        await send_all(channel_for(base), replace(content("导语。"), language=item.language), item)
    assert api.posted[0]["text"].split("\n")[1].startswith(f"<i>{words}</i>")
