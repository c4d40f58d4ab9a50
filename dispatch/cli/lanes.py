"""`dispatch lanes`: which relays, bots and hosts rest, and letting them try again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dispatch.cli.context import session
from dispatch.output import emit_json, iso, say, table, warn, when

if TYPE_CHECKING:
    from dispatch.app import App
    from dispatch.delivery.lanes import LaneState, Woken
    from subscribers.database import Row

commands = typer.Typer(help="Lanes (a relay, a bot, a host): which rest, and waking them.", no_args_is_help=True)
_COUNTS = ("sent", "retried", "failed")
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@commands.command("list")
def list_(ctx: typer.Context, as_json: Json = False) -> None:
    """How each lane stands, and why it rests.

    Relays that have never worked are there too.
    LANE>PROVIDER is a mailbox provider that has asked for a rest there; its messages are counted with the lane's.
    """
    from dispatch.delivery import lanes

    app = session(ctx).app
    with app.database() as db:
        rows = [*lanes.known(db)]
    rows = sorted([*rows, *_unused(app, rows)], key=lambda row: str(row["name"]))
    found = [_json(row, lanes.state_of(row), app.clock.now()) for row in rows]
    if as_json:
        emit_json(found)
        return
    table(
        ("lane", "queue", "state", "until", "sent", "retried", "failed", "reason"),
        [_line(row, lanes.state_of(row), app.clock.now()) for row in rows],
        empty="no lanes yet: nothing was sent",
    )


def _unused(app: App, rows: Sequence[Row]) -> Iterator[Row]:
    """The relays that are set up and nobody has used yet, as `known` would give them."""
    from dispatch.channels.registry import off
    from dispatch.delivery.lanes import LaneState

    known = {row["name"] for row in rows}
    for relay in () if "email" in off(app.settings) else app.settings.email.all_relays:
        if (name := f"email:{relay.name}") not in known:
            yield {**asdict(LaneState(name)), "queue": "email", **dict.fromkeys(_COUNTS, 0)}


def _json(row: Row, state: LaneState, now: int) -> dict[str, Any]:
    resting = state.wait(now) > 0
    return {
        **{name: row[name] for name in ("name", "queue", "breaker")},
        "state": _words(state, now),
        "rests_until": iso(now + state.wait(now)) if resting else None,
        "asked_by_provider": resting and state.asked,
        "reason": row["reason"],
        **{name: None if _is_group(row) else row[name] for name in _COUNTS},
    }


def _line(row: Row, state: LaneState, now: int) -> tuple[object, ...]:
    until = when(now + state.wait(now)) if state.wait(now) else ""
    counts = tuple("" if _is_group(row) else row[name] for name in _COUNTS)
    return (state.name, row["queue"], _words(state, now), until, *counts, state.reason)


def _is_group(row: Row) -> bool:
    """Whether it is a group of a lane's addresses (a mailbox provider), whose messages are counted with the lane's."""
    return ">" in row["name"]


def _words(state: LaneState, now: int) -> str:
    """The words of `dispatch status`, which alone knows what runs just now: `waiting` is what a provider asked for."""
    if state.wait(now):
        return "waiting" if state.asked else "resting"
    return {"open": "rested", "half-open": "trying"}.get(state.breaker, "ready")


@commands.command()
def retry(
    ctx: typer.Context,
    lane: Annotated[str, typer.Argument(metavar="[LANE]", help="A lane by its name; else all that rest.")] = "",
    even_if_asked: Annotated[
        bool, typer.Option("--even-if-asked", help="Also a rest that the provider asked for.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Let lanes that rest try again now. A running dispatch does so at its next poll, with one message first; a rest
    that the provider asked for is left alone, for who breaks it may be shut out for longer."""
    from dispatch.delivery import lanes

    app = session(ctx).app
    with app.database() as db:
        done = lanes.wake(db, app.clock.now(), name=lane, even_if_asked=even_if_asked)
        with db.transaction():
            for state in done.woken:
                session(ctx).note(db, "woken", "lane", state.name)
    if as_json:
        emit_json({"woken": [state.name for state in done.woken], "left_alone": [_left(state) for state in done.left]})
    else:
        _tell(done, lane)
    if done.left and not done.woken:
        raise typer.Exit(1)


def _left(state: LaneState) -> dict[str, Any]:
    return {"name": state.name, "until": iso(state.not_before), "reason": state.reason}


def _tell(done: Woken, lane: str) -> None:
    for state in done.woken:
        say(f"{state.name} is tried again by a running dispatch, or: dispatch run --once")
    for state in done.left:
        warn(
            f"{state.name} was left alone: the provider asked for a rest until {when(state.not_before)}"
            f" ({state.reason}); to try all the same: dispatch lanes retry {state.name} --even-if-asked"
        )
    if not done.woken and not done.left:
        say(f"{lane} does not rest" if lane else "no lane rests")
