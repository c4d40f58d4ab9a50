"""`dispatch sources`: where issues come from, how each source stands, and looking at one now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from dispatch.cli.context import session
from dispatch.output import emit_json, fail, iso, say, span, table, when

if TYPE_CHECKING:
    from dispatch.app import App
    from dispatch.lookout import Check
    from dispatch.sources.memory import Standing
    from dispatch.sources.source import Source

commands = typer.Typer(help="Where issues come from: folders, pages, feeds, mailboxes.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@commands.command("list")
def list_(ctx: typer.Context, as_json: Json = False) -> None:
    """The sources that are set, when each was looked at, what it had last, and since when it fails."""
    from dispatch.lookout import sources_of
    from dispatch.sources import memory

    app = session(ctx).app
    sources = sources_of(app.settings, app.clock)
    with app.database() as db:
        standings = [memory.standing(db, source.name) for source in sources]
    if as_json:
        emit_json([_json(source, found) for source, found in zip(sources, standings, strict=True)])
        return
    table(
        ("name", "kind", "where", "every", "last look", "last taken", "state", "next look", "error"),
        [_line(source, found) for source, found in zip(sources, standings, strict=True)],
        empty="no sources",
    )


def _json(source: Source, found: Standing) -> dict[str, Any]:
    return {
        "name": _name(source),
        "kind": source.kind,
        "where": source.place,
        "every_seconds": source.every,
        "checked_at": iso(found.checked_at) if found.checked_at else None,
        "last_taken": found.last_taken or None,
        "taken_at": iso(found.taken_at),
        "state": _state(found),
        "failures": found.failures,
        "failing_since": iso(found.failing_since),
        "next_at": iso(found.next_at) if found.next_at else None,
        "asked_by_server": bool(found.asked),
        "error": found.last_error or None,
    }


def _line(source: Source, found: Standing) -> tuple[object, ...]:
    state = f"failing since {when(found.failing_since)}" if found.failing_since else _state(found)
    return (
        _name(source),
        source.kind,
        source.place,
        span(source.every),
        when(found.checked_at) if found.checked_at else "",
        f"{found.last_taken} {when(found.taken_at)}" if found.taken_at else "",
        state,
        when(found.next_at) if found.next_at else "",
        found.last_error,
    )


def _state(found: Standing) -> str:
    return "failing" if found.failures else "ok" if found.checked_at else "not looked at yet"


def _name(source: Source) -> str:
    """A source's name; that of an address of [intake] urls is the address, without the key that may stand in it."""
    return source.place if "://" in source.name else source.name


@commands.command()
def check(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Sources by their names; else all.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Look now, and say what would be taken in or why it fails. Nothing is taken in, moved or remembered."""
    import asyncio

    app = session(ctx).app
    found = asyncio.run(_checked(app, _chosen(app, names or [])))
    if as_json:
        emit_json([_check_json(done) for done in found])
    else:
        for done in found:
            _tell(done)
    if not all(done.ok for done in found):
        raise typer.Exit(1)


def _chosen(app: App, names: list[str]) -> list[Source]:
    from dispatch.errors import UsageError
    from dispatch.lookout import sources_of

    sources = sources_of(app.settings, app.clock)
    known = [_name(source) for source in sources]
    for name in names:
        if name not in known:
            raise UsageError(f"there is no source {name}; there are {', '.join(known)}")
    return [source for source in sources if not names or _name(source) in names]


async def _checked(app: App, sources: list[Source]) -> list[Check]:
    """All of them side by side, each as it stands in the store."""
    import asyncio

    from dispatch.lookout import check
    from dispatch.sources import memory

    with app.database() as db:
        memories = [memory.load(db, source.name) for source in sources]
    return await asyncio.gather(
        *(check(app, source, known) for source, known in zip(sources, memories, strict=True))
    )  # fmt: skip


def _check_json(done: Check) -> dict[str, Any]:
    return {
        "name": _name(done.source),
        "kind": done.source.kind,
        "where": done.source.place,
        "ok": done.ok,
        "would_take": [{"document": name, "issue": issue} for name, issue in done.found],
        "refused": [{"document": name, "error": words} for name, words in done.refused],
        "error": str(done.error) if done.error else None,
    }


def _tell(done: Check) -> None:
    name = _name(done.source)
    for document, issue in done.found:
        say(f"{name}: {document} would be taken in: {issue}")
    for _, words in done.refused:
        fail(f"{name}: {words}")
    if done.error:
        fail(f"{name}: {done.error}")
    elif not done.found and not done.refused:
        say(f"{name}: there is nothing new")
