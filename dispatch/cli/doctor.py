"""`dispatch doctor`: what is configured, what answers, what is missing."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from dispatch.cli.context import session
from dispatch.output import emit_json, table
from dispatch.progress import stages


def doctor(ctx: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Say what is configured, what answers and what is missing. Exit code 1 if something set up does not work."""
    from dispatch.doctor import examine
    from dispatch.settings import find_config

    found = session(ctx)
    app = found.app
    with stages() as tick, _without_log():
        findings = examine(app, find_config(found.config), tick)
    if as_json:
        emit_json([{"what": item.what, "state": item.state, "detail": item.detail} for item in findings])
    else:
        table(("what", "state", "detail"), [(item.what, item.state, item.detail) for item in findings], empty="")
    if any(item.state == "bad" for item in findings):
        raise typer.Exit(1)


@contextmanager
def _without_log() -> Iterator[None]:
    """What a relay's session tells of itself would stand between the lines of the table, which say the same."""
    log = logging.getLogger("dispatch")
    level = log.level
    log.setLevel(logging.WARNING)
    try:
        yield
    finally:
        log.setLevel(level)
