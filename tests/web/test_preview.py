"""The preview for those who approve."""

from __future__ import annotations

import pytest

from dispatch import archive
from dispatch.model import IssueState
from subscribers import directory
from subscribers.database import Database
from subscribers.model import Address, Preferences
from subscribers.tokens import Purpose
from tests.acts import at

from .conftest import HOSTILE, NOW, Site
from .forms import Page


def path(site: Site, issue_id: int = 1, until: int = NOW + 3_600_000) -> str:
    return f"/preview/{site.signer.token(Purpose.PREVIEW, issue_id, until)}"


@pytest.mark.parametrize("state", list(IssueState))
async def test_an_issue_in_any_state_is_shown_and_marked(site: Site, state: IssueState) -> None:
    await site.archive(state)
    for language, mark in (("zh", "预览"), ("en", "A preview")):
        for place in (path(site), f"{path(site)}/1", f"{path(site)}/2"):
            response, text = await site.get(place, language)
            assert (response.status, mark in text) == (200, True)
            assert response.headers["Cache-Control"] == "no-store"
            assert "noindex" in response.headers["X-Robots-Tag"]
            Page(text).check()


async def test_the_columns_and_the_warnings_of_the_intake(site: Site) -> None:
    await site.archive(IssueState.HELD)
    _, text = await site.get(path(site))
    assert "没有提醒" in text
    await site.store.call(lambda db: db.run("UPDATE issues SET warnings = :w", {"w": '["line 7: <odd>"]'}))
    _, text = await site.get(path(site))
    assert "line 7: &lt;odd&gt;" in text
    assert "高质量发展看高新区" in text
    assert "待审批" in text


async def test_a_column_has_every_article_in_full(site: Site) -> None:
    await site.archive(IssueState.HELD)
    _, text = await site.get(f"{path(site)}/1")
    assert "南昌高新区聚焦光电产业，上半年新增企业120家。" in text
    assert "供稿：南昌高新区 张木" in text
    assert HOSTILE not in text
    assert "苏州工业园区" not in text


async def test_articles_that_nobody_would_get_are_named(site: Site) -> None:
    await site.archive(IssueState.HELD)
    for language, words in (("zh", "没有人会收到的文章"), ("en", "Articles that nobody would get")):
        _, text = await site.get(path(site), language)
        assert words in text
        Page(text).check()
    await site.store.call(follow_all)
    _, text = await site.get(path(site))
    assert "没有人会收到的文章" not in text


def follow_all(db: Database) -> None:
    with db.transaction():
        address = Address("email", "a@example.com", "email")
        directory.add(
            db, name="", addresses=[address], follows=("all",), preferences=Preferences(), consent="x", act=at(NOW)
        )


async def test_what_is_not_there(site: Site) -> None:
    await site.archive(IssueState.HELD)
    for place in (
        path(site, 99),
        f"{path(site)}/3",
        f"{path(site)}/0",
        f"{path(site)}/x",
        "/preview/x",
        "/preview/x/1",
    ):
        assert (await site.get(place))[0].status == 404


async def test_a_preview_that_is_too_old(site: Site) -> None:
    await site.archive(IssueState.HELD)
    for place in (path(site, until=NOW - 2_000), f"{path(site, until=NOW - 2_000)}/1"):
        response, text = await site.get(place)
        assert (response.status, "链接已过期" in text) == (410, True)
        assert "南昌" not in text


async def test_what_the_preview_shows_is_what_digests_have(site: Site) -> None:
    await site.archive(IssueState.HELD)
    ids = await site.store.call(archive.digest_ids, 1)
    for position, digest_id in enumerate(ids, start=1):
        digest = await site.store.call(archive.digest, digest_id)
        _, text = await site.get(f"{path(site)}/{position}")
        assert [f'id="a{entry.position}"' in text for entry in digest.articles] == [True] * len(digest.articles)
