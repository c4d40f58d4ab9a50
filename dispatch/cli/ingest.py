"""`dispatch ingest`: take issues in from files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dispatch.cli.context import session
from dispatch.errors import DispatchError
from dispatch.output import emit_json, fail, say, warn

if TYPE_CHECKING:
    from dispatch.app import App
    from dispatch.archive import Added
    from dispatch.intake.answer import Reading
    from subscribers.audit import Act


def ingest(
    ctx: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Issues: PDF, Word, HTML, Markdown or text.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and show, change nothing.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Read files that are known, and take what differs by now.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was read as JSON.")] = False,
) -> None:
    """Read issues and take them in: held for approval, or approved where the settings say so."""
    app = session(ctx).app
    results: list[dict[str, Any]] = []
    errors: list[str] = []
    code = 0
    for file in files:
        try:
            act = session(ctx).act()
            results.append(_one(app, file, act, dry_run=dry_run, again=again, quiet=as_json))
        except DispatchError as error:
            code = max(code, error.exit_code)
            errors.append(str(error))
            fail(error)
    if as_json:
        emit_json({"issues": results, **({"errors": errors} if errors else {})})
    if code:
        raise typer.Exit(code)


def _one(app: App, file: Path, act: Act, *, dry_run: bool, again: bool, quiet: bool) -> dict[str, Any]:
    from dispatch.codec import issue_json
    from dispatch.intake.pickup import what_next

    added, reading = (None, app.pickup.read(file)) if dry_run else _store(app, file, act, again=again)
    outcome = added.outcome if added else "read"
    if not quiet:
        _show(reading, outcome)
    if added is not None and outcome == "revised":
        warn(what_next(added))
    return {
        "file": str(file),
        "outcome": outcome,
        "revision": added.revision if added else None,
        "issue": issue_json(reading.issue),
        "warnings": list(reading.warnings),
    }


def _store(app: App, file: Path, act: Act, *, again: bool) -> tuple[Added, Reading]:
    """Take a file in; what it gave before is known by its bytes, and nothing is read."""
    from dispatch import archive
    from dispatch.intake.originals import Original
    from dispatch.intake.pickup import Reading

    original = Original.of(file)
    if not again and app.has_database():  # a file that is no issue begins none
        with app.database() as db:
            known = app.pickup.known(db, original)
            if known is not None:
                found = archive.revision(db, archive.load(db, known.id), known.revision)
                return known, Reading(str(file), found.issue, found.source.warnings)
    reading = app.pickup.read(file)
    with app.database() as db:
        return app.pickup.take_in(db, reading, act, original, again=again), reading


def _show(reading: Reading, outcome: str) -> None:
    issue = reading.issue
    articles = sum(len(column.articles) for column in issue.columns)
    words = {
        "added": "taken in",
        "known": "was taken in before with the same content; nothing was changed, nothing is sent again",
        "replaced": "was held and is replaced by this content",
        "revised": "is out already with other content; nothing was changed, nothing is sent",
        "read": "read; nothing was changed (dry run)",
    }
    name = f"{issue.bulletin}:{issue.ref}"
    say(f"{name} {issue.title} {issue.date or ''}: {len(issue.columns)} columns, {articles} articles: {words[outcome]}")
    for warning in reading.warnings:
        warn(f"{reading.source}: {warning}")
