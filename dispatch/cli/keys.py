"""`dispatch keys`: the ring of keys that sign links."""

from __future__ import annotations

from typing import Annotated

import typer

from dispatch.cli.context import session
from dispatch.output import emit_json, iso, say, table, when

commands = typer.Typer(help="The keys that sign links: unsubscribe, preferences, previews.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@commands.command("list")
def list_(ctx: typer.Context, as_json: Json = False) -> None:
    """The ring: which key signs, and which only verify. Never the keys themselves."""
    from subscribers.tokens import ring

    with session(ctx).app.database() as db:
        keys = ring(db)
    if as_json:
        emit_json([{"id": key.id, "created_at": iso(key.created_at), "signs": key.signs} for key in keys])
        return
    table(
        ("key", "since", "use"),
        [(key.id, when(key.created_at), "signs and verifies" if key.signs else "verifies") for key in keys],
        empty="no keys yet: the first is made with the first link",
    )


@commands.command()
def rotate(ctx: typer.Context, as_json: Json = False) -> None:
    """Make a new key, which signs from now on. All older links stay good, for the older keys still verify. A running
    dispatch knows the new key within half a minute."""
    from subscribers.tokens import ring, rotate

    found = session(ctx)
    with found.app.database() as db, db.transaction():
        rotate(db, found.app.clock.now())
        keys = ring(db)
        found.note(db, "key made", "key", keys[-1].id)
    if as_json:
        emit_json({"signs": keys[-1].id, "verify": [key.id for key in keys]})
        return
    say(f"key {keys[-1].id} signs from now on; keys that verify: {', '.join(str(key.id) for key in keys)}")
