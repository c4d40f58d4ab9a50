"""Looking the installation over: each finding is `ok`, `off` (not set up), `note` (see to it) or `bad`."""

from __future__ import annotations

import asyncio
import http.client
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from dispatch import archive, bot_check, bounce_places, mail_dns, retag
from dispatch.app import App
from dispatch.assets import templates_dir
from dispatch.catalog.lost import lost_follows
from dispatch.catalog.strays import strays
from dispatch.channels.registry import CHANNELS, off
from dispatch.delivery import integrity
from dispatch.delivery.integrity import Tick
from dispatch.digests.templates import template_faults
from dispatch.errors import DispatchError, SettingsError
from dispatch.findings import Finding
from dispatch.lookout import sources_of
from dispatch.output import when
from dispatch.ports import cannot_listen, is_held
from dispatch.settings import INBOX, Relay
from dispatch.sources import memory
from dispatch.upkeep.postgresql import Server
from subscribers import directory
from subscribers.database import Database
from subscribers.errors import SubscriberError

__all__ = ["Finding", "examine"]

_SECONDS = 5.0
_LONGEST_ANSWER = 1_000_000
_LOST = 10  # follows of what is gone that are told
_SECRET = re.compile(
    r"""^[^#\n]*(?:\b(?:password|token)\b["']?\s*=\s*["'][^"']|://[^\s"'@/]*:[^\s"'@/]+@)""", re.MULTILINE
)


