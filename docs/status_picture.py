"""Makes docs/pictures/status.svg from a real run on loopback: python docs/status_picture.py [MINUTES]

Two relays that are paced, a bot, a webhook that answers and one where nobody answers, and a column paused for the bot.
The screen is the one that `dispatch status --watch` shows after so many minutes; only the machine's name is replaced.
"""

from __future__ import annotations

import asyncio
import html
import io
import ipaddress
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from pydantic import SecretStr
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.cells import cell_len
from rich.console import Console

from dispatch import archive
from dispatch.app import App
from dispatch.assets import config_dir
from dispatch.cli.status_screen import screen
from dispatch.delivery import control
from dispatch.delivery.status import Status
from dispatch.delivery.status_reader import Reader
from dispatch.service import run_forever
from dispatch.settings import (
    DatabaseSettings,
    EmailSettings,
    IntakeSettings,
    Relay,
    Settings,
    TelegramSettings,
    WebhookSettings,
)
from dispatch.testing import BotApi, SmtpSink, WebhookReceiver
from subscribers import directory
from subscribers.audit import PROGRAM, Act, Way
from subscribers.database import Database
from subscribers.model import Address, Preferences

PICTURE = Path(__file__).parent / "pictures" / "status.svg"
MAILS, CHATS, HOOKS = 6_000, 1_500, 30
PAUSED_AFTER = 20  # seconds
TOKEN = "42:stand-in"  # noqa: S105 (a stand-in for the server of the tests)


async def main(minutes: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            first = await stack.enter_async_context(SmtpSink())
            second = await stack.enter_async_context(SmtpSink())
            bot = await stack.enter_async_context(BotApi(TOKEN))
            hooks = await stack.enter_async_context(WebhookReceiver())
            async with WebhookReceiver() as gone:
                down = gone.url("/news", host="localhost")  # closed again: nobody answers there
            app = App(_settings(Path(folder), first, second, bot))
            await asyncio.to_thread(_prepare, app, [*(hooks.url(f"/{n}") for n in range(HOOKS)), down])
            status = await _watched(app, minutes)
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(_drawn(status), encoding="utf-8")


def _settings(folder: Path, first: SmtpSink, second: SmtpSink, bot: BotApi) -> Settings:
    relay = Relay(name="second", host=second.host, port=second.port, security="none", rate=12)
    return Settings.model_construct(
        database=DatabaseSettings(url=f"sqlite:///{folder / 'dispatch.db'}"),
        intake=IntakeSettings(folder=folder / "inbox"),
        email=EmailSettings(
            host=first.host,
            port=first.port,
            security="none",
            rate=30,
            relays=(relay,),
            from_address="news@dispatch.test",
        ),
        telegram=TelegramSettings(token=SecretStr(TOKEN), api_base=bot.base_url, rate=5),
        webhook=WebhookSettings(allow_networks=(ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))),
    )


def _prepare(app: App, hooks: list[str]) -> None:
    """The sample issue, approved, and readers who follow all of it."""
    reading = app.pickup.read(config_dir() / "samples" / "huoju-2022-05.md")
    with app.database() as db:
        added = app.pickup.take_in(db, reading, Act(app.clock.now(), PROGRAM, Way.FILE))
        with db.transaction():
            for address in _addresses(app, hooks):
                _subscribe(db, address, app.clock.now())
        with db.transaction():
            archive.approve(db, archive.load(db, added.id), "an editor", app.clock.now())


def _addresses(app: App, hooks: list[str]) -> Iterator[Address]:
    for number in range(MAILS):
        yield app.address("email", f"reader{number}@example.test")
    for number in range(CHATS):
        yield app.address("telegram", str(1_000_000 + number))
    for url in hooks:
        yield app.address("webhook", url)


def _subscribe(db: Database, address: Address, now: int) -> None:
    directory.add(
        db, name="", addresses=[address], follows=["all"], preferences=Preferences(), consent="a picture", now=now
    )


async def _watched(app: App, minutes: float) -> Status:
    """What is seen in the end by one who watches the program at work."""
    running = asyncio.create_task(run_forever(app))
    reader = Reader()
    with app.database() as db:
        for second in range(round(minutes * 60)):
            await asyncio.sleep(1)
            if second == PAUSED_AFTER:
                _pause(db, app.clock.now())
            status = reader.read(db, app.clock.now())
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return replace(status, processes=tuple(replace(process, host="news") for process in status.processes))


def _pause(db: Database, now: int) -> None:
    """A person looks at one column in one channel again."""
    stored = archive.load(db, archive.find(db, "534"))
    part = control.Part(1, "telegram")
    with db.transaction():
        control.pause(db, stored, part, "an editor", now)
    for _ in control.put_aside(db, stored.id, part, now):
        pass


def _drawn(status: Status) -> str:
    console = Console(record=True, width=140, file=io.StringIO(), highlight=False, markup=False)
    console.print(screen(status, console.width))
    plain = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)  # nothing is fetched
    drawn = console.export_svg(title="dispatch status --watch", code_format=plain, unique_id="status")
    return re.sub(r'textLength="([0-9.]+)"([^>]*)>([^<]*)</text>', _with_room, drawn)


def _with_room(found: re.Match[str]) -> str:
    """A text as wide as its cells: Rich counts characters, and a Chinese one takes two cells."""
    length, between, words = found.groups()
    text = html.unescape(words)
    wide = float(length) * cell_len(text) / len(text) if text else 0.0
    return f'textLength="{wide:g}"{between}>{words}</text>'


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 5))
