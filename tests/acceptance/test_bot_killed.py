"""A program that is killed while people talk with its bot: the next start goes on. Every update was handled once and in
its order, and nobody is answered twice; unanswered is at most what was just being said when it was killed.

`DISPATCH_TEST_SEED` repeats the moments of a run.
"""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dispatch import archive
from dispatch.catalog import load_catalog
from dispatch.testing import BotApi
from dispatch.testing.telegram.users import User
from dispatch.testing.telegram_html import parse_html
from subscribers.database import SCHEMA, Database
from tests.acceptance.conftest import Command, free_port
from tests.acceptance.killing import PATIENCE, seed_of_environment

PEOPLE = 8
_LOOK_AGAIN = 0.02  # seconds between two looks at what tells nobody that it changes
_JUST_AFTER = 0.03


@dataclass
class Person:
    """Somebody who follows and drops parks, each once; `follows` is what is right at the end."""

    user: User
    asked: list[tuple[str, str]] = field(default_factory=list)
    follows: list[str] = field(default_factory=list)

    async def ask(self, park: str, chance: random.Random) -> None:
        """Follow this park, or drop the one that was followed last."""
        drops = bool(self.follows) and chance.random() < 0.4
        park = self.follows.pop() if drops else park
        if not drops:
            self.follows.append(park)
        self.asked.append(("取消" if drops else "", park))
        await self.user.send(f"/unfollow {park}" if drops else f"/follow {park}")

    @property
    def answers(self) -> Counter[tuple[str, str]]:
        """What was answered: each message names the one park that it is about."""
        return Counter(_meant(text) for text in self.user.chat.texts)


def _meant(text: str) -> tuple[str, str]:
    did, _, rest = text.partition("：")
    assert did in ("已关注", "已取消关注"), text
    return ("取消" if did == "已取消关注" else "", rest.partition("。")[0])


class Campaign:
    """Lives of the program that end by SIGKILL, and a last one that ends well."""

    def __init__(self, dispatch: Command, api: BotApi, chance: random.Random) -> None:
        self._dispatch = dispatch
        self._api = api
        self._chance = chance
        self._parks = [park.name for park in load_catalog().parks]
        chance.shuffle(self._parks)
        self.people = [Person(api.user(f"U{number}")) for number in range(PEOPLE)]
        self.cut_off: set[tuple[int, tuple[str, str]]] = set()  # replies that were begun when it was killed
        self.kills_in_talk = 0

    async def live(self) -> None:
        """A life in which everybody says something, some before it listens and some meanwhile."""
        early, late = self._people_in_turn()
        for person in early:
            await person.ask(self._parks.pop(), self._chance)
        process = await self._start()
        try:
            said = len(self._api.messages)
            answers = said + self._chance.randint(1, PEOPLE - 2)
            await self._api.messages.reached(said + 1, within=PATIENCE)
            for person in late:
                await person.ask(self._parks.pop(), self._chance)
            await self._api.messages.reached(answers, within=PATIENCE)
            # Nobody can tell when it is right in the middle of something: any moment of the next few is as good.
            await asyncio.sleep(self._chance.uniform(0, _JUST_AFTER))
        finally:
            process.kill()
            assert await process.wait() == -signal.SIGKILL, self._log
        self._look_what_is_open()

    def _people_in_turn(self) -> tuple[list[Person], list[Person]]:
        people = self._chance.sample(self.people, len(self.people))
        half = self._chance.randint(2, len(people))
        return people[:half], people[half:]

    async def _start(self) -> asyncio.subprocess.Process:
        with (self._dispatch.folder / "log.txt").open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "dispatch", "run"),
                cwd=self._dispatch.folder,
                env=self._dispatch.environment,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=log,
            )

    @property
    def _log(self) -> str:
        return (self._dispatch.folder / "log.txt").read_text("utf-8")

    def _look_what_is_open(self) -> None:
        with closing(self.database()) as db:
            open_ = db.all("SELECT body, replies, begun FROM bot_updates WHERE body <> '' OR replies <> ''")
        self.kills_in_talk += bool(open_)
        for row in open_:
            for name, call in json.loads(row["replies"] or "[]")[: row["begun"]]:
                assert name == "SendMessage"
                self.cut_off.add((call["chat_id"], _meant(parse_html(call["text"]).text)))

    def database(self) -> Database:
        url = self._dispatch.environment["DISPATCH_DATABASE__URL"]
        return Database.open(url, (SCHEMA, archive.SCHEMA))

    async def end(self) -> None:
        """A life in which all is answered, and that is told to stop."""
        process = await self._start()
        try:
            with closing(self.database()) as db:
                await becomes(lambda: not self._api.me.updates.pending and not self._left(db))
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(30):
                assert await process.wait() == 0, self._log
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert "Traceback" not in self._log

    @staticmethod
    def _left(db: Database) -> int:
        return int(db.value("SELECT COUNT(*) FROM bot_updates WHERE body <> '' OR replies <> ''"))


async def becomes(reached: Callable[[], bool]) -> None:
    """Wait for what tells nobody that it changes: it is looked at again and again."""
    async with asyncio.timeout(PATIENCE):
        while not reached():  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(_LOOK_AGAIN)


def told(folder: Path, api: BotApi, updates: str, url: str) -> Command:
    port = free_port()
    settings = {
        "DISPATCH_DATABASE__URL": url,
        "DISPATCH_INTAKE__FOLDER": str(folder / "inbox"),
        "DISPATCH_ENGINE__POLL": "0.1",
        "DISPATCH_WEB__BASE_URL": f"http://127.0.0.1:{port}",
        "DISPATCH_WEB__LISTEN": f"127.0.0.1:{port}",
        "DISPATCH_TELEGRAM__TOKEN": api.token,
        "DISPATCH_TELEGRAM__API_BASE": api.base_url,
        "DISPATCH_TELEGRAM__UPDATES": updates,
        "DISPATCH_TELEGRAM__CHAT_INTERVAL": "0.05",
    }
    (folder / "inbox").mkdir()
    Database.open(url, (SCHEMA, archive.SCHEMA)).close()
    return Command(folder, settings)


@pytest.mark.parametrize(
    ("updates", "dialect", "kills"), [("polling", "sqlite", 10), ("webhook", "sqlite", 6), ("polling", "postgresql", 4)]
)
async def test_kills_lose_no_update_and_repeat_no_reply(
    tmp_path: Path, database_url: str, updates: str, kills: int
) -> None:
    seed = seed_of_environment()
    sys.stdout.write(f"seed {seed}\n")
    async with BotApi() as api:
        campaign = Campaign(told(tmp_path, api, updates, database_url), api, random.Random(seed))
        for _ in range(kills):
            await campaign.live()
        await campaign.end()
    assert campaign.kills_in_talk, "nothing was left to do when it was killed"
    missing = set()
    for person in campaign.people:
        assert not person.answers - Counter(person.asked), "somebody was answered twice, or otherwise than at first"
        missing |= {(person.user.id, asked) for asked in (Counter(person.asked) - person.answers)}
    assert missing <= campaign.cut_off
    assert len(missing) <= kills * PEOPLE
    with closing(campaign.database()) as db:
        rows = db.all(
            "SELECT e.address, f.tag FROM endpoints e JOIN follows f ON f.endpoint_id = e.id ORDER BY e.address, f.tag"
        )
    found = {(row["address"], row["tag"]) for row in rows}
    assert found == {(str(person.user.id), f"park:{park}") for person in campaign.people for park in person.follows}
