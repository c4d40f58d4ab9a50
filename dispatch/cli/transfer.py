"""`dispatch subscribers import` and `export`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from heapq import merge
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dispatch.cli.context import session
from dispatch.cli.people import warn_suppressed
from dispatch.output import StandardOutput, json_line, json_text, say, warn

if TYPE_CHECKING:
    from dispatch.app import App
    from subscribers.audit import Act
    from subscribers.database import Database
    from subscribers.transfer.bulk import Ask, Planned, Terms, Totals
    from subscribers.transfer.columns import Columns
    from subscribers.transfer.incoming import Import
    from subscribers.transfer.rows import Checker
    from subscribers.transfer.tables import Table

CONFIRMED = "confirmed by an administrator"
SHOWN = 20  # bad lines
Format = Annotated[
    str, typer.Option("--format", metavar="csv|xlsx|json", help="What the file is; by its suffix unless set.")
]


def import_(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, XLSX or JSON: name,email,telegram,follows, …")],
    basis: Annotated[
        str, typer.Option("--basis", metavar="TEXT", help="On what they agreed, as you can show it: active at once.")
    ] = "",
    confirmed: Annotated[bool, typer.Option("--confirmed", help=f'The same as --basis "{CONFIRMED}".')] = False,
    ask: Annotated[bool, typer.Option("--ask", help="Send each email address a message that asks to confirm.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what each line would do, and do nothing.")] = False,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave out the lines that cannot be taken.")] = False,
    bad_file: Annotated[
        Path | None, typer.Option("--bad-file", metavar="FILE", help="Write those lines there, each with the reason.")
    ] = None,
    map_: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="THEIRS=OURS", help="What a column is; 'Theirs=' leaves it out."),
    ] = None,
    ignore_unknown: Annotated[
        bool, typer.Option("--ignore-unknown", help="Leave out all columns that are unknown.")
    ] = False,
    sheet: Annotated[str, typer.Option("--sheet", metavar="NAME", help="Of an XLSX file; the first unless set.")] = "",
    format_: Format = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Add the subscribers of a file, all or none. Addresses that are known get the follows added. Without a basis of
    consent (the file's column `consent`, or --basis) they are pending. Those whose state is pending, paused, suppressed
    or gone stay so, and nobody who unsubscribed is written to again."""
    from dispatch.progress import stages
    from subscribers.errors import BadFile
    from subscribers.transfer.columns import Columns
    from subscribers.transfer.incoming import Import

    _check_call(file, basis, bad_file, confirmed=confirmed, ask=ask)
    columns = Columns.of(map_ or [], ignore_unknown=ignore_unknown)
    app = session(ctx).app
    if ask:
        _check_mail(app)
    act = _act(ctx)
    table = _read(file, format_, sheet)
    with app.database() as db, stages("bytes") as tick, Import(db, tick) as incoming:
        terms = _terms(app, db, act, file, basis.strip() or (CONFIRMED if confirmed else ""), ask=ask)
        _check(incoming, file, table, columns, _checker(app, act))
        if bad_file is not None and incoming.bad:
            _write_bad(incoming, bad_file)
        refused = bool(incoming.bad) and not skip_bad
        if dry_run or refused:
            totals = incoming.foresee(terms)
        else:
            totals = incoming.store(terms, act)
        if as_json:
            _tell_json(incoming, file, totals, terms, dry_run=dry_run, imported=not (dry_run or refused))
        elif dry_run:
            _tell_lines(incoming, terms)
        if refused:
            raise BadFile(_refusal(incoming, file, short=as_json or dry_run))
        if not as_json:
            _tell(incoming, totals, terms, dry_run=dry_run)


def _check_call(file: Path, basis: str, bad_file: Path | None, *, confirmed: bool, ask: bool) -> None:
    from dispatch.errors import UsageError

    if confirmed and basis.strip():
        raise UsageError("--confirmed and --basis both say on what they agreed: leave one out")
    if ask and (confirmed or basis.strip()):
        raise UsageError("--ask is for those who have not agreed yet, --basis and --confirmed for those who have")
    if bad_file is not None and bad_file.exists() and file.exists() and bad_file.samefile(file):
        raise UsageError("--bad-file names the file that is imported: name another")


