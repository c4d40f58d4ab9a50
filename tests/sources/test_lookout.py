"""All sources of an installation: each by itself, with what it remembers in the store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from dispatch.app import App
from dispatch.delivery.schedule import running
from dispatch.delivery.status_reader import Reader
from dispatch.delivery.store import Store
from dispatch.intake.pickup import Look
from dispatch.lookout import Lookout, sources_of
from dispatch.service import lookout
from dispatch.settings import Settings
from dispatch.sources import memory
from dispatch.sources.memory import Standing
from tests.sources.site import SAMPLE, FakeClock, Page, Silent, Site, index

NEVER = asyncio.Event


@dataclass
class Place:
    """An installation with a clock of its own."""

    folder: Path
    clock: FakeClock = field(default_factory=FakeClock)

    def app(self, *sources: dict[str, Any], **intake: Any) -> App:
        found = {"folder": self.folder / "inbox", "originals": self.folder / "originals", "timeout": 10, **intake}
        settings = Settings.model_validate(
            {
                "database": {"url": f"sqlite:///{self.folder / 'store.db'}"},
                "intake": found,
                "sources": sources,
            }
        )
        return App(settings, self.clock)

    @asynccontextmanager
    async def looking(self, *sources: dict[str, Any], **intake: Any) -> AsyncIterator[tuple[Lookout, Store]]:
        app = self.app(*sources, **intake)
        async with app.store() as store:
            yield lookout(app, store), store


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def words(looks: list[Look]) -> list[str]:
    return [look.added.outcome if look.added else str(look.error) for look in looks]


async def test_an_issue_is_taken_in_from_a_page_and_known_after_a_restart(place: Place) -> None:
    async with Site({"/": index("/x.md"), "/x.md": Page(SAMPLE, "text/markdown")}) as site:
        source = {"kind": "page", "name": "site", "url": f"{site.base_url}/"}
        async with place.looking(source) as (looking, store):
            assert words(await looking.everywhere(NEVER())) == ["added"]
            found = await store.call(memory.standing, "site")
            assert (found.kind, found.last_taken, found.failures) == ("page", "huoju:534", 0)
            assert found.next_at == place.clock.now() + 3_600_000
        site.fetched()
        async with place.looking(source) as (looking, _):
            assert await looking.everywhere(NEVER()) == []
        assert site.fetched() == ["/"]


@pytest.mark.parametrize("after", ["move", "keep"])
async def test_a_store_that_fails_refuses_no_file(place: Place, tmp_path: Path, after: str) -> None:
    drive = tmp_path / "drive"
    drive.mkdir()
    (drive / "issue.md").write_bytes(SAMPLE)
    source = {"kind": "folder", "name": "drive", "path": str(drive), "settle": 0.001, "after": after}
    full = "CREATE TRIGGER full BEFORE INSERT ON articles BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
    async with place.looking(source) as (looking, store):
        await looking.everywhere(NEVER())
        await store.call(lambda db: db.run(full))
        place.clock.ms += 60_000
        [told] = words(await looking.everywhere(NEVER()))
        assert "disk is full" in told
        assert "it is tried again" in told
        assert (drive / "issue.md").exists()
        found = await store.call(memory.standing, "drive")
        assert "disk is full" in found.last_error
        await store.call(lambda db: db.run("DROP TRIGGER full"))
        place.clock.ms += 60_000
        assert words(await looking.everywhere(NEVER())) == ["added"]


async def test_the_inbox_comes_first_and_needs_no_folder(place: Place) -> None:
    async with place.looking() as (looking, store):
        assert [source.name for source in looking.sources] == ["inbox"]
        assert await looking.everywhere(NEVER()) == []
        (place.folder / "inbox").mkdir()
        (place.folder / "inbox" / "a.md").write_bytes(SAMPLE)
        (place.folder / "inbox" / "b.md").write_text("no issue", encoding="utf-8")
        assert sorted(word[:5] for word in words(await looking.everywhere(NEVER()))) == sorted(
            ["added", str(place.folder)[:5]]
        )
        assert (place.folder / "inbox" / "taken" / "a.md").exists()
        assert (place.folder / "inbox" / "refused" / "b.md.reason.txt").exists()
        assert (await store.call(memory.standing, "inbox")).failures == 0  # the folder itself is well


async def test_a_source_that_hangs_delays_no_other(place: Place) -> None:
    async with Silent() as silent, Site({"/x.md": Page(SAMPLE, "text/markdown")}) as site:
        sources: list[dict[str, Any]] = [
            {"kind": "feed", "name": "hangs", "url": f"{silent.base_url}/feed", "robots": False},
            {"kind": "file", "name": "well", "url": f"{site.base_url}/x.md"},
        ]
        async with place.looking(*sources) as (looking, store):
            taken = asyncio.Event()
            stopping = asyncio.Event()
            real = looking._take_in

            async def take_in(path: Path, name: str) -> Look:
                look = await real(path, name)
                taken.set()
                return look

            watching = Lookout(place.app(*sources), store, take_in, sources=looking.sources)
            async with running(watching.jobs(stopping), 10):
                async with asyncio.timeout(60):
                    await taken.wait()
                stopping.set()
            assert (await store.call(memory.standing, "hangs")).checked_at == 0


async def test_a_source_that_fails_is_shown_and_tried_later_and_later_and_is_well_again(place: Place) -> None:
    async with Site({"/feed": Page(status=500)}) as site:
        source = {"kind": "feed", "name": "news", "url": f"{site.base_url}/feed?key=secret", "robots": False}
        async with place.looking(source) as (looking, store):
            watching = Lookout(place.app(source), store, looking._take_in, chance=lambda: 1.0)
            job = next(job for job in watching.jobs(NEVER()) if job.name == "source news")
            pauses = []
            for _ in range(13):
                await job.work()
                site.asked.clear()
                await job.work()  # too early: nothing is asked for
                assert site.asked == []
                found = await store.call(memory.standing, "news")
                pauses.append((found.next_at - place.clock.now()) // 1000)
                place.clock.ms = found.next_at
            assert pauses[:4] == [60, 120, 240, 480]
            assert pauses[-1] == 86_400
            [failing] = (await store.call(Reader().read, place.clock.now())).failing_sources
            assert (failing.name, failing.failures) == ("news", 13)
            assert "answered 500" in failing.error
            assert "secret" not in repr(failing) + repr(found)
            site.pages["/feed"] = Page(b'<rss version="2.0"><channel><title>t</title></channel></rss>')
            await job.work()
            assert (await store.call(memory.standing, "news")).failing_since is None


async def test_a_rest_that_a_server_asks_for_is_kept_whoever_calls(place: Place) -> None:
    async with Site({"/x.md": Page(status=503, headers={"Retry-After": "7200"})}) as site:
        source = {"kind": "file", "name": "latest", "url": f"{site.base_url}/x.md"}
        async with place.looking(source) as (looking, store):
            await looking.everywhere(NEVER())
            found = await store.call(memory.standing, "latest")
            assert (found.next_at - place.clock.now(), found.asked) == (7_200_000, 1)
        async with place.looking(source) as (looking, _):
            assert "asked us to wait" in words(await looking.everywhere(NEVER()))[0]
            assert site.fetched() == ["/x.md"]
            place.clock.ms += 7_200_000
            site.pages["/x.md"] = Page(SAMPLE, "text/markdown")
            assert words(await looking.everywhere(NEVER())) == ["added"]


async def test_back_off_has_jitter_and_a_clock_that_is_set_back_puts_nothing_off_for_ever(place: Place) -> None:
    async with Site({}) as site:
        source = {"kind": "file", "name": "x", "url": f"{site.base_url}/x.md"}
        async with place.looking(source) as (looking, store):
            watching = Lookout(place.app(source), store, looking._take_in, chance=lambda: 0.0)
            job = next(job for job in watching.jobs(NEVER()) if job.name == "source x")
            await job.work()
            found = await store.call(memory.standing, "x")
            assert found.next_at - place.clock.now() == 30_000
            place.clock.ms -= 10 * 86_400_000
            site.fetched()
            await job.work()
            assert site.fetched() == ["/x.md"]


async def test_a_document_that_is_no_issue_is_refused_and_the_source_is_well(place: Place) -> None:
    pages = {"/": index("/x.md"), "/x.md": Page(b"nothing", "text/markdown", headers={"ETag": '"1"'})}
    async with Site(pages) as site:
        source = {"kind": "page", "name": "site", "url": f"{site.base_url}/"}
        async with place.looking(source) as (looking, store):
            assert len(await looking.everywhere(NEVER())) == 1
            assert (await store.call(memory.standing, "site")).failures == 0
            assert [known.outcome for known in (await store.call(memory.load, "site")).items.values()] == ["refused"]
            assert await looking.everywhere(NEVER()) == []


async def test_a_source_that_the_settings_have_no_longer_fails_no_longer(place: Place) -> None:
    async with place.looking({"kind": "folder", "name": "drive", "path": str(place.folder / "no")}) as (looking, store):
        assert "no such folder" in words(await looking.everywhere(NEVER()))[0]
        assert list(await store.call(memory.failing)) == ["drive"]
    async with place.looking() as (looking, store):
        await looking.settle()
        assert await store.call(memory.failing) == {}


async def test_addresses_of_before_keep_what_they_remember(place: Place) -> None:
    async with Site({"/x.md": Page(SAMPLE, "text/markdown", headers={"ETag": '"1"'})}) as site:
        url = f"{site.base_url}/x.md?key=secret"
        async with place.looking(urls=[url]) as (looking, store):

            def before(db: Any) -> None:
                with db.transaction():
                    memory.save(db, url, {"etag": '"1"'}, Standing())

            await store.call(before)
            assert await looking.everywhere(NEVER()) == []
            assert "secret" not in looking.sources[-1].place


def test_the_folders_come_first_and_the_plain_addresses_last(place: Place) -> None:
    app = place.app(
        {"kind": "feed", "name": "news", "url": "https://x.test/feed"},
        {"kind": "folder", "name": "drive", "path": "/mnt/x"},
        urls=["https://x.test/x.md"],
    )
    found = sources_of(app.settings, app.clock)
    assert [source.kind for source in found] == ["folder", "folder", "feed", "file"]
