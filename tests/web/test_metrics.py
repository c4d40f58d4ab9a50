"""Metrics as Prometheus gets them: over HTTP, read with its own parser."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiohttp import ClientSession
from prometheus_client.parser import text_string_to_metric_families

from dispatch import __version__, archive
from dispatch.delivery.clock import SystemClock
from dispatch.errors import Failure
from dispatch.web.metrics import metrics
from subscribers.database import SCHEMA, Database

NOW = 1_700_000_000_000
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


class Clock(SystemClock):
    """A clock in the test's hands; who sleeps waits for the test."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.asleep = asyncio.Event()
        self.wake = asyncio.Event()

    def now(self) -> int:
        return NOW + round(self.seconds * 1000)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.asleep.set()
        await self.wake.wait()


@pytest.fixture
def connect(tmp_path: Path) -> Callable[[], Database]:
    url = f"sqlite:///{tmp_path / 'dispatch.db'}"
    return lambda: Database.open(url, (SCHEMA, archive.SCHEMA))


@pytest.fixture
def db(connect: Callable[[], Database]) -> Iterator[Database]:
    database = connect()
    yield database
    database.close()


async def scrape(address: str) -> Samples:
    async with ClientSession() as client, client.get(f"http://{address}/metrics") as response:
        assert response.status == 200
        assert response.headers["Content-Type"].startswith("text/plain; version=")
        text = await response.text()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def fill(db: Database) -> None:
    db.run(
        "INSERT INTO lanes (name, queue, breaker, not_before, changed_at, sent, retried, failed, busy_ms)"
        " VALUES ('email:default', 'email', 'closed', 0, 0, 90, 7, 3, 2500),"
        " ('webhook:h', 'webhook:h', 'open', :later, :now, 0, 0, 0, 0)",
        {"later": NOW + 60_000, "now": NOW},
    )
    for name in ("process/there/1/2/3", "scheduler", "lane/email:default/0"):
        db.run(
            "INSERT INTO leases (name, owner, since, until) VALUES (:name, 'there/1/2/3', 0, :until)",
            {"name": name, "until": NOW + 900_000},
        )
    for number, (state, due_at) in enumerate(
        [("queued", NOW - 5_000), ("queued", NOW - 1_000), ("queued", NOW + 99_000), ("sending", 0), ("paused", 0)]
    ):
        db.run(
            "INSERT INTO messages (key, kind, channel, queue, priority, state, due_at, expires_at, created_at)"
            " VALUES (:key, 'digest', 'email', 'email', 1, :state, :due_at, 0, 0)",
            {"key": str(number), "state": state, "due_at": due_at},
        )


async def test_all_metrics_over_http(connect: Callable[[], Database], db: Database) -> None:
    fill(db)
    async with metrics(connect, "127.0.0.1:0", Clock()) as address:
        found = await scrape(address)

    def value(name: str, **labels: str) -> float:
        return found[name, tuple(sorted(labels.items()))]

    assert value("dispatch_build_info", version=__version__) == 1
    assert value("dispatch_processes") == 1
    assert (value("dispatch_role_held", role="scheduler"), value("dispatch_role_held", role="web")) == (1, 0)
    outcomes = [
        value("dispatch_messages_total", lane="email:default", outcome=name) for name in ("sent", "retried", "failed")
    ]
    assert outcomes == [90, 7, 3]
    assert value("dispatch_send_seconds_total", lane="email:default") == 2.5
    assert value("dispatch_lane_running", lane="email:default") == 1
    assert value("dispatch_lane_breaker_open", lane="webhook:h") == 1
    assert value("dispatch_lane_breaker_open", lane="email:default") == 0
    assert value("dispatch_lane_not_before_timestamp_seconds", lane="webhook:h") == NOW / 1000 + 60
    messages = [value("dispatch_queue_messages", queue="email", state=name) for name in ("due", "later", "sending")]
    assert messages == [2, 1, 1]
    assert value("dispatch_queue_oldest_due_seconds", queue="email") == 5
    assert value("dispatch_paused_messages", channel="email") == 1
    assert value("dispatch_issues", state="held") == 0


async def test_an_answer_serves_all_who_ask_within_seconds(connect: Callable[[], Database], db: Database) -> None:
    clock = Clock()
    held = ("dispatch_issues", (("state", "held"),))
    async with metrics(connect, "127.0.0.1:0", clock) as address:
        assert (await scrape(address))[held] == 0
        add_issue(db)
        assert (await scrape(address))[held] == 0
        clock.seconds += 60
        assert (await scrape(address))[held] == 1


def add_issue(db: Database) -> None:
    db.run(
        "INSERT INTO issues (bulletin, ref, title, publisher, year, number, total, state, fingerprint, source,"
        " warnings, added_at) VALUES ('huoju', '534', '', '', 2022, 5, 534, 'held', '', '', '[]', 0)"
    )


async def test_of_very_many_hosts_only_those_tell_where_something_happens(
    connect: Callable[[], Database], db: Database
) -> None:
    fill(db)
    db.many("INSERT INTO lanes (name, queue) VALUES (:name, :name)", [{"name": f"webhook:{n}"} for n in range(600)])
    async with metrics(connect, "127.0.0.1:0", Clock()) as address:
        found = await scrape(address)
    lanes = {dict(labels)["lane"] for name, labels in found if name == "dispatch_lane_running"}
    assert lanes == {"email:default", "webhook:h"}


async def test_a_sender_that_writes_holds_up_no_scrape(connect: Callable[[], Database], db: Database) -> None:
    async with metrics(connect, "127.0.0.1:0", Clock()) as address:
        with db.transaction():
            fill(db)
            assert ("dispatch_processes", ()) in await scrape(address)


async def test_only_metrics_are_served(connect: Callable[[], Database]) -> None:
    async with metrics(connect, "127.0.0.1:0", Clock()) as address, ClientSession() as client:
        for path, status in (("/", 404), ("/u/token", 404), ("/metrics", 405)):
            method = "POST" if status == 405 else "GET"
            async with client.request(method, f"http://{address}{path}") as response:
                assert response.status == status


async def test_a_database_that_cannot_be_read_is_said_and_heals(connect: Callable[[], Database], db: Database) -> None:
    db.run("ALTER TABLE lanes RENAME TO lanes_away")
    async with metrics(connect, "127.0.0.1:0", Clock()) as address:
        async with ClientSession() as client, client.get(f"http://{address}/metrics") as response:
            assert response.status == 503
        db.run("ALTER TABLE lanes_away RENAME TO lanes")
        assert ("dispatch_processes", ()) in await scrape(address)


async def test_a_second_process_takes_the_address_over_when_the_first_ends(connect: Callable[[], Database]) -> None:
    clock = Clock()
    first = metrics(connect, "127.0.0.1:0", Clock())
    address = await first.__aenter__()
    async with metrics(connect, address, clock) as second:
        assert second == ""
        await clock.asleep.wait()
        await first.__aexit__(None, None, None)
        clock.asleep.clear()
        clock.wake.set()
        async with asyncio.timeout(30):
            while True:
                try:
                    assert await scrape(address)
                    break
                except OSError:
                    await asyncio.sleep(0)


async def test_an_address_that_is_none_of_ours_ends_the_start(connect: Callable[[], Database]) -> None:
    with pytest.raises(
        Failure, match=r"metrics cannot listen on 192\.0\.2\.1:9464: .*choose another \[metrics\] listen"
    ):
        async with metrics(connect, "192.0.2.1:9464", Clock()):
            pass
