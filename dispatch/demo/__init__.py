"""The main job, shown: the bundled issue goes through all of it, to receivers on this machine.

The database is temporary, the network is loopback, and what the receivers saw is compared with what each subscriber
is owed, worked out in another way than the product does.
"""

from __future__ import annotations

import asyncio
import ipaddress
import shutil
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from dispatch import archive
from dispatch.app import App
from dispatch.assets import config_dir
from dispatch.delivery import reports
from dispatch.demo import check, files
from dispatch.demo.check import Got
from dispatch.demo.people import LEFT, PEOPLE, Person
from dispatch.model import Issue
from dispatch.output import say, table
from dispatch.progress import sending
from dispatch.service import Report, run_once
from dispatch.settings import (
    DatabaseSettings,
    EmailSettings,
    IntakeSettings,
    Settings,
    TelegramSettings,
    WebhookSettings,
    WebSettings,
)
from dispatch.testing import BotApi, Limits, SmtpSink, WebhookReceiver
from subscribers import directory
from subscribers.audit import Act, Way
from subscribers.database import Database
from subscribers.model import Address, Preferences

_SAMPLE = "huoju-2022-05.md"
_TOKEN = "534:DEMO-loopback-only"  # noqa: S105 - good for the demo's own server alone


@dataclass(frozen=True, slots=True)
class Receivers:
    smtp: SmtpSink
    bot: BotApi
    hooks: WebhookReceiver

    @property
    def hook_url(self) -> str:
        return self.hooks.url("")


def run_demo(out: Path) -> bool:
    """Run it, print the table, leave the received messages in `out`; whether all was as it should be."""
    with tempfile.TemporaryDirectory(prefix="dispatch-demo-") as folder:
        return asyncio.run(_demo(Path(folder), out))


async def _demo(folder: Path, out: Path) -> bool:
    async with AsyncExitStack() as stack:
        receivers = Receivers(
            await stack.enter_async_context(SmtpSink()),
            await stack.enter_async_context(BotApi(_TOKEN, limits=Limits())),
            await stack.enter_async_context(WebhookReceiver()),
        )
        app = App(_settings(folder, receivers))
        return await _show(app, receivers, out)


def _settings(folder: Path, receivers: Receivers) -> Settings:
    # Constructed, not loaded: the environment of an installation of the reader's own must not lead the demo elsewhere.
    return Settings.model_construct(
        database=DatabaseSettings(url=f"sqlite:///{folder / 'demo.db'}"),
        intake=IntakeSettings(folder=folder / "inbox"),
        email=EmailSettings(
            host=receivers.smtp.host,
            port=receivers.smtp.port,
            security="none",
            from_address="bulletin@dispatch.test",
        ),
        telegram=TelegramSettings(token=SecretStr(_TOKEN), api_base=receivers.bot.base_url),
        webhook=WebhookSettings(allow_networks=(ipaddress.ip_network("127.0.0.0/8"),)),
        web=WebSettings(base_url="https://dispatch.test"),
    )


async def _show(app: App, receivers: Receivers, out: Path) -> bool:
    say("1. An editor drops the issue into the inbox; it is taken in and held.")
    inbox = app.settings.intake.folder
    inbox.mkdir()
    shutil.copy(config_dir() / "samples" / _SAMPLE, inbox)
    await run_once(app)
    with app.database() as db:
        stored = archive.load(db, archive.find(db, "534"))
        _tell_issue(stored.issue, stored.state)
        say(f"2. {len(PEOPLE)} subscribers follow parks, provinces, topics and columns; one leaves again.")
        _subscribe(app, db, receivers)
        say("3. The issue is approved, planned and sent.")
        with db.transaction():
            archive.approve(db, stored, "demo", app.clock.now())
    with sending() as tick:
        report = await run_once(app, tick)
    again = await _again(app, receivers)
    return _judge(app, stored.issue, receivers, report, again, out)


def _tell_issue(issue: Issue, state: str) -> None:
    articles = sum(len(column.articles) for column in issue.columns)
    say(f"   {issue.title} {issue.year}年第{issue.number}期(总第{issue.total}期) {issue.date}: {state}")
    say(f"   {len(issue.columns)} columns, {articles} articles: {'、'.join(c.name for c in issue.columns)}")