def _act(ctx: typer.Context) -> Act:
    from subscribers.audit import Way

    return replace(session(ctx).act(), way=Way.FILE)


def _checker(app: App, act: Act) -> Checker:
    from dispatch.reader_words import fold
    from subscribers.transfer.rows import Checker

    return Checker(app.address, app.catalog.resolve, act.at, fold)


def _terms(app: App, db: Database, act: Act, file: Path, basis: str, *, ask: bool) -> Terms:
    from subscribers.transfer.bulk import Terms

    return Terms(basis, f"file {file.name}", _asking(app, db, act) if ask else None)


def _check_mail(app: App) -> None:
    from dispatch.cli import confirming

    confirming.refuse_without_mail(app)


def _asking(app: App, db: Database, act: Act) -> Ask:
    """Asks an address to confirm, unless it was asked within a day: the same file may come twice."""
    from dispatch.cli import confirming
    from subscribers.consent import Wish
    from subscribers.model import Address

    def ask(address: Address) -> None:
        if not confirming.ask(app, db, address, Wish(), act):
            confirming.tell_waits(address, "dispatch subscribers confirm ID --send --again")

    return ask


def _read(file: Path, format_: str, sheet: str) -> Table:
    from subscribers.errors import BadFile
    from subscribers.transfer.tables import read_table

    try:
        return read_table(file, given=format_, sheet=sheet)
    except OSError as error:
        raise BadFile(f"{file}: {error.strerror or error}") from error
    except BadFile as error:
        raise BadFile(f"{file}: {error}") from error


def _check(incoming: Import, file: Path, table: Table, columns: Columns, checker: Checker) -> None:
    from subscribers.errors import BadFile

    try:
        incoming.check(table, columns, checker)
    except OSError as error:
        raise BadFile(f"{file}: {error.strerror or error}") from error
    except BadFile as error:
        raise BadFile(f"{file}: {error}") from error


def _write_bad(incoming: Import, bad_file: Path) -> None:
    from subscribers.errors import BadFile

    try:
        incoming.write_bad(bad_file)
    except OSError as error:
        raise BadFile(f"{bad_file}: {error.strerror or error}; nothing was imported") from error


def _refusal(incoming: Import, file: Path, *, short: bool) -> str:
    """Which lines cannot be taken: the first of them where they were not told before."""
    if short:
        return f"{file}: nothing was imported: {incoming.bad} lines cannot be taken"
    lines = [f"line {row.line}: {row.problem}" for row, _ in zip(incoming.bad_rows(), range(SHOWN), strict=False)]
    more = (
        [f"… and {incoming.bad - SHOWN} more (all of them: --json, or --bad-file FILE)"] if incoming.bad > SHOWN else []
    )
    return "\n".join([f"{file}: nothing was imported:", *lines, *more])


def _tell(incoming: Import, totals: Totals, terms: Terms, *, dry_run: bool) -> None:
    would = "would be " if dry_run else ""
    words = [
        f"{totals.added} subscribers {would}added",
        f"{totals.known} known ones {'would get' if dry_run else 'got'} the follows",
    ]
    words += [f"{totals.asked} {would}asked to confirm"] if terms.ask else []
    say(f"{totals.rows} rows: {', '.join(words)}")
    if incoming.bad:
        warn(f"{incoming.bad} lines {would}left out, for they cannot be taken")
        for row, _ in zip(incoming.bad_rows(), range(SHOWN if not dry_run else 0), strict=False):
            warn(f"line {row.line}: {row.problem}")
    warn_suppressed(totals.suppressed_shown, totals.suppressed)
    if totals.pending:
        warn(f"{totals.pending} new endpoints that are pending get nothing until: dispatch subscribers confirm ID")


def _reports(incoming: Import, terms: Terms) -> Iterator[dict[str, Any]]:
    """What each line does, in the order of the lines."""
    good = (_report(planned, terms) for planned in incoming.planned())
    bad = ({"line": row.line, "does": "wrong", "problem": row.problem} for row in incoming.bad_rows())
    return merge(good, bad, key=lambda report: int(report["line"]))


