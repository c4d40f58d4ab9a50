"""Looking the installation over: each finding is `ok`, `off` (not set up), `note` (see to it) or `bad`."""

from __future__ import annotations

import asyncio
import os
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from dispatch import archive
from dispatch.app import App
from dispatch.channels.registry import off
from dispatch.delivery import integrity
from dispatch.delivery.integrity import Tick
from dispatch.errors import DispatchError
from dispatch.settings import Relay
from subscribers import directory
from subscribers.database import Database
from subscribers.errors import SubscriberError

_SECONDS = 5.0
_SECRET = re.compile(
    r"""^[^#\n]*(?:\b(?:password|token)\b["']?\s*=\s*["'][^"']|://[^\s"'@/]*:[^\s"'@/]+@)""", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Finding:
    what: str
    state: str
    detail: str


def examine(app: App, config: Path | None, tick: Tick = lambda what, done, total: None) -> list[Finding]:
    """All findings; `config` is the file of the settings. Nothing is changed. `tick` is told how far the look at the
    ledger is."""
    return [
        *_configuration(config),
        *_settings(config),
        *_catalog(app),
        *_database(app, tick),
        *_inbox(app),
        *_channels(app),
        *_web(app),
    ]


def _configuration(config: Path | None) -> Iterator[Finding]:
    where = str(config) if config else "no dispatch.toml here and no DISPATCH_CONFIG: defaults and the environment"
    yield Finding("configuration", "ok" if config else "note", where)


def _settings(config: Path | None) -> Iterator[Finding]:
    """A file with passwords or tokens in it is nobody else's to read."""
    if config is None or os.name != "posix" or not config.stat().st_mode & 0o077:
        return
    if _SECRET.search(config.read_text(encoding="utf-8-sig")):
        detail = f"{config} holds a password or token and others may read it; do: chmod 600 {config}"
        yield Finding("settings", "note", detail)


def _catalog(app: App) -> Iterator[Finding]:
    try:
        found = app.catalog
    except DispatchError as error:
        yield Finding("catalog", "bad", str(error))
        return
    names = ", ".join(bulletin.key for bulletin in found.bulletins)
    detail = f"{len(found.parks)} parks, {len(found.topics)} topics; bulletins: {names}"
    yield Finding("catalog", "ok", detail)


def _database(app: App, tick: Tick) -> Iterator[Finding]:
    try:
        with app.database() as db:
            broken = db.damage()
            detail = f"{db.where} ({db.server()})"
            yield Finding("database", "bad" if broken else "ok", f"{detail}: {broken}" if broken else detail)
            yield from _contents(app, db)
            yield from _ledger(db, tick)
    except SubscriberError as error:
        yield Finding("database", "bad", str(error))


def _ledger(db: Database, tick: Tick) -> Iterator[Finding]:
    faults = [*integrity.structure(db), *map(str, integrity.examine(db, tick))]
    for words in faults:
        yield Finding("ledger", "bad", words)
    if not faults:
        yield Finding("ledger", "ok", "what is owed, what is sent and what was tried agree")


def _contents(app: App, db: Database) -> Iterator[Finding]:
    counts = {row["channel"]: row["endpoints"] for row in db.all(directory.SQL["count_active"])}
    detail = ", ".join(f"{count} by {name}" for name, count in counts.items()) or "none yet"
    yield Finding("active endpoints", "ok" if counts else "note", detail)
    for name in counts:
        if name in off(app.settings):
            yield Finding(name, "note", f"{counts[name]} endpoints wait for it: {off(app.settings)[name]}")
    held = archive.rows(db, "held")
    if held:
        names = ", ".join(f"{row['bulletin']}:{row['ref']}" for row in held[:5])
        yield Finding("held issues", "note", f"{len(held)}: {names}; approve with: dispatch issues approve ID")


def _inbox(app: App) -> Iterator[Finding]:
    folder = app.settings.intake.folder
    if not folder.is_dir():
        yield Finding("inbox", "note", f"{folder} is not there; dispatch run makes it")
    elif not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield Finding("inbox", "bad", f"{folder} cannot be written: taken files could not be moved")
    else:
        yield Finding("inbox", "ok", str(folder))


def _channels(app: App) -> Iterator[Finding]:
    missing = off(app.settings)
    for name, words in missing.items():
        yield Finding(name, "off", words)
    if "email" not in missing:
        for relay in app.settings.email.all_relays:
            yield _relay(relay)
    if "telegram" not in missing:
        for bot in app.settings.telegram.all_bots:
            parts = urlsplit(bot.api_base)
            port = parts.port or (443 if parts.scheme == "https" else 80)
            yield _answers(f"telegram bot {bot.name}", parts.hostname or "", port, bot.api_base)
    if "webhook" not in missing:
        networks = ", ".join(map(str, app.settings.webhook.allow_networks)) or "none"
        yield Finding("webhook", "ok", f"networks of your own that are allowed: {networks}")


def _relay(relay: Relay) -> Finding:
    """A session as a send would open it: with TLS and the log-in."""
    from dispatch.channels.email.session import check

    what, where = f"email relay {relay.name}", f"{relay.host}:{relay.resolved_port} ({relay.security})"
    bounded = relay.model_copy(update={"timeout": min(relay.timeout, _SECONDS)})
    fault = asyncio.run(check(bounded))
    return Finding(what, "bad", f"{where}: {fault}") if fault else Finding(what, "ok", f"{where} takes a session")


def _answers(what: str, host: str, port: int, where: str) -> Finding:
    try:
        socket.create_connection((host, port), timeout=_SECONDS).close()
    except OSError as error:
        return Finding(what, "bad", f"nobody answers at {where}: {error.strerror or error}")
    return Finding(what, "ok", f"{where} answers")


def _web(app: App) -> Iterator[Finding]:
    web = app.settings.web
    if web.base_url:
        yield Finding("pages", "ok", f"{web.base_url}, served on {web.listen} by dispatch run")
    else:
        detail = "set [web] base_url for pages and one-click unsubscribe; until then people unsubscribe by mail"
        yield Finding("pages", "off", detail)
