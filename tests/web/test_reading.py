"""Issues and articles to read."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import quote, urljoin

import pytest
from markupsafe import escape

from dispatch.model import Block, BlockKind, Issue, IssueState, Mark, MarkKind, Offer, ParkTag, Role, TopicTag
from dispatch.testing.samples import rich_article, sample_table
from subscribers.tokens import Purpose

from .conftest import HOSTILE, ISSUE, NOW, Site
from .forms import Page

SHOWN = (IssueState.APPROVED, IssueState.SENDING, IssueState.PAUSED, IssueState.SENT)
HIDDEN = (IssueState.HELD, IssueState.CANCELLED)


async def test_an_issue_lists_its_columns_and_titles_as_links(site: Site) -> None:
    await site.archive(IssueState.SENT)
    response, text = await site.get("/issues/huoju/534")
    assert response.status == 200
    assert "2022年第5期（总第534期）" in text
    assert "2022年5月31日" in text
    assert "高质量发展看高新区" in text
    assert '<a href="./534/1">南昌高新区光电产业再上台阶</a>' in text
    assert '<a href="./534/3">苏州工业园区建设开放创新高地</a>' in text


async def test_an_article_reads_in_full(site: Site) -> None:
    await site.archive(IssueState.SENT)
    response, text = await site.get("/issues/huoju/534/1")
    assert response.status == 200
    assert "<h1>南昌高新区光电产业再上台阶</h1>" in text
    assert "<h2>一、主要做法</h2>" in text
    assert "<p>完善服务体系，搭建公共平台。</p>" in text
    assert "供稿：南昌高新区 张木" in text
    assert "2022年第5期（总第534期）" in text


def rich_issue() -> Issue:
    column, *rest = ISSUE.columns
    evil = Block(BlockKind.PARAGRAPH, "点此。", marks=(Mark(MarkKind.LINK, 0, 2, "javascript:alert(1)"),))
    cells = sample_table((HOSTILE, "乙"), ("丙", HOSTILE))
    article = rich_article()
    whole = replace(article, blocks=(*article.blocks, evil, cells))
    return replace(ISSUE, columns=(replace(column, articles=(whole, *column.articles[1:])), *rest))


@pytest.mark.parametrize(("state", "path"), [(IssueState.SENT, "/issues/huoju/534/1"), (IssueState.HELD, "")])
async def test_tables_lists_footnotes_emphasis_and_links(site: Site, state: IssueState, path: str) -> None:
    await site.archive(state, rich_issue())
    preview = site.signer.token(Purpose.PREVIEW, 1, NOW + 3_600_000)
    _, text = await site.get(path or f"/preview/{preview}/1", "zh")
    assert '<th scope="col">指标</th><th scope="col">数值</th><th scope="col">增长</th>' in text
    assert "<td>营业收入</td><td>1200亿元</td><td>12.5%</td>" in text
    assert '<div class="wide" role="region" aria-label="表格" tabindex="0">' in text
    assert "<li><strong>完善</strong>服务体系<ul>\n<li>搭建公共平台</li>\n<li>引进专业机构</li>\n</ul>\n</li>" in text
    assert '<ul class="steps">\n<li>1. 简化审批</li>' in text
    assert '<p class="footnote" role="note">[1] 数据来自统计公报，为初步核算数。</p>' in text
    rel = 'rel="noopener noreferrer nofollow"'
    assert f'<a href="https://stats.example/2022?a=1&amp;b=2" {rel}>统计公报</a>' in text
    assert f'<td><a href="https://yaohu.example/" {rel}>瑶湖</a></td>' in text
    assert "<strong>南昌高</strong><strong><em>新区</em></strong><em>营业收入</em>" in text
    assert "<p>点此。</p>" in text
    assert "<script" not in text
    assert text.count(f"{escape(HOSTILE)}</t") == 2


async def test_neighbours_lead_on_over_columns(site: Site) -> None:
    await site.archive(IssueState.SENT)
    first, middle, last = [(await site.get(f"/issues/huoju/534/{n}"))[1] for n in (1, 2, 3)]
    assert ('rel="prev"' in first, 'rel="next"' in first) == (False, True)
    assert 'rel="prev" lang="zh-CN" href="./1"' in middle
    assert 'rel="next" lang="zh-CN" href="./3"' in middle
    assert ('rel="prev"' in last, 'rel="next"' in last) == (True, False)


async def test_relative_links_lead_to_pages(site: Site) -> None:
    await site.archive(IssueState.SENT)
    for path, count in (
        ("/issues", 3),
        ("/issues/huoju/534", 7),
        ("/issues/huoju/534/2", 5),
        ("/issues/huoju/534/c/1", 4),
    ):
        _, text = await site.get(path)
        links = re.findall('href="([^"]+)"', text)
        assert len(links) == count
        for link in links:
            assert (await site.get(urljoin(path, link)))[0].status == 200


@pytest.mark.parametrize("state", SHOWN)
async def test_what_is_out_is_shown(site: Site, state: IssueState) -> None:
    await site.archive(state)
    for path in ("/issues/huoju/534", "/issues/huoju/534/1"):
        assert (await site.get(path))[0].status == 200


@pytest.mark.parametrize("state", HIDDEN)
async def test_held_and_cancelled_issues_are_as_if_they_were_not(site: Site, state: IssueState) -> None:
    await site.archive(state)
    _, missing = await site.get("/issues/huoju/999")
    for path in ("/issues/huoju/534", "/issues/huoju/534/1"):
        response, text = await site.get(path)
        assert (response.status, text) == (404, missing)


async def test_an_issue_that_is_withdrawn_disappears_at_once(site: Site) -> None:
    await site.archive(IssueState.SENDING)
    assert (await site.get("/issues/huoju/534/1"))[0].status == 200
    await site.store.call(lambda db: db.run("UPDATE issues SET state = 'cancelled'"))
    assert (await site.get("/issues/huoju/534/1"))[0].status == 404


async def test_more_issues_than_are_kept_in_memory(site: Site) -> None:
    issues = [replace(ISSUE, total=number) for number in range(1, 12)]
    for issue in issues:
        await site.archive(IssueState.SENT, issue)
    for _ in range(2):
        for issue in issues:
            _, text = await site.get(f"/issues/huoju/{issue.ref}/1")
            assert f"总第{issue.total}期" in text


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/issues/huoju",
        "/issues/other/534",
        "/issues/huoju/535",
        "/issues/huoju:534/534",
        "/issues/%00/%ff",
        "/issues/huoju/534/0",
        "/issues/huoju/534/4",
        "/issues/huoju/534/01",
        "/issues/huoju/534/-1",
        "/issues/huoju/534/%D9%A1",
        "/issues/huoju/534/99999999999999999999",
        "/issues/huoju/534/1/2",
    ],
)
async def test_addresses_without_a_page(site: Site, path: str) -> None:
    await site.archive(IssueState.SENT)
    response, text = await site.get(path)
    assert response.status == 404
    assert "没有这一页" in text


@pytest.mark.parametrize("path", ["/issues/huoju/534", "/issues/huoju/534/1", "/issues/huoju/534/2"])
async def test_hostile_text_is_escaped(site: Site, path: str) -> None:
    await site.archive(IssueState.SENT)
    _, text = await site.get(path)
    assert "<script" not in text
    assert HOSTILE not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{ 7*7 }}&#34;&#39;&amp;" in text


async def test_the_frame_follows_the_browser_and_the_text_stays_chinese(site: Site) -> None:
    await site.archive(IssueState.SENT)
    response, text = await site.get("/issues/huoju/534/1", language="de, en-GB;q=0.9, zh;q=0.5")
    assert response.headers["Vary"] == "Accept-Language"
    assert '<html lang="en">' in text
    assert '<article lang="zh-CN">' in text
    assert "No. 5, 2022 (issue 534)" in text
    assert "High-tech zones" in text
    assert "Contributed by" in text


@pytest.mark.parametrize(
    ("issue", "line"),
    [
        (replace(ISSUE, total=0), "2022年第5期"),
        (replace(ISSUE, number=0), "总第534期"),
        (replace(ISSUE, total=0, number=0, date=None, publisher=""), "2022-00"),
    ],
)
async def test_issues_with_fewer_numbers(site: Site, issue: Issue, line: str) -> None:
    await site.archive(IssueState.SENT, issue)
    for path in (f"/issues/huoju/{issue.ref}", f"/issues/huoju/{issue.ref}/1"):
        response, text = await site.get(path)
        assert response.status == 200
        assert line in text


async def test_the_list_has_what_may_be_read_the_newest_first(site: Site) -> None:
    older = replace(ISSUE, total=533, number=4, date=dt.date(2022, 5, 15))
    await site.archive(IssueState.SENT, older)
    await site.archive(IssueState.SENDING)
    await site.archive(IssueState.HELD, replace(ISSUE, total=535, number=6))
    response, text = await site.get("/issues")
    assert (response.status, response.headers["Cache-Control"]) == (200, "public, max-age=60")
    assert re.findall('href="(issues/[^"]+)"', text) == ["issues/huoju/534", "issues/huoju/533"]
    assert "总第535期" not in text
    Page(text).check()


async def test_a_long_list_has_pages(site: Site) -> None:
    for number in range(1, 62):
        await site.archive(IssueState.SENT, replace(ISSUE, total=number, columns=()))
    found = []
    for page, links in ((1, ["next"]), (2, ["prev", "next"]), (3, ["prev"])):
        _, text = await site.get(f"/issues?page={page}")
        assert re.findall('rel="([a-z]+)"', text) == links
        found += re.findall('href="issues/huoju/([0-9]+)"', text)
    assert sorted(map(int, found)) == list(range(1, 62))


@pytest.mark.parametrize("page", ["0", "-1", "2", "x", "99999999999999999999", "%D9%A1", ""])
async def test_pages_that_are_none(site: Site, page: str) -> None:
    await site.archive(IssueState.SENT)
    assert (await site.get(f"/issues?page={page}"))[0].status == 404


async def test_an_empty_list_says_so(site: Site) -> None:
    response, text = await site.get("/issues", "en")
    assert (response.status, "nothing to read yet" in text) == (200, True)


async def test_a_column_by_its_place_and_by_its_key(site: Site) -> None:
    await site.archive(IssueState.SENT)
    for column in ("1", quote("高质量发展看高新区")):
        response, text = await site.get(f"/issues/huoju/534/c/{column}")
        assert response.status == 200
        assert "<h1>高质量发展看高新区</h1>" in text
        assert re.findall('href="(../[0-9]+)"', text)[:2] == ["../1", "../2"]
        assert "苏州工业园区" not in text
        Page(text).check()
    for column in ("0", "3", "x", "%00", "-1"):
        assert (await site.get(f"/issues/huoju/534/c/{column}"))[0].status == 404


@pytest.mark.parametrize("state", HIDDEN)
async def test_columns_of_what_is_not_out_are_not_there(site: Site, state: IssueState) -> None:
    await site.archive(state)
    assert (await site.get("/issues/huoju/534/c/1"))[0].status == 404


async def test_a_link_chooses_the_language(site: Site) -> None:
    await site.archive(IssueState.SENT)
    _, text = await site.get("/issues/huoju/534?lang=en", language="zh")
    assert '<html lang="en">' in text


async def test_what_a_page_is_about_can_be_followed_in_the_chat(site: Site) -> None:
    column, *rest = ISSUE.columns
    parks = (ParkTag("南昌高新区", Role.SUBJECT), ParkTag("苏州高新区", Role.MENTION))
    topics = (TopicTag("talent", "", 1.0), TopicTag("blockchain", "", 2.0))
    tagged = replace(column.articles[0], parks=parks, topics=topics)
    await site.archive(IssueState.SENT, replace(ISSUE, columns=(replace(column, articles=(tagged,)), *rest)))

    def offers(tags: Sequence[str], language: str) -> list[Offer]:
        return [Offer(f"{tag} {language} <&", f"https://t.me/a_bot?start={n}") for n, tag in enumerate(tags)]

    async with site.again(offers=offers) as client:
        pages = {}
        for path in ("", "/1", "/c/1"):
            async with client.get(f"/issues/huoju/534{path}?lang=en") as response:
                pages[path] = await response.text()
    assert "Follow on Telegram: <a" in pages[""]
    assert '<a href="https://t.me/a_bot?start=0" rel="noopener noreferrer">bulletin:huoju en &lt;&amp;</a>' in pages[""]
    labels = re.findall(r"t\.me/[^>]*>(\S+) en", pages["/1"])
    assert labels[:3] == ["park:南昌高新区", "topic:blockchain", "topic:talent"]
    assert re.findall(r"t\.me/[^>]*>(\S+) en", pages["/c/1"]) == labels[3:]
    assert len(labels) == 4
    _, text = await site.get("/issues/huoju/534/1")
    assert "Telegram" not in text
