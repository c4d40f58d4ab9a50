"""Links on pages and in mails that follow something in the chat with the bot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from dispatch.assets import templates_dir
from dispatch.bot.codes import start_payload
from dispatch.bot.links import ChatLinks, note_name
from dispatch.catalog import load_catalog
from dispatch.channels.email.render import render
from dispatch.digests.render import Renderer
from dispatch.model import Article, Content, Notice, ParkTag, Role, TopicTag
from dispatch.settings import EmailSettings
from dispatch.testing.samples import sample_content
from subscribers.database import Database
from tests.bot.conftest import Talk
from tests.marks import both_databases

CATALOG = load_catalog()


def links(db: Database, number: int = 42) -> ChatLinks:
    made = ChatLinks(number, lambda: CATALOG)
    made.learn(db)
    return made


@both_databases
def test_the_newest_name_of_the_bot_is_in_the_links(connect: Callable[[], Database]) -> None:
    db = connect()
    assert links(db).offers(["all"], "zh") == ()
    for name in ("old_bot", "new_bot", "new_bot"):
        note_name(db, 42, name)
    note_name(db, 43, "another_bot")
    [offer] = links(db).offers(["topic:blockchain"], "en")
    assert offer.label == "Blockchain"
    assert offer.url == f"https://t.me/new_bot?start={start_payload(['topic:blockchain'])}"
    assert links(db, 0).offers(["all"], "zh") == ()


@both_databases
def test_what_the_catalog_does_not_have_is_not_offered(connect: Callable[[], Database]) -> None:
    db = connect()
    note_name(db, 42, "a_bot")
    found = links(db).offers(["topic:none", "column:huoju/none", "all", "all"], "zh")
    assert [offer.label for offer in found] == ["全部内容"]


@both_databases
@pytest.mark.parametrize(
    "tag",
    ["park:南昌高新区", "park:南昌高新区+mentions", "province:江西省", "topic:blockchain", "bulletin:huoju", "all"],
)
async def test_a_link_follows_what_it_says(talk: Talk, tag: str) -> None:
    ann = talk.api.user("Ann")
    await ann.send("/help")
    await ann.next()  # the bot talks, so its name is known
    talk.app.chat_links.learn(talk.db)
    [offer] = talk.app.chat_links.offers([tag], "zh")
    await ann.open(offer.url)
    assert offer.label in (await ann.next()).text
    assert talk.follows(ann.id) == {tag}


def content_of(*articles: Article) -> Content:
    found = sample_content()
    section = found.sections[0]
    entries = tuple(replace(section.matching[0], article=article) for article in articles)
    digest = replace(section.digest, bulletin="huoju", column="园区发展")
    return replace(found, sections=(replace(section, digest=digest, matching=entries),))


def article(*parks: str, topics: tuple[str, ...] = (), role: Role = Role.SUBJECT) -> Article:
    tags = tuple(ParkTag(name, role) for name in parks)
    return Article("题", "", (), tags, tuple(TopicTag(key, key, 1.0) for key in topics))


@both_databases
def test_a_message_offers_what_its_articles_are_about(connect: Callable[[], Database]) -> None:
    db = connect()
    note_name(db, 42, "a_bot")
    content = content_of(
        article("苏州高新区"),
        article("南昌高新区", topics=("blockchain", "talent")),
        article("南昌高新区", topics=("talent",)),
        article("无锡高新区", role=Role.MENTION),
    )
    labels = [offer.label for offer in links(db).of_content(content)]
    assert labels == ["南昌高新区", "苏州高新区", "人才", "区块链", "栏目《园区发展》"]
    assert links(db).of_content(replace(content, notice=Notice("huoju:534", ""))) == ()


@both_databases
@pytest.mark.parametrize(("language", "words"), [("zh", "在 Telegram 关注："), ("en", "Follow on Telegram:")])
def test_a_mail_has_the_links_at_its_foot(connect: Callable[[], Database], language: str, words: str) -> None:
    db = connect()
    note_name(db, 42, "a_bot")
    content = replace(content_of(article("南昌高新区")), language=language)
    mail = EmailSettings(host="x", from_address="news@b.test")
    with_chat = render(Renderer(templates_dir(), None, lambda *_: "", links(db).of_content), mail, content)
    without = render(Renderer(templates_dir(), None, lambda *_: ""), mail, content)
    url = f"https://t.me/a_bot?start={start_payload(['park:南昌高新区'])}"
    for slotted, plain in ((with_chat.html, without.html), (with_chat.text, without.text)):
        text = "".join(str(piece) for piece in slotted.pieces)
        assert words in text
        assert url in text
        assert "t.me" not in "".join(str(piece) for piece in plain.pieces)
