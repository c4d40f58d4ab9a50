"""Pages while another process keeps the database locked."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession

from subscribers.tokens import Purpose

from .conftest import FixedClock, Site
from .forms import Page


class RestingClock(FixedClock):
    """A clock that passes while somebody rests, and does something then."""

    def __init__(self) -> None:
        super().__init__()
        self.rests = 0
        self.at_rest: Callable[[int], object] = lambda rests: None

    async def sleep(self, seconds: float) -> None:
        self.ticks += seconds
        self.rests += 1
        self.at_rest(self.rests)


@pytest.fixture
def locker(site: Site, tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Another connection to the site's database, as another process has one."""
    connection = sqlite3.connect(tmp_path / "dispatch.db", isolation_level=None)
    yield connection
    connection.close()


@asynccontextmanager
async def busy_site(site: Site, clock: RestingClock) -> AsyncIterator[ClientSession]:
    async with site.again(clock=clock) as client:
        yield client


async def test_an_opt_out_waits_for_the_lock(site: Site, locker: sqlite3.Connection) -> None:
    endpoint, clock = await site.subscribe(), RestingClock()
    clock.at_rest = lambda rests: locker.execute("ROLLBACK") if rests == 10 else None
    locker.execute("BEGIN IMMEDIATE")
    async with busy_site(site, clock) as client:
        response = await client.post(site.path(endpoint))
        assert (response.status, "已全部退订" in await response.text()) == (200, True)
    assert await site.state(endpoint) == "suppressed"
    assert clock.rests == 10


@pytest.mark.parametrize(("language", "words"), [("zh", "请过一分钟再试"), ("en", "try again in a minute")])
async def test_a_lock_that_lasts_is_told_in_words(
    site: Site, locker: sqlite3.Connection, language: str, words: str
) -> None:
    endpoint, clock = await site.subscribe(), RestingClock()
    locker.execute("BEGIN IMMEDIATE")
    async with busy_site(site, clock) as client:
        response = await client.post(site.path(endpoint), headers={"Accept-Language": language})
        text = await response.text()
    assert (response.status, response.headers["Retry-After"]) == (503, "60")
    assert words in text
    Page(text).check()
    assert 11 <= clock.ticks <= 12
    locker.execute("ROLLBACK")
    assert await site.state(endpoint) == "active"


async def test_no_page_fails_for_a_lock(site: Site, locker: sqlite3.Connection) -> None:
    endpoint = await site.subscribe()
    person = 1
    _, text = await site.get("/subscribe")
    stamp = Page(text).value("stamp")
    preferences = f"/p/{site.signer.token(Purpose.PREFERENCES, endpoint)}"
    posts: list[tuple[str, dict[str, str]]] = [
        (site.path(endpoint), {}),
        (preferences, {"do": "follow", "what": "区块链"}),
        (preferences, {"do": "pause"}),
        (preferences, {"do": "leave"}),
        (f"/e/{site.signer.token(Purpose.ERASE, person, site.clock.time + 86_400_000)}", {}),
        ("/subscribe", {"address": "new@example.com", "what": "区块链", "stamp": stamp}),
    ]
    clock = RestingClock()
    clock.time += 10_000
    locker.execute("BEGIN IMMEDIATE")
    async with busy_site(site, clock) as client:
        for path, form in posts:
            assert (await client.post(path, data=form)).status == 503, (path, form)
        for path in (site.path(endpoint), preferences, "/subscribe", "/issues"):
            rests = clock.rests
            assert (await client.get(path)).status == 200
            assert clock.rests == rests


async def test_the_store_waits_as_before_when_the_page_is_done(site: Site) -> None:
    endpoint = await site.subscribe()
    await site.post(site.path(endpoint))
    assert await site.store.call(lambda db: db.value("PRAGMA busy_timeout")) == 5000
