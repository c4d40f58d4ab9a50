"""`dispatch search`: find articles by the words in them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dispatch.cli.context import session
from dispatch.output import console, emit_json, plain, say

if TYPE_CHECKING:
    from rich.text import Text

    from dispatch.app import App
    from dispatch.search import Found, Passage

_DAY = "%Y-%m-%d"


def search(
    ctx: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="WORDS…", help='All must occur; "as it stands"; after --, -word for none.'),
    ] = None,
    follow: Annotated[
        list[str] | None,
        typer.Option("--about", metavar="WHAT", help="park:NAME, province:NAME, topic:NAME; may be repeated."),
    ] = None,
    bulletin: Annotated[str, typer.Option("--bulletin", metavar="KEY", help="Only in this bulletin.")] = "",
    column: Annotated[str, typer.Option("--column", metavar="NAME", help="Only in columns of this name or key.")] = "",
    since: Annotated[str, typer.Option("--since", metavar="DAY", help="Issues of that day and later.")] = "",
    until: Annotated[str, typer.Option("--until", metavar="DAY", help="Issues of that day and earlier.")] = "",
    newest: Annotated[bool, typer.Option("--newest", help="The newest first, not the best.")] = False,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=1000, help="At most so many.")] = 20,
    page: Annotated[int, typer.Option("--page", metavar="N", min=1, help="Which page of so many.")] = 1,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Make the index anew first.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Find articles of the archive by words of any length, in Chinese too. Exits with 0 also where none is found."""
    from dispatch import search as engine
    from dispatch.errors import UsageError

    if not words and not rebuild:
        raise UsageError("name what to search for: dispatch search 区块链")
    app = session(ctx).app
    query = engine.parse(" ".join(words)) if words else None
    within = engine.Within(
        bulletin=bulletin,
        column=column,
        tags=_tags(app, follow or []),
        since=_day(since, "--since"),
        until=_day(until, "--until"),
    )
    order = engine.Order.NEWEST if newest else engine.Order.RELEVANCE
    with app.database() as db:
        if rebuild:
            count = engine.rebuild(db)
            if query is None:
                emit_json({"indexed": count}) if as_json else say(f"articles indexed: {count}")
                return
        if query is None:
            return
        found = engine.search(db, query, within, order=order, most=limit, skip=(page - 1) * limit)
    if as_json:
        emit_json(_json(found))
    else:
        _show(found, first=(page - 1) * limit + 1)


def _tags(app: App, words: list[str]) -> tuple[str, ...]:
    """The tags of what articles are to be about; a province is all its parks. Raises UsageError."""
    found: list[str] = []
    for word in words:
        tag = app.catalog.resolve(word)
        kind, _, name = tag.partition(":")
        names = [park.name for park in app.catalog.parks if park.province == name] if kind == "province" else []
        found += [f"park:{park}" for park in names] or [tag]
    return tuple(dict.fromkeys(found))


def _day(text: str, option: str) -> str:
    import datetime as dt

    from dispatch.errors import UsageError

    if not text:
        return ""
    try:
        return dt.datetime.strptime(text, _DAY).replace(tzinfo=dt.UTC).date().isoformat()
    except ValueError:
        raise UsageError(f"{option} {text!r}: a day is written as 2022-03-15") from None


def _json(found: Found) -> dict[str, Any]:
    hits = [
        {
            **{name: getattr(hit, name) for name in ("bulletin", "date", "column", "position", "score")},
            "issue": hit.issue_ref,
            "title": asdict(hit.title),
            "passage": asdict(hit.passage),
        }
        for hit in found.hits
    ]
    return {"total": found.total, "hits": hits}


def _show(found: Found, first: int) -> None:
    from rich.text import Text

    if not found.hits:
        say("nothing was found" if not found.total else f"no more: {found.total} articles were found")
        return
    out = console()
    for number, hit in enumerate(found.hits, start=first):
        head = Text(f"{number}. ").append_text(_marked(hit.title, "bold"))
        out.print(head.append(f"  {hit.bulletin}:{hit.issue_ref} {hit.date} {plain(hit.column)}", style="dim"))
        out.print(Text("   ").append_text(_marked(hit.passage)))
    last = first + len(found.hits) - 1
    shown = f"{first} to {last} of " if found.total > len(found.hits) else ""
    say(f"articles: {shown}{found.total}")


def _marked(passage: Passage, style: str = "") -> Text:
    from rich.text import Text

    text = Text(plain(passage.text), style=style)
    for start, end in passage.marks:
        text.stylize("bold yellow", start, end)
    return text