def examine(
    app: App,
    config: Path | None,
    tick: Tick = lambda what, done, total: None,
    resolver: mail_dns.Resolver | None = None,
) -> list[Finding]:
    """All findings; `config` is the file of the settings. Nothing is changed. `tick` is told how far the look at the
    ledger is; DNS is asked by `resolver`, else by that of the machine."""
    return [
        *_configuration(config),
        *_settings(config),
        *_catalog(app),
        *_templates(app),
        *_database(app, tick),
        *_backup(app),
        *_inbox(app),
        *_approvers(app),
        *_sources(app),
        *_channels(app),
        *_sender(app, resolver),
        *bounce_places.examine(app),
        *_web(app),
        *_metrics(app),
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
        yield Finding("catalog", "bad", f"{error} (all that is wrong: dispatch catalog check)")
        return
    names = ", ".join(bulletin.key for bulletin in found.bulletins)
    detail = f"{len(found.parks)} parks, {len(found.topics)} topics; bulletins: {names}"
    yield Finding("catalog", "ok", detail)
    folder = app.settings.catalog.folder
    for stray in strays(folder) if folder else ():
        yield Finding("catalog", "note", f"{stray.path}: {stray.reason}; {stray.remedy}")


def _templates(app: App) -> Iterator[Finding]:
    """Those of the installation; a digest, a page or a report would fail by them later."""
    folder = app.settings.templates.folder
    if folder is None:
        return
    if not folder.is_dir():
        yield Finding("templates", "bad", f"there is no folder {folder}; make it, or correct [templates] folder")
        return
    faults = [*template_faults(templates_dir(), folder)]
    for words in faults:
        yield Finding("templates", "bad", words)
    if not faults:
        yield Finding("templates", "ok", str(folder))


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


def _backup(app: App) -> Iterator[Finding]:
    """Whether `database backup` has the programs that it takes."""
    settings = app.settings
    if settings.database.url.startswith("sqlite:"):
        return
    server = Server(settings.database.url, settings.backup.postgresql_bin)
    try:
        server.check_programs()
    except DispatchError as error:
        yield Finding("backup", "note", f"no backup can be made with dispatch: {error}")
    else:
        yield Finding("backup", "ok", "pg_dump and pg_restore fit the server")


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
    yield from _tags(app, db)


def _tags(app: App, db: Database) -> Iterator[Finding]:
    """Whether the archive is tagged by the catalog as it is, and what is followed stands in it."""
    try:
        otherwise, lost = retag.tagged_otherwise(db, app.catalog), lost_follows(db, app.catalog)
    except DispatchError:
        return  # the catalog cannot be read, which is told already
    for found in lost[:_LOST]:
        yield Finding("follows", "note", f"{found.words}; {found.remedy}")
    if len(lost) > _LOST:
        yield Finding("follows", "note", f"{len(lost) - _LOST} more such; all of them: dispatch catalog check")
    if otherwise:
        names = ", ".join(otherwise[:5]) + (", …" if len(otherwise) > 5 else "")
        words = f"{len(otherwise)} issues were tagged by another catalog or other rules: {names}; what differs"
        yield Finding("tags", "note", f"{words}: dispatch tag --again --dry-run")


def _approvers(app: App) -> Iterator[Finding]:
    """Whether those who may approve can be told."""
    if app.settings.publish.approval == "automatic":
        return
    try:
        found = app.approvers.addresses
    except SettingsError as error:
        yield Finding("approvers", "bad", str(error))
        return
    if found:
        yield Finding("approvers", "ok", ", ".join(address.shown.partition("?")[0] for address in found))


def _inbox(app: App) -> Iterator[Finding]:
    folder = app.settings.intake.folder
    if not folder.is_dir():
        yield Finding("inbox", "note", f"{folder} is not there; dispatch run makes it, but run --once does not")
    elif not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield Finding("inbox", "bad", f"{folder} cannot be written: taken files could not be moved")
    else:
        yield Finding("inbox", "ok", str(folder))


def _sources(app: App) -> Iterator[Finding]:
    """How the other sources of issues stood when they were last looked at."""
    sources = {source.name: source for source in sources_of(app.settings, app.clock) if source.name != INBOX}
    if not sources:
        return
    try:
        with app.database() as db:
            failing = memory.failing(db)
    except SubscriberError:
        return  # told already
    faults = {name: found for name, found in failing.items() if name in sources}
    for name, found in faults.items():
        words = f"it fails since {when(found.failing_since)}: {found.last_error}"
        yield Finding(f"source {name.partition('?')[0]}", "bad", f"{words}; try it: dispatch sources check")
    if not faults:
        yield Finding("sources", "ok", f"{len(sources)} besides the inbox; to look now: dispatch sources check")


def _channels(app: App) -> Iterator[Finding]:
    missing = off(app.settings)
    for name, words in missing.items():
        if CHANNELS[name].begun(app.settings):
            yield Finding(name, "bad", f"half of it is set, and it is off: {words}")
        else:
            yield Finding(name, "off", words)
    if "email" not in missing:
        yield from _relays(app.settings.email.all_relays)
    yield from bot_check.examine(app)
    if "webhook" not in missing:
        networks = ", ".join(map(str, app.settings.webhook.allow_networks)) or "none"
        yield Finding("webhook", "ok", f"networks of your own that are allowed: {networks}")


def _relays(relays: Sequence[Relay]) -> Iterator[Finding]:
    for relay in relays:
        yield _relay(relay)
    if len(relays) == 1 and (relays[0].weight is not None or relays[0].standby):
        yield Finding("email relays", "note", "there is one alone: its weight and standby mean nothing")
    elif len(relays) > 1 and all(relay.standby for relay in relays):
        yield Finding("email relays", "note", "each of them is a standby, so they all work as if none was")


def _relay(relay: Relay) -> Finding:
    """A session as a send would open it: with TLS and the log-in."""
    from dispatch.channels.email.session import check

    if not relay.host:
        return Finding(f"email relay {relay.name}", "bad", "it has no host: set it in [[email.relays]]")
    part = ["standby"] if relay.standby else []
    share = [f"weight {relay.weight:g}"] if relay.weight is not None else []
    kind = ", ".join([relay.security, *share, *part])
    what, where = f"email relay {relay.name}", f"{relay.host}:{relay.resolved_port} ({kind})"
    bounded = relay.model_copy(update={"timeout": min(relay.timeout, _SECONDS)})
    fault = asyncio.run(check(bounded))
    return Finding(what, "bad", f"{where}: {fault}") if fault else Finding(what, "ok", f"{where} takes a session")


def _sender(app: App, resolver: mail_dns.Resolver | None) -> list[Finding]:
    """What DNS says of who sends the email."""
    bounce_domain = app.settings.email.bounce_address.rpartition("@")[2]
    return [] if "email" in off(app.settings) else mail_dns.examine(app.settings.email, resolver, bounce_domain)


def _web(app: App) -> Iterator[Finding]:
    web = app.settings.web
    if not web.base_url:
        detail = "set [web] base_url for pages and one-click unsubscribe; until then people unsubscribe by mail"
        yield Finding("pages", "off", detail)
        return
    fault = cannot_listen(web.listen)
    if fault and not (fault.taken and is_held(app, "web")):
        yield Finding("pages", "bad", f"[web] listen: {fault.words}")
    else:
        yield Finding("pages", "ok", f"{web.base_url}, served on {web.listen} by dispatch run")


def _metrics(app: App) -> Iterator[Finding]:
    listen = app.settings.metrics.listen
    if not listen:
        return
    fault = cannot_listen(listen)
    if fault and not (fault.taken and _are_our_metrics(listen)):
        yield Finding("metrics", "bad", f"[metrics] listen: {fault.words}")
    else:
        yield Finding("metrics", "ok", f"http://{listen}/metrics, served by dispatch run")


def _are_our_metrics(listen: str) -> bool:
    host, _, port = listen.rpartition(":")
    connection = http.client.HTTPConnection(host.strip("[]"), int(port), timeout=_SECONDS)
    try:
        connection.request("GET", "/metrics")
        return b"dispatch_build_info" in connection.getresponse().read(_LONGEST_ANSWER)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
