"""Makes docs/pictures/report.png from a real run on loopback: python docs/report_picture.py [SECONDS AT MOST]

The sample issue goes to some thousand readers by a paced relay, a bot and webhooks. Some mailboxes are unknown, some
put off what comes first, some chats have blocked the bot, a webhook is broken, and readers leave while it is sent.
Chromium, which has to be installed, takes the picture of the page that `dispatch report --html` writes.
"""

from __future__ import annotations

import asyncio
import ipaddress
import random
import shutil
import subprocess
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from pydantic import SecretStr

from dispatch import archive
from dispatch.app import App
from dispatch.assets import config_dir
from dispatch.cli.report import page
from dispatch.model import IssueState
from dispatch.report.outcome import gather
from dispatch.service import run_forever
from dispatch.settings import (
    DatabaseSettings,
    EmailSettings,
    IntakeSettings,
    Settings,
    TelegramSettings,
    WebhookSettings,
)
from dispatch.testing import BotApi, SmtpSink, WebhookReceiver
from subscribers import directory
from subscribers.audit import PROGRAM, Act, Way
from subscribers.database import Database
from subscribers.model import Address, Preferences

PICTURE = Path(__file__).parent / "pictures" / "report.png"
SIZE = (900, 1594)  # as far as the end of a section
MAILS, CHATS, HOOKS = 2_400, 700, 40
TOKEN = "42:stand-in"  # noqa: S105 (a stand-in for the server of the tests)
FOLLOWS = ("all", "park:南昌高新区", "province:江苏省", "topic:blockchain", "park:大连高新区", "province:山东省")


async def main(seconds: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            smtp = await stack.enter_async_context(SmtpSink())
            bot = await stack.enter_async_context(BotApi(TOKEN))
            hooks = await stack.enter_async_context(WebhookReceiver())
            _misbehave(smtp, bot, hooks)
            app = App(_settings(Path(folder), smtp, bot))
            await asyncio.to_thread(_prepare, app, [hooks.url(f"/{n}") for n in range(HOOKS)])
            await _run(app, seconds)
        text = await asyncio.to_thread(_page, app)
        await asyncio.to_thread(_picture, text, Path(folder))


def _misbehave(smtp: SmtpSink, bot: BotApi, hooks: WebhookReceiver) -> None:
    for number in range(0, MAILS, 40):
        mailbox = f"reader{number}@example.test"
        smtp.answer("RCPT", f"550 5.1.1 <{mailbox}>: user unknown", lambda step, to=mailbox: step.recipient == to)
    for number in range(7, MAILS, 25):
        mailbox = f"reader{number}@example.test"
        smtp.answer("RCPT", "451 4.7.1 greylisted, try again", lambda step, to=mailbox: step.recipient == to, times=1)
    for number in range(11, MAILS, 90):
        mailbox = f"reader{number}@example.test"
        smtp.answer("RCPT", "552 5.2.2 mailbox full", lambda step, to=mailbox: step.recipient == to)
    for number in range(0, CHATS, 35):
        bot.block(1_000_000 + number)
    hooks.answer("/3", 500, body=b"database is down")
    hooks.answer("/8", 503, times=1)


def _settings(folder: Path, smtp: SmtpSink, bot: BotApi) -> Settings:
    return Settings.model_construct(
        database=DatabaseSettings(url=f"sqlite:///{folder / 'dispatch.db'}"),
        intake=IntakeSettings(folder=folder / "inbox"),
        email=EmailSettings(
            host=smtp.host,
            port=smtp.port,
            security="none",
            rate=60,
            retry_delays=(25.0, 40.0),
            from_address="news@dispatch.test",
        ),
        telegram=TelegramSettings(token=SecretStr(TOKEN), api_base=bot.base_url, rate=20),
        webhook=WebhookSettings(
            allow_networks=(ipaddress.ip_network("127.0.0.0/8"),), retry_delays=(10.0, 20.0), expire_hours=0.015
        ),
    )


def _prepare(app: App, hooks: list[str]) -> None:
    """The sample issue, approved, and readers who follow all of it or a part."""
    reading = app.pickup.read(config_dir() / "samples" / "huoju-2022-05.md")
    dice = random.Random(534)  # noqa: S311 (the same picture each time)
    addresses = [app.address("email", f"reader{number}@example.test") for number in range(MAILS)]
    addresses += [app.address("telegram", str(1_000_000 + number)) for number in range(CHATS)]
    addresses += [app.address("webhook", url) for url in hooks]
    with app.database() as db:
        added = app.pickup.take_in(db, reading, Act(app.clock.now(), PROGRAM, Way.FILE))
        with db.transaction():
            for address in addresses:
                _subscribe(app, db, address, dice)
        with db.transaction():
            archive.approve(db, archive.load(db, added.id), "editor", app.clock.now())


def _subscribe(app: App, db: Database, address: Address, dice: random.Random) -> None:
    word = dice.choices(FOLLOWS, (40, 14, 14, 14, 9, 9))[0]
    follows, now = [app.catalog.resolve(word)], app.clock.now()
    directory.add(
        db, name="", addresses=[address], follows=follows, preferences=Preferences(), consent="a picture", now=now
    )


async def _run(app: App, seconds: float) -> None:
    running = asyncio.create_task(run_forever(app))
    await asyncio.sleep(8)
    await asyncio.to_thread(_leave, app)
    for _ in range(round(seconds)):
        await asyncio.sleep(1)
        if await asyncio.to_thread(_ended, app):
            break
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def _ended(app: App) -> bool:
    with app.database() as db:
        return archive.load(db, archive.find(db, "534")).state is IssueState.SENT


def _leave(app: App) -> None:
    with app.database() as db, db.transaction():
        for endpoint in range(5, MAILS, 60):
            directory.opt_out(db, endpoint, app.clock.now())
        for endpoint in range(17, MAILS, 150):
            directory.unfollow(db, endpoint, directory.get(db, endpoint).endpoints[0].follows)


def _page(app: App) -> str:
    with app.database() as db:
        stored = archive.load(db, archive.find(db, "534"))
        return page(app, gather(db, stored, app.expire_ms(), app.clock.now()), "zh")


def _picture(text: str, folder: Path) -> None:
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if not found:
        sys.exit("chromium is not installed")
    file = folder / "report.html"
    file.write_text(text, encoding="utf-8")
    PICTURE.parent.mkdir(exist_ok=True)
    size = f"--window-size={SIZE[0]},{SIZE[1]}"
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", size, f"--screenshot={PICTURE}"]
    subprocess.run([found, *options, file.as_uri()], check=True, capture_output=True)  # noqa: S603


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 300))
