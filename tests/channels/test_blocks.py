"""Tables, lists, footnotes, emphasis and links as each channel shows them, whatever they say."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from dispatch.assets import templates_dir
from dispatch.channels.email.render import MAX_HTML
from dispatch.channels.email.render import render as render_email
from dispatch.channels.html_split import MAX_UNITS, visible_units
from dispatch.channels.telegram import MAX_PARTS, TelegramChannel
from dispatch.channels.webhook.payload import MAX_BYTES
from dispatch.channels.webhook.payload import render as render_webhook
from dispatch.codec import block_json, read_block
from dispatch.digests.hrefs import safe_href
from dispatch.digests.render import Renderer
from dispatch.digests.segments import sound
from dispatch.digests.slots import Slotted
from dispatch.model import Article, Block, BlockKind, Content, Mark, MarkKind
from dispatch.settings import EmailSettings, TelegramSettings
from dispatch.testing.samples import rich_article, sample_content, sample_digest, sample_envelope, sample_table
from tests.channels.sheet import Element, Sheet
from tests.channels.test_html_split import Parsed
from tests.digests.blocks import ARTICLES, HOSTILE, words

EMAIL = EmailSettings(host="x", from_address="news@b.test")
OPENING = Block(BlockKind.PARAGRAPH, "开头的一句。")


ALIGNED = "指标      数值      增长\n--------  --------  -----\n营业收入  1200亿元  12.5%\n新增企业  120家     8%"


def page(bulletin: str, ref: str, position: int) -> str:
    return f"https://b.test/{bulletin}/{ref}/{position}"


RENDERER = Renderer(templates_dir(), None, page)


def of(*blocks: Block) -> Content:
    return sample_content(digest=sample_digest((Article("题目", "", blocks),)))


RICH = sample_content(digest=sample_digest((rich_article(),)))


def joined(slotted: Slotted) -> str:
    return "".join(slotted.pieces[::2])


def source_of(content: Content) -> str:
    return joined(render_email(RENDERER, EMAIL, content).html).strip()


def html_of(content: Content) -> Sheet:
    return Sheet(source_of(content))


def read_aloud(html: str) -> str:
    """The words of a page in their order."""
    return unescape(re.sub(r"<[^<>]*>", "", html))


def text_of(content: Content) -> str:
    return joined(render_email(RENDERER, EMAIL, content).text)


def chat_of(content: Content) -> list[str]:
    channel = TelegramChannel(TelegramSettings(), RENDERER)
    return [joined(text) for text in channel.render(content).texts]


def body_of(content: Content) -> Any:
    return json.loads(render_webhook(RENDERER, content).fill(sample_envelope("https://a.example/", channel="webhook")))


def blocks_of(content: Content) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = body_of(content)["data"]["digests"][0]["matching"][0]["blocks"]
    return found


def squeezed(text: str) -> str:
    return "".join(text.split())


def children(element: Element, tag: str) -> list[Element]:
    return [child for child in element.children if child.tag == tag]


def test_a_mail_has_a_grid_of_few_columns_and_rows_of_many() -> None:
    sheet = html_of(RICH)
    (grid,) = [table for table in sheet.all("table") if "grid" in table.classes]
    assert [(cell.attributes["scope"], cell.words) for cell in sheet.all("th")] == [
        ("col", "指标"),
        ("col", "数值"),
        ("col", "增长"),
    ]
    (body,) = children(grid, "tbody")
    assert [[cell.words for cell in row.children] for row in body.children] == [
        ["营业收入", "1200亿元", "12.5%"],
        ["新增企业", "120家", "8%"],
    ]
    assert len([element for element in sheet.all("p") if "record" in element.classes]) == 2
    assert "片区：艾溪湖企业（家）：380营业收入（亿元）：580税收（亿元）：29\n" in read_aloud(source_of(RICH))


def test_a_mail_has_lists_in_lists_and_no_bullets_before_numbers() -> None:
    sheet = html_of(RICH)
    points, inner, steps = [found for found in sheet.all("ul") if {"points", "steps"} & set(found.classes)]
    assert (points.classes, inner.classes, steps.classes) == (["points"], ["points"], ["steps"])
    assert inner.parent is points.children[0]
    assert steps.style["list-style"] == "none"
    assert [child.words for child in steps.children] == ["1. 简化审批", "2. 延长服务时间"]
    (note,) = [found.words for found in sheet.all("p") if "footnote" in found.classes]
    assert note == "[1] 数据来自统计公报，为初步核算数。"


def test_a_mail_has_emphasis_and_links() -> None:
    sheet = html_of(RICH)
    links = {link.words: link.attributes["href"] for link in sheet.all("a") if "link" in link.classes}
    assert links == {
        "统计公报": "https://stats.example/2022?a=1&b=2",
        "news@bulletin.example": "mailto:news@bulletin.example",
        "瑶湖": "https://yaohu.example/",
    }
    assert [found.words for found in sheet.all("strong")][:2] == ["南昌高", "新区"]
    assert [found.words for found in sheet.all("em")] == ["新区", "营业收入"]


def test_a_mail_as_text() -> None:
    text = text_of(RICH)
    assert "详见统计公报 (https://stats.example/2022?a=1&b=2)，来信请寄news@bulletin.example。" in text
    for part in (
        f"\n\n{ALIGNED}\n\n",
        "\n\n片区：瑶湖 (https://yaohu.example/)\n  企业（家）：410\n  营业收入（亿元）：620\n",
        "\n\n片区：艾溪湖\n  企业（家）：380\n  营业收入（亿元）：580\n  税收（亿元）：29\n\n",
        "\n\n- 完善服务体系\n  - 搭建公共平台\n  - 引进专业机构\n- 优化营商环境\n1. 简化审批\n2. 延长服务时间\n\n[1] ",
    ):
        assert part in text


def test_a_chat_message() -> None:
    (text,) = chat_of(RICH)
    assert (
        '上半年，<b>南昌高</b><b><i>新区</i></b><i>营业收入</i>增长12.5%，详见<a href="https://stats.example/2022?a=1&amp;b=2">'
        "统计公报</a>，来信请寄news@bulletin.example。\n\n<blockquote expandable><b>一、主要指标</b></blockquote>\n\n"
        f"<pre>{ALIGNED}</pre>\n\n"
        '<blockquote expandable>各片区的情况如下：\n\n片区：<b><a href="https://yaohu.example/">瑶湖</a></b>\n企业（家）：410\n'
    ) in text
    assert (
        "• <b>完善</b>服务体系\n\u3000• 搭建公共平台\n\u3000• 引进专业机构\n• 优化营商环境\n"
        "1. 简化审批\n2. 延长服务时间\n\n<i>[1] 数据来自统计公报，为初步核算数。</i></blockquote>"
    ) in text


def test_a_webhook_has_cells_and_marks_as_they_are_stored() -> None:
    article = rich_article()
    found = blocks_of(RICH)
    assert found == [block_json(block) for block in article.blocks]
    assert tuple(map(read_block, found)) == article.blocks
    evil = Block(BlockKind.PARAGRAPH, "点此。", marks=(Mark(MarkKind.LINK, 0, 2, "javascript:x"),))
    assert blocks_of(of(evil)) == [{"kind": "paragraph", "text": "点此。"}]


def assert_nothing_runs(sheet: Sheet) -> None:
    assert not sheet.all("img", "script", "link", "iframe", "object", "form", "input", "base")
    for element in sheet.elements:
        assert not [name for name in element.attributes if name.startswith("on") or name == "src"]
    for link in sheet.all("a"):
        assert safe_href(link.attributes["href"]), link.attributes


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
@given(ARTICLES)
def test_every_channel_says_all_of_an_article_and_nothing_in_it_is_markup(blocks: tuple[Block, ...]) -> None:
    content = of(*blocks)
    html, text, parts = source_of(content), squeezed(text_of(content)), chat_of(content)
    assert_nothing_runs(Sheet(html))
    mailed = squeezed(read_aloud(html))
    chatted = squeezed("".join(Parsed(part).text for part in parts))
    for block in blocks:
        for said in map(squeezed, words(block)):
            assert said in mailed
            assert squeezed(said) in re.sub(r"\((?:https?://|news@)[^)]*\)", "", text) or said in text
            assert said in chatted or said in re.sub(r"\(news@[^)]*\)", "", chatted)
    assert all(visible_units(part) <= MAX_UNITS for part in parts)
    for part in parts:
        for href in re.findall(r'<a href="([^"]*)"', part):
            assert safe_href(unescape(href)).startswith("http")
    assert blocks_of(content) == [block_json(sound(block)) for block in blocks]


FIFTY = tuple(f"第{n}列" for n in range(50))
TABLES = {
    "rows": sample_table(("区", "值"), *((f"第{n}区", f"{n}") for n in range(5000))),
    "columns": sample_table(FIFTY, FIFTY, FIFTY),
    "both": sample_table(FIFTY, *([FIFTY] * 5000)),
    "cell": sample_table(("区", "说明"), ("甲", "很长的一句话。" * 20_000)),
    "word": sample_table(("区", "说明"), ("甲", "a" * 3000), ("乙", HOSTILE * 20)),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_of_any_size_keeps_the_limits(name: str) -> None:
    """It stands as a whole or not at all, and where it does not, the message says that something was left out."""
    content = of(OPENING, TABLES[name], Block(BlockKind.PARAGRAPH, "结尾。"))
    html, parts = joined(render_email(RENDERER, EMAIL, content).html), chat_of(content)
    body = render_webhook(RENDERER, content).fill(sample_envelope("https://a.example/", channel="webhook"))
    assert len(html.encode()) <= MAX_HTML
    assert len(parts) <= MAX_PARTS
    assert all(visible_units(part) <= MAX_UNITS for part in parts)
    assert len(body) <= MAX_BYTES
    last = TABLES[name].rows[-1][-1]
    for shown, whole in ((html, "结尾。" in html), ("".join(parts), "结尾。" in "".join(parts))):
        assert OPENING.text in shown
        assert whole == (squeezed(last) in squeezed(unescape(shown)))
        assert whole == ("篇幅所限，此处未刊全文。" not in shown)
    data = json.loads(body)["data"]
    kinds = [block["kind"] for block in data["digests"][0]["matching"][0]["blocks"]]
    assert kinds == (["paragraph"] if data["truncated"] else ["paragraph", "table", "paragraph"])


def test_a_long_table_goes_on_in_the_next_message_between_two_rows() -> None:
    rows = tuple(("", f"第{n}项指标") for n in range(1500))
    parts = chat_of(of(OPENING, sample_table(("区", "指标"), *rows)))
    assert len(parts) > 2
    lines = [
        line for part in parts for pre in re.findall(r"<pre>(.*?)</pre>", part, re.DOTALL) for line in pre.split("\n")
    ]
    assert lines[2:] == [f"    第{n}项指标" for n in range(1500)]


def test_marks_without_number_are_bounded_like_texts() -> None:
    text = "高新区" * 3000
    marks = tuple(Mark(MarkKind.STRONG, place, place + 1) for place in range(0, 9000, 2))
    parts = chat_of(of(Block(BlockKind.PARAGRAPH, text, marks=marks)))
    assert len(parts) <= MAX_PARTS
    assert all(Parsed(part).entities <= 100 for part in parts)
