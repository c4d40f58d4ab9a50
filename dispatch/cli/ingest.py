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
    from dispatch.intake.answer import Reading
    from subscribers.audit import Act


def ingest(
    ctx: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Issues as Markdown or text.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and show, change nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was read as JSON.")] = False,
) -> None:
    """Read issues and take them in: held for approval, or approved where the settings say so."""
    app = session(ctx).app
    results: list[dict[str, Any]] = []
    errors: list[str] = []
    code = 0
    for file in files:
        try:
            results.append(_one(app, file, session(ctx).act(), dry_run=dry_run, quiet=as_json))
        except DispatchError as error:
            code = max(code, error.exit_code)
            errors.append(str(error))
            fail(error)
    if as_json:
        emit_json({"issues": results, **({"errors": errors} if errors else {})})
    if code:
        raise typer.Exit(code)


def _one(app: App, file: Path, act: Act, *, dry_run: bool, quiet: bool) -> dict[str, Any]:
    from dispatch.codec import issue_json

    reading = app.pickup.read(file)
    outcome = "read" if dry_run else _store(app, reading, act)
    if not quiet:
        _show(reading, outcome)
    return {
        "file": str(file),
        "outcome": outcome,
        "issue": issue_json(reading.issue),
        "warnings": list(reading.warnings),
    }


def _store(app: App, reading: Reading, act: Act) -> str:
    with app.database() as db:
        return app.pickup.take_in(db, reading, act).outcome


def _show(reading: Reading, outcome: str) -> None:
    issue = reading.issue
    articles = sum(len(column.articles) for column in issue.columns)
    words = {
        "added": "taken in",
        "known": "was taken in before with the same content; nothing was changed, nothing is sent again",
        "replaced": "was held and is replaced by this content",
        "read": "read; nothing was changed (dry run)",
    }
    name = f"{issue.bulletin}:{issue.ref}"
    say(f"{name} {issue.title} {issue.date or ''}: {len(issue.columns)} columns, {articles} articles: {words[outcome]}")
    for warning in reading.warnings:
        warn(f"{reading.source}: {warning}")
