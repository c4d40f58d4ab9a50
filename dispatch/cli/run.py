"""`dispatch run`: the program itself."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from dispatch import loops
from dispatch.cli.context import session
from dispatch.output import fail, say, warn, when
from dispatch.progress import sending

if TYPE_CHECKING:
    from dispatch.app import App
    from dispatch.delivery.engine import Summary
    from subscribers.database import Row

log = logging.getLogger(__name__)


def run(
    ctx: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Do everything that is due, then exit.")] = False,
    worker: Annotated[bool, typer.Option("--worker", hidden=True)] = False,
) -> None:
    """Watch the inbox and the web addresses, and deliver: for ever, or once."""
    from dispatch.service import run_forever, run_once

    found = session(ctx)
    app = found.app
    if once:
        tell_off(app)
    elif not worker:
        tell_off(app, log.warning)  # a line like the others, in the form that is set for them
    if not once:
        app.settings.intake.folder.mkdir(parents=True, exist_ok=True)
        config = ["--config", str(found.config)] if found.config else []
        loops.run(run_forever(app, [*config, "run", "--worker"], worker=worker))
        return
    with sending() as tick:
        report = loops.run(run_once(app, tick))
    for look in report.looks:
        if look.added:
            say(f"{look.source}: {look.added.name} {look.added.outcome}")
    for planned in report.planned:
        say(f"{planned.name}: {planned.deliveries} deliveries planned")
    tell(report.summary, report.waiting)
    for name in report.held:
        say(f"{name} waits for approval: dispatch issues approve {name} (to look at it: dispatch issues show {name})")
    if not report.ok:
        raise typer.Exit(1)


def tell(summary: Summary, waiting: list[Row]) -> None:
    """What a run did, and what is left to do."""
    say(f"sent {summary.sent}, to be tried again {summary.retried}, refused {summary.failed}")
    for row in waiting:
        say(f"waiting for {row['queue']}: {row['messages']} (next {when(row['next_at'])})")
    for lane, reason in summary.outages.items():
        fail(f"{lane}: {reason}; what waits for it is kept and tried again by the next run")
    tell_fruitless(summary)


def tell_fruitless(summary: Summary) -> None:
    """Say it where nothing went out of what was tried."""
    if summary.fruitless:
        fail(f"nothing was sent, and {summary.failed} refused; the reasons are in: dispatch deliveries summary")


def tell_off(app: App, tell: Callable[[str], object] = warn) -> None:
    """Name the channels without settings by which somebody waits for something, or of which half is set."""
    from dispatch.channels.registry import CHANNELS, off
    from subscribers import directory

    missing = off(app.settings)
    if not missing:
        return
    with app.database() as db:
        wanted = {name for name in missing if db.value(directory.SQL["is_reached"], {"channel": name}) is not None}
    for name, words in missing.items():
        if name in wanted or CHANNELS[name].begun(app.settings):
            tell(f"{name} is off: {words}")
