"""A small content and envelopes to send: what tests and the conformance suite need of a digest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from dispatch.model import (
    Article,
    Block,
    BlockKind,
    Content,
    Digest,
    DigestArticle,
    Envelope,
    Mark,
    MarkKind,
    ParkTag,
    Reason,
    Role,
    Section,
    TopicTag,
)

LEAD = "南昌高新区聚焦光电产业，上半年新增企业120家。"


def sample_article(title: str, text: str = LEAD, park: str = "南昌高新区") -> Article:
    """An article of one heading and two paragraphs, about one park and one topic."""
    blocks = (
        Block(BlockKind.PARAGRAPH, text),
        Block(BlockKind.HEADING, "一、主要做法"),
        Block(BlockKind.PARAGRAPH, "完善服务体系，搭建公共平台。"),
    )
    topics = (TopicTag("optoelectronics", "光电", 2.0),)
    return Article(title, "南昌高新区 张木", blocks, (ParkTag(park, Role.SUBJECT),), topics)


def sample_mark(kind: MarkKind, text: str, words: str, href: str = "") -> Mark:
    """The mark of `words` where they first stand in `text`."""
    start = text.index(words)
    return Mark(kind, start, start + len(words), href)


def sample_table(*rows: tuple[str, ...], links: Mapping[str, str] | None = None) -> Block:
    """The block of a table, whose first row is its head; `links` has the addresses of words in it."""
    text = "\n".join(" | ".join(row) for row in rows)
    marks = (sample_mark(MarkKind.LINK, text, words, href) for words, href in (links or {}).items())
    return Block(BlockKind.TABLE, text, rows, tuple(marks))


def rich_article(title: str = "南昌高新区上半年经济运行情况") -> Article:
    """An article with a block of every kind and marks of every kind: lists in lists and with numbers, a table that
    every channel shows side by side and one that is too wide for that, links, emphasis, a footnote."""
    opening = "上半年，南昌高新区营业收入增长12.5%，详见统计公报，来信请寄news@bulletin.example。"
    blocks = (
        Block(
            BlockKind.PARAGRAPH,
            opening,
            marks=(
                sample_mark(MarkKind.STRONG, opening, "南昌高新区"),
                sample_mark(MarkKind.EMPHASIS, opening, "新区营业收入"),
                sample_mark(MarkKind.LINK, opening, "统计公报", "https://stats.example/2022?a=1&b=2"),
                sample_mark(MarkKind.LINK, opening, "news@bulletin.example", "mailto:news@bulletin.example"),
            ),
        ),
        Block(BlockKind.HEADING, "一、主要指标"),
        sample_table(("指标", "数值", "增长"), ("营业收入", "1200亿元", "12.5%"), ("新增企业", "120家", "8%")),
        Block(BlockKind.PARAGRAPH, "各片区的情况如下："),
        sample_table(
            ("片区", "企业（家）", "营业收入（亿元）", "税收（亿元）", "研发投入（亿元）", "备注"),
            ("瑶湖", "410", "620", "31", "24", "含航空城"),
            ("艾溪湖", "380", "580", "29", "", ""),
            links={"瑶湖": "https://yaohu.example/"},
        ),
        Block(BlockKind.HEADING, "二、主要做法"),
        Block(BlockKind.ITEM, "完善服务体系", marks=(Mark(MarkKind.STRONG, 0, 2),)),
        Block(BlockKind.ITEM, "搭建公共平台", depth=1),
        Block(BlockKind.ITEM, "引进专业机构", depth=1),
        Block(BlockKind.ITEM, "优化营商环境"),
        Block(BlockKind.ITEM, "1. 简化审批"),
        Block(BlockKind.ITEM, "2. 延长服务时间"),
        Block(BlockKind.NOTE, "[1] 数据来自统计公报，为初步核算数。"),
    )
    return Article(title, "南昌高新区 张木", blocks, (ParkTag("南昌高新区", Role.SUBJECT),))


def sample_digest(articles: tuple[Article, ...] | None = None, number: int = 1) -> Digest:
    """The digest of one column of 火炬动态, 2022 no. 5 (534 in total)."""
    if articles is None:
        articles = (sample_article("南昌高新区光电产业再上台阶"), sample_article("苏州工业园区建设开放创新高地"))
    entries = tuple(DigestArticle(article, 1 << place, place + 1) for place, article in enumerate(articles))
    return Digest(
        id=number,
        bulletin="huoju",
        issue_ref="534",
        title="火炬动态",
        title_en="Torch Bulletin",
        publisher="科技部火炬中心",
        year=2022,
        number=5,
        total=534,
        date=dt.date(2022, 5, 31),
        column="高质量发展看高新区",
        column_en="High-tech zones",
        part=1,
        parts=1,
        articles=entries,
    )


def sample_content(
    kind: str = "digest", language: str = "zh", form: str = "full", digest: Digest | None = None
) -> Content:
    """That digest for a reader whom its first article matches; the others follow as titles."""
    digest = digest or sample_digest()
    return Content(kind, language, form, (Section(digest, digest.articles[:1], digest.articles[1:]),))


def sample_envelope(
    address: str, *, channel: str, provider_id: str = "msg_1", name: str = "reader-one", secret: str = ""
) -> Envelope:
    """An envelope whose personal links all carry `name`, so that a test can tell whose they are."""
    return Envelope(
        message_id=1,
        channel=channel,
        address=address,
        name=name,
        language="zh",
        provider_id=provider_id,
        reasons=(Reason("park:南昌高新区", "南昌高新区", f"https://bulletin.example/unfollow/{name}"),),
        unsubscribe_url=f"https://bulletin.example/unsubscribe/{name}",
        unsubscribe_mailto=f"mailto:unsubscribe+{name}@bulletin.example",
        preferences_url=f"https://bulletin.example/preferences/{name}",
        secret=secret,
    )
