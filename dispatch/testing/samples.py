"""A small content and envelopes to send: what tests and the conformance suite need of a digest."""

from __future__ import annotations

import datetime as dt

from dispatch.model import (
    Article,
    Block,
    BlockKind,
    Content,
    Digest,
    DigestArticle,
    Envelope,
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
