"""`dispatch issues diff|original|dismiss` and `send --corrections`: what an issue said, says and might say."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dispatch import loops
from dispatch.cli.context import session, user
from dispatch.output import console, emit_json, plain, say, warn, when

if TYPE_CHECKING:
    from dispatch.app import App
    from dispatch.archive import Revision, StoredIssue
    from dispatch.differences import ArticleChange, Difference, Line
    from subscribers.audit import Act
    from subscribers.database import Database

Issue = Annotated[str, typer.Argument(metavar="ID", help="An issue: 534, 2022-05 or huoju:534.", show_default=False)]
Number = Annotated[int | None, typer.Option("--revision", metavar="N", help="This revision.", min=1)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def diff(
    ctx: typer.Context,
    issue: Issue,
    revision: Number = None,
    as_json: Json = False,
) -> None:
    """What a revision changes, by article. That which is proposed, else what the newest one changed."""
    from dispatch import revisions

    with session(ctx).app.database() as db:
        stored = _load(db, issue)
        wanted = _wanted(db, stored, revision)
        found = revisions.difference(db, stored, wanted)
    if as_json:
        emit_json(_json(stored, wanted, found))
    else:
        _tell(stored, wanted, found)


def _load(db: Database, word: str) -> StoredIssue:
    from dispatch import archive

    return archive.load(db, archive.find(db, word))


def _wanted(db: Database, stored: StoredIssue, number: int | None) -> Revision:
    from dispatch import archive

    proposed = archive.proposed(db, stored) if number is None else None
    return proposed or archive.revision(db, stored, number)


def _json(stored: StoredIssue, wanted: Revision, found: Difference) -> dict[str, Any]:
    return {
        "issue": stored.name,
        "revision": wanted.number,
        "state": wanted.state.value,
        "current": stored.revision,
        "visible": found.visible,
        "masthead": [{"field": name, "old": old, "new": new} for name, old, new in found.head],
        "columns": [{"change": word, "old": old, "new": new} for word, old, new in found.column_changes],
        "articles": [_article_json(found, change) for change in found.changes],
    }


def _article_json(found: Difference, change: ArticleChange) -> dict[str, Any]:
    lines = [{"sign": line.sign, "text": line.text, "marked": line.marked} for line in change.lines]
    return {
        "changes": list(change.words),
        "old": change.old and {"title": change.old.article.title, "column": found.old.columns[change.old.column].name},
        "new": change.new and {"title": change.new.article.title, "column": found.new.columns[change.new.column].name},
        "lines": lines,
    }


def _tell(stored: StoredIssue, wanted: Revision, found: Difference) -> None:
    decided = f" by {wanted.decided_by} {when(wanted.decided_at)}" if wanted.decided_by else ""
    source = f"taken in {when(wanted.added_at)} from {wanted.source.name}"
    say(f"{stored.name} revision {wanted.number}: {wanted.state.value}{decided}, {source}")
    for name, old, new in found.head:
        say(f"{name}: {old or 'none'} → {new or 'none'}")
    for word, old, new in found.column_changes:
        say(f"column {word}: {' → '.join(name for name in (old, new) if name) if word == 'renamed' else new or old}")
    for change in found.changes:
        _tell_article(found, change)
    if not (found.head or found.column_changes or found.changes):
        say("the same content")
    elif not found.visible:
        say("it differs only in spaces, width of characters, punctuation or paragraphs")


def _tell_article(found: Difference, change: ArticleChange) -> None:
    placed = change.new or change.old
    issue = found.new if change.new else found.old
    column = issue.columns[placed.column].name if placed else ""
    say(f"\n{', '.join(change.words)}: {change.title} ({column})")
    if change.reset:
        say("  only spaces, width of characters, punctuation or paragraphs differ")
        return
    if change.moved and change.old is not None:
        say(f"  it stood in {found.old.columns[change.old.column].name}, as number {change.old.position} of the issue")
    for line in change.lines:
        _print(line)


def _print(line: Line) -> None:
    """Coloured on a terminal; with brackets around what differs elsewhere."""
    if not sys.stdout.isatty():
        say(f"  {line.sign} {line.marked}")
        return
    from rich.text import Text

    colour = "red" if line.sign == "-" else "green"
    shown = Text(f"  {line.sign} ", style=colour)
    for text, differs in line.pieces:
        shown.append(plain(text), style=f"bold reverse {colour}" if differs and len(line.pieces) > 1 else colour)
    console().print(shown)


def original(
    ctx: typer.Context,
    issue: Issue,
    revision: Number = None,
    to: Annotated[Path | None, typer.Option("--to", metavar="FILE", help="Where to; else under its own name.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it exists.")] = False,
    as_json: Json = False,
) -> None:
    """Write out the file that an issue came from."""
    from dispatch import archive
    from dispatch.errors import Failure
    from dispatch.intake import originals

    app = session(ctx).app
    with app.database() as db:
        stored = _load(db, issue)
        wanted = archive.revision(db, stored, revision)
        row = originals.of_revision(db, stored.id, wanted.number, wanted.source.original)
    if row is None:
        raise Failure(f"of revision {wanted.number} of issue {stored.name} no file is known")
    target = to or Path(originals.file_name(row))
    _write(target, app.originals.read(row), force=force)
    if as_json:
        kept = {name: row[name] for name in ("hash", "name", "bytes")}
        emit_json({"issue": stored.name, "revision": wanted.number, "file": str(target), **kept})
        return
    say(f"{target}: {row['bytes']} bytes, revision {wanted.number} of {stored.name} as it came from {row['name']}")


def _write(target: Path, data: bytes, *, force: bool) -> None:
    from dispatch.errors import Failure, UsageError

    try:
        with target.open("wb" if force else "xb") as file:
            file.write(data)
    except FileExistsError as error:
        raise UsageError(f"{target} is there already; name another file by --to, or replace it by --force") from error
    except OSError as error:
        raise Failure(f"{target}: cannot be written: {error.strerror or error}") from error


def dismiss(ctx: typer.Context, issue: Issue, revision: Number = None, as_json: Json = False) -> None:
    """Drop a proposed revision. Nobody is told of it; the issue stays as it is."""
    from dispatch import archive

    app = session(ctx).app
    with app.database() as db, db.transaction():
        stored = _load(db, issue)
        number = revision or _proposed(db, stored).number
        archive.dismiss(db, stored, number, user(), app.clock.now())
        session(ctx).note(db, "dismissed", "issue", stored.key, {"revision": number})
    if as_json:
        emit_json({"issue": stored.name, "revision": number, "done": "dismissed"})
        return
    say(f"revision {number} of {stored.name} is dismissed; it stays at revision {stored.revision}")


def _proposed(db: Database, stored: StoredIssue) -> Revision:
    from dispatch import archive
    from dispatch.errors import Failure

    found = archive.proposed(db, stored)
    if found is None:
        raise Failure(
            f"no revision of issue {stored.name} is proposed: one is when other content of it is taken in"
            " (dispatch ingest FILE) after it was approved"
        )
    return found


def send_corrections(app: App, issue: str, act: Act, *, dry_run: bool, as_json: bool) -> None:
    """Make the proposed revision what the issue says, and send what it changed to those who got the old text."""
    from dispatch.delivery import corrections
    from dispatch.delivery.ledger import Correction

    if dry_run:
        _forecast(app, issue, as_json=as_json)
        return
    from dispatch.cli.run import tell, tell_fruitless, tell_off
    from dispatch.progress import sending
    from dispatch.service import run_once

    tell_off(app)
    with app.database() as db, db.transaction():
        stored, number = _corrected(app, db, issue, act)
    with sending() as tick:
        report = loops.run(run_once(app, tick, take_in=False))
    with app.database() as db:
        states = corrections.standing(db, Correction(stored.id, number))
    summary = report.summary
    if as_json:
        counts = {"sent": summary.sent, "retried": summary.retried, "failed": summary.failed}
        named = {"issue": stored.name, "revision": number, "corrections": states}
        emit_json({**named, **counts, "outages": summary.outages})
        tell_fruitless(summary)
    else:
        words = ", ".join(f"{state} {count}" for state, count in states.items()) or "nobody has the old text"
        say(f"{stored.name} is at revision {number}; corrections: {words}")
        tell(summary, report.waiting)
    if not report.ok:
        raise typer.Exit(1)


def _corrected(app: App, db: Database, issue: str, act: Act) -> tuple[StoredIssue, int]:
    """Take the proposed revision; where it was taken before, its corrections go on. The issue and the revision."""
    from dispatch import archive

    stored = _load(db, issue)
    if archive.proposed(db, stored) is None and archive.revision(db, stored).decided_by:
        warn(f"revision {stored.revision} of {stored.name} was taken before: its corrections are gone on with")
        return stored, stored.revision
    wanted = _proposed(db, stored)
    check_state(stored)
    found = app.pickup.correct(db, stored, wanted, act)
    for change in found.changes:
        if not change.reworded:
            warn(f"{', '.join(change.words)}: {change.title}: nobody is written to for that")
    return stored, wanted.number


def check_state(stored: StoredIssue) -> None:
    """Raises StateError for an issue of which nothing may be sent."""
    from dispatch.errors import StateError
    from dispatch.model import IssueState

    if stored.state in (IssueState.HELD, IssueState.CANCELLED):
        raise StateError(f"issue {stored.name} is {stored.state}: it cannot be corrected")


def _forecast(app: App, issue: str, *, as_json: bool) -> None:
    from dispatch import revisions
    from dispatch.delivery import corrections

    with app.database() as db:
        stored = _load(db, issue)
        wanted = _proposed(db, stored)
        found = revisions.difference(db, stored, wanted)
        check_state(stored)
        revisions.check(stored, found)
        counts = corrections.forecast(db, revisions.affected(db, stored, found))
    if as_json:
        emit_json({**_json(stored, wanted, found), "corrections": counts})
        return
    _tell(stored, wanted, found)
    words = ", ".join(f"{channel} {count}" for channel, count in counts.items()) or "none"
    say(f"\ncorrections: {words}; nothing was sent (dry run)")
