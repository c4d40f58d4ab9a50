"""`dispatch subscribers data|erase`: all that is stored about a person, and its end."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dispatch.cli.context import session
from dispatch.output import emit_json, json_text, plain, say, warn

if TYPE_CHECKING:
    from dispatch.delivery.personal import Erased
    from subscribers.audit import Act
    from subscribers.database import Database

Who = Annotated[
    str,
    typer.Argument(
        metavar="ID|ADDRESS", help="Subscriber 3, or by one endpoint: e7 or its address.", show_default=False
    ),
]
PATIENCE = 30  # seconds that a sender may hold messages for


def data(
    ctx: typer.Context,
    who: Who,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Where to; else, or -, standard output.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, which is the only form.")] = False,
) -> None:
    """All that is stored about a person, as JSON. To answer them (GDPR art. 15); also of somebody removed and not yet
    erased. The file is for the owner alone to read."""
    from dispatch.delivery import personal
    from subscribers.personal import find

    with session(ctx).app.database() as db:
        found = personal.data(db, find(db, who))
    if file is None or str(file) == "-":
        emit_json(found)
        return
    _write(file, found)
    say(f"what is stored about subscriber {found['subscriber']['id']} is in {file}")


def _write(file: Path, found: dict[str, Any]) -> None:
    from dispatch.upkeep.files import appearing

    with appearing(file) as temporary:
        temporary.write_text(json_text(found) + "\n", encoding="utf-8")


def erase(
    ctx: typer.Context,
    who: Who,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; without a terminal nothing is asked anyway.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go; change nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Remove a person everywhere. Addresses, name, follows, consents, what servers said of them. The ledger keeps that
    something was sent, not to whom, and a hash keeps messages away until they ask themselves. It cannot be taken
    back, and counts for all endpoints of the person. Backups keep them: see docs/operations.md."""
    from dispatch.delivery import personal
    from subscribers.personal import find

    with session(ctx).app.database() as db:
        subscriber_id = find(db, who)
        found = personal.look(db, subscriber_id)
        if dry_run:
            _tell_dry(found, as_json=as_json)
            return
        if not yes and sys.stdin.isatty():
            _ask(found)
        done = _erase(db, found, session(ctx).act())
    if as_json:
        emit_json({**_json(done), "done": done.done, "left": done.left})
    else:
        _tell(done)
    if not done.done or done.left:
        raise typer.Exit(1)


def _words(found: Erased) -> str:
    endpoints = ", ".join(f"e{id_}" for id_ in found.endpoints) or "no endpoint"
    return f"subscriber {found.subscriber_id} ({endpoints})"


def _json(found: Erased) -> dict[str, Any]:
    kept = ("deliveries", "messages", "waiting", "sending")
    return {
        "subscriber": found.subscriber_id,
        "endpoints": [f"e{id_}" for id_ in found.endpoints],
        **{name: getattr(found, name) for name in kept},
    }


def _counts(found: Erased) -> str:
    return f"deliveries {found.deliveries}, messages {found.messages} (to be sent: {found.waiting})"


def _tell_dry(found: Erased, *, as_json: bool) -> None:
    if as_json:
        emit_json({**_json(found), "dry_run": True})
        return
    say(f"{_words(found)} would be erased, with what is known of them in: {_counts(found)}")
    say("nothing was changed (dry run)")


def _ask(found: Erased) -> None:
    """Raises Failure unless the person at the keyboard agrees."""
    from dispatch.errors import Failure

    if not typer.confirm(plain(f"{_words(found)}: {_counts(found)}. Erase them for good?"), err=True):
        raise Failure("nothing was changed")


def _erase(db: Database, found: Erased, act: Act) -> Erased:
    """Erase; what a sender holds is waited for."""
    from dispatch.delivery import personal
    from dispatch.progress import counting

    with counting("erasing", found.deliveries + found.messages) as tick:
        give_up = time.monotonic() + PATIENCE
        done = personal.erase(db, found.subscriber_id, act, tick=tick, thorough=True)
        while not done.done and time.monotonic() < give_up:
            time.sleep(1)
            done = personal.erase(db, found.subscriber_id, act, tick=tick, thorough=True)
    return done


def _tell(done: Erased) -> None:
    if not done.done:
        warn(
            f"{_words(done)} is being erased and gets nothing more, but a sender has {done.sending} messages of theirs"
            " just now: a running dispatch ends it within a day, or the same call again"
        )
        return
    say(f"{_words(done)} is erased; cleaned of them: {_counts(done)}")
    if done.left:
        warn(done.left)