def _report(planned: Planned, terms: Terms) -> dict[str, Any]:
    from subscribers.transfer.bulk import standing, to_ask

    entry = planned.entry
    report: dict[str, Any] = {
        "line": entry.line,
        "does": "add" if planned.new else "known" if planned.known else "nothing",
    }
    if planned.new:
        states = [str(standing(entry, holder, terms, 0)["state"]) for _, holder in planned.new]
        report["add"] = [
            {"channel": address.channel, "address": address.shown, "state": state}
            for (address, _), state in zip(planned.new, states, strict=True)
        ]
        report["follows"] = list(entry.follows)
    if planned.known:
        report["known"] = [
            {
                "id": f"e{holder.endpoint_id}",
                "address": address.shown,
                "follows": list(planned.follows.get(holder.endpoint_id, ())),
            }
            for address, holder in planned.known
        ]
    suppressed = [{"address": address.shown, "reason": reason} for address, reason in planned.suppressed]
    if suppressed:
        report["suppressed"] = suppressed
    if terms.ask and (asked := [address.address for address in to_ask(planned, terms)]):
        report["ask"] = asked
    return report


def _tell_lines(incoming: Import, terms: Terms) -> None:
    for report in _reports(incoming, terms):
        say(f"line {report['line']}: {'; '.join(_words(report))}")


def _words(report: dict[str, Any]) -> Iterator[str]:
    if report["does"] == "wrong":
        yield f"wrong: {report['problem']}"
    for item in report.get("add", ()):
        yield f"add {item['channel']} {item['address']} ({item['state']})"
    if "follows" in report:
        yield f"follows {', '.join(report['follows']) or 'nothing yet'}"
    for item in report.get("known", ()):
        yield f"known {item['id']} {item['address']}, new follows: {', '.join(item['follows']) or 'none'}"
    for item in report.get("suppressed", ()):
        yield f"suppressed {item['address']} ({item['reason']}): nothing goes there"
    for address in report.get("ask", ()):
        yield f"ask {address} to confirm"


def _tell_json(incoming: Import, file: Path, totals: Totals, terms: Terms, *, dry_run: bool, imported: bool) -> None:
    """One object, written piece by piece: there may be a million lines."""
    counts = {
        "file": str(file),
        "dry_run": dry_run,
        "imported": imported,
        "rows": totals.rows,
        "added": totals.added,
        "endpoints": totals.endpoints,
        "known": totals.known,
        "follows_added": totals.followed,
        "asked": totals.asked,
        "pending": totals.pending,
        "suppressed": totals.suppressed,
        "bad": incoming.bad,
    }
    typer.echo(json_text(counts).removesuffix("\n}"), nl=False)
    bad = ({"line": row.line, "problem": row.problem} for row in incoming.bad_rows())
    _emit_list("bad_rows", bad)
    if dry_run:
        _emit_list("lines", _reports(incoming, terms))
    typer.echo("\n}")


def _emit_list(name: str, items: Iterator[dict[str, Any]]) -> None:
    typer.echo(f',\n  "{name}": [', nl=False)
    for n, item in enumerate(items):
        typer.echo(("," if n else "") + "\n    " + json_line(item), nl=False)
    typer.echo("]", nl=False)


def export(
    ctx: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Where to; else, or -, standard output.")
    ] = None,
    format_: Format = "",
    secrets: Annotated[
        bool, typer.Option("--secrets", help="With the signing secrets of webhooks, in a column `secret`.")
    ] = False,
) -> None:
    """Write all subscribers as CSV, XLSX or JSON for `import`.

    With states, follows, preferences and the basis of consent."""
    from subscribers import directory
    from subscribers.errors import BadFile
    from subscribers.transfer.outgoing import write_file

    with session(ctx).app.database() as db:
        if file is None or str(file) == "-":
            _export_to_output(db, format_, secrets=secrets)
            return
        try:
            count = write_file(directory.everyone(db), file, given=format_, secrets=secrets)
        except OSError as error:
            raise BadFile(f"{file}: {error.strerror or error}") from error
    say(f"{count} rows in {file}")


def _export_to_output(db: Database, format_: str, *, secrets: bool) -> None:
    from dispatch.errors import UsageError
    from subscribers import directory
    from subscribers.transfer.outgoing import WRITERS

    if format_ and format_ not in WRITERS:
        raise UsageError(f"--format {format_!r} needs a file to write to; to standard output: {', '.join(WRITERS)}")
    WRITERS[format_ or "csv"](directory.everyone(db), StandardOutput(), secrets=secrets)