def _subscribe(app: App, db: Database, receivers: Receivers) -> None:
    act = Act(app.clock.now(), "demo", Way.COMMAND)
    for person in PEOPLE:
        with db.transaction():
            added = directory.add(
                db,
                name=person.name,
                addresses=_addresses(app, person, receivers),
                follows=[app.catalog.resolve(word) for word in person.follows],
                preferences=Preferences(language=person.language, format=person.format, bundled=person.bundled),
                consent="demo",
                act=act,
            )
            if person.name in LEFT:
                for endpoint in directory.get(db, added).endpoints:
                    directory.opt_out(db, endpoint.id, act)


def _addresses(app: App, person: Person, receivers: Receivers) -> list[Address]:
    found = []
    if person.email:
        found.append(app.address("email", person.email))
    if person.telegram:
        found.append(app.address("telegram", person.telegram))
    if person.webhook:
        hook = app.address("webhook", receivers.hook_url + person.webhook)
        receivers.hooks.expect(person.webhook, hook.secret)
        found.append(hook)
    return found


async def _again(app: App, receivers: Receivers) -> int:
    """How many messages a second run sends: none, if all is well."""
    before = _count(receivers)
    await run_once(app)
    return _count(receivers) - before


def _count(receivers: Receivers) -> int:
    return len(receivers.smtp.messages) + len(receivers.bot.messages) + len(receivers.hooks.requests)


def _judge(app: App, issue: Issue, receivers: Receivers, report: Report, again: int, out: Path) -> bool:
    files.clear(out)
    files.write_mails(out, receivers.smtp.messages)
    files.write_chats(out, receivers.bot.messages)
    files.write_hooks(out, receivers.hooks.requests)
    with app.database() as db:
        rows = list(reports.deliveries(db))
    _print_rows(app, rows)
    wanted = check.expected(issue, app.catalog, PEOPLE, receivers.hook_url)
    seen = sorted(
        check.seen_by_mail(receivers.smtp.messages, issue)
        + check.seen_in_chats(receivers.bot.messages, issue)
        + check.seen_by_hooks(receivers.hooks.requests, receivers.hook_url)
    )
    recorded = [
        Got(row["channel"], row["address"], row["column"], tuple(row["articles"]))
        for row in rows
        if row["state"] == "sent"
    ]
    checks: list[tuple[str, list[str]]] = [
        ("what the receivers saw is what was owed", check.differences(wanted, seen)),
        ("what the ledger says was sent is what was owed", check.differences(wanted, recorded)),
        ("every signature is right", [r.path for r in receivers.hooks.requests if not r.verified]),
        ("a second run sends nothing", [f"{again} messages"] if again else []),
        ("nothing failed or waits", _troubles(report)),
    ]
    return _verdict(checks, receivers, out)


def _troubles(report: Report) -> list[str]:
    summary = report.summary
    found = [f"{lane}: {reason}" for lane, reason in summary.outages.items()]
    counts = {"refused": summary.failed, "put off": summary.retried, "waiting": len(report.waiting)}
    return found + [f"{count} {name}" for name, count in counts.items() if count]


def _print_rows(app: App, rows: list[dict[str, object]]) -> None:
    def why(row: dict[str, object]) -> str:
        reason = str(row["reason"])
        if row["state"] != "sent":
            return reason
        return "、".join(app.catalog.label(tag, "zh") for tag in reason.split())

    drawn = []
    for row in rows:
        titles = " / ".join(map(str, row["articles"] if isinstance(row["articles"], list) else ()))
        address = str(row["address"]).rpartition("//")[2]
        drawn.append((row["subscriber"], row["channel"], address, row["column"], titles, why(row), row["state"]))
    table(("subscriber", "channel", "address", "digest", "articles", "why", "state"), drawn, empty="nothing was sent")


def _verdict(checks: list[tuple[str, list[str]]], receivers: Receivers, out: Path) -> bool:
    for words, faults in checks:
        say(f"{'FAILED' if faults else 'ok'}: {words}")
        for fault in faults[:10]:
            say(f"   {fault}")
    counts = f"{len(receivers.smtp.messages)} emails, {len(receivers.bot.messages)} chat messages"
    say(f"{counts} and {len(receivers.hooks.requests)} webhooks are in {out.resolve()}")
    say(f"open {out / 'email'} in a browser; next: dispatch init, dispatch doctor, dispatch run")
    return not any(faults for _, faults in checks)
