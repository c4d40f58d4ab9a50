"""`dispatch subscribers list`."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from dispatch.cli.context import session
from dispatch.cli.filters import Filters, chosen
from dispatch.cli.people import CSV_COLUMNS, emit_array, emit_lines, lines_of, rows_of, subscriber_json
from dispatch.output import StandardOutput, emit_json, say

if TYPE_CHECKING:
    from subscribers.model import Subscriber

SHOWN = 1000  # endpoints of a page unless another number is said


@chosen
def list_(
    ctx: typer.Context,
    filters: Filters,
    sort: Annotated[
        str, typer.Option("--sort", metavar="BY", help="id (unless set), added, changed, name, address or state.")
    ] = "id",
    reverse: Annotated[bool, typer.Option("--reverse", help="The last first.")] = False,
    page: Annotated[int, typer.Option("--page", metavar="N", min=1, help="Which page.")] = 1,
    per_page: Annotated[
        int | None,
        typer.Option("--per-page", metavar="N", min=0, help="Endpoints a page; 0: all. 1000, but all for programs."),
    ] = None,
    count: Annotated[bool, typer.Option("--count", help="Say only how many.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, safe to open in a spreadsheet.")] = False,
) -> None:
    """Subscribers, an endpoint a line. All, or those that the options choose: of an option that is named several times
    one must hold, of several options all. JSON has an object a subscriber, with the endpoints that were chosen."""
    from dispatch.errors import UsageError
    from subscribers import search

    if as_json and as_csv:
        raise UsageError("--json or --csv, not both")
    if sort not in list(search.Sort):
        raise UsageError(f"--sort {sort!r}: allowed are {', '.join(search.Sort)}")
    size = per_page if per_page is not None else 0 if (as_json or as_csv) and page == 1 else SHOWN
    if page > 1 and not size:
        raise UsageError("--page needs --per-page above 0")
    app = session(ctx).app
    with app.database() as db:
        wanted = filters.wanted(app, db)
        if count:
            found = search.count(db, wanted)
            emit_json({"endpoints": found}) if as_json else say(str(found))
            return
        order = search.Sort(sort)
        shown = search.found(db, wanted, order, reverse=reverse, most=size, skip=(page - 1) * size)
        if as_json:
            emit_array(map(subscriber_json, shown))
        elif as_csv:
            _emit_csv(shown)
        else:
            _emit_page(shown, search.count(db, wanted), page, size, given=filters.given)


def _emit_csv(shown: Iterator[Subscriber]) -> None:
    from subscribers.transfer import neutral

    out = csv.writer(StandardOutput(), lineterminator="\n")
    out.writerow(CSV_COLUMNS)
    for subscriber in shown:
        out.writerows([neutral(cell) for cell in row] for row in rows_of(subscriber))


def _emit_page(shown: Iterator[Subscriber], total: int, page: int, size: int, *, given: bool) -> None:
    first = (page - 1) * size + 1
    if not total:
        say("nothing is so chosen" if given else "no subscribers; add one with: dispatch subscribers add")
        return
    pages = -(-total // size) if size else 1
    if page > pages:
        say(f"there is no page {page}: {total:,} endpoints are {pages:,} pages")
        return
    emit_lines(line for subscriber in shown for line in lines_of(subscriber))
    if pages == 1:
        say(f"{total:,} endpoints")
        return
    more = f"; the next: --page {page + 1}" if page < pages else ""
    say(f"endpoints {first:,} to {min(total, page * size):,} of {total:,}; page {page:,} of {pages:,}{more}")
