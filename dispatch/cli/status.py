"""`dispatch status`: what goes on, from any shell."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from dispatch.cli.context import session
from dispatch.errors import DispatchError
from dispatch.output import console, emit_json, json_line

if TYPE_CHECKING:
    from rich.console import Console

    from dispatch.app import App
    from dispatch.delivery.channel import Channel
    from dispatch.delivery.status import Status

_REDRAW_SECONDS, _LINE_SECONDS = 1.0, 5.0


def status(
    ctx: typer.Context,
    watch: Annotated[bool, typer.Option("--watch", help="Go on showing it, until Ctrl-C.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; with --watch an object a line.")] = False,
) -> None:
    """What goes on: processes, issues under way, lanes and what waits for them. It covers all processes."""
    app = session(ctx).app
    if watch:
        with contextlib.suppress(KeyboardInterrupt), _reading(app) as read:
            _watch(read, as_json=as_json)
        return
    with _reading(app) as read:
        found = read()
    _print_json(found) if as_json else _print(found)


@contextlib.contextmanager
def _reading(app: App) -> Iterator[Callable[[], Status]]:
    from dispatch.delivery.status_reader import Reader

    reader = Reader(_off(app))
    with app.database() as db:
        yield lambda: reader.read(db, app.clock.now())


def _off(app: App) -> Callable[[str], bool]:
    """Whether a queue has no lane by the settings of this call."""
    from functools import cache

    @cache
    def channels() -> Mapping[str, Channel] | None:
        try:
            return app.channels()
        except DispatchError:  # templates that cannot be read, for one: the status is shown all the same
            return None

    def off(queue: str) -> bool:
        known = channels()
        if known is None:
            return False
        found = known.get(queue.partition(":")[0])
        return found is None or not found.lanes(queue)

    return off


def _print_json(status: Status) -> None:
    from dispatch.cli.status_view import as_dict

    emit_json(as_dict(status))


def _print(status: Status) -> None:
    from dispatch.cli import status_screen, status_view

    out = console()
    if out.is_terminal:
        out.print(status_screen.screen(status, out.size.width))
    else:
        status_view.print_tables(status)


def _watch(read: Callable[[], Status], *, as_json: bool) -> None:
    from dispatch.cli import status_view

    out = console()
    if out.is_terminal and not as_json:
        _redraw(read)
        return
    while True:
        found = read()
        typer.echo(json_line(status_view.as_dict(found)) if as_json else status_view.line(found))
        time.sleep(_LINE_SECONDS)


def _redraw(read: Callable[[], Status]) -> None:
    from rich.live import Live

    from dispatch.cli.status_screen import screen

    out = console()
    with Live(console=out, auto_refresh=False, screen=False, vertical_overflow="crop") as live:
        while True:
            started = time.monotonic()
            live.update(screen(read(), *_inside(out)), refresh=True)
            # With thousands of hosts it is work: three quarters of the time are others'.
            time.sleep(max(_REDRAW_SECONDS, 3 * (time.monotonic() - started)))


def _inside(out: Console) -> tuple[int, int]:
    """The width, and the height less the line that the cursor stands on."""
    return out.size.width, out.size.height - 1
