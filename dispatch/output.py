"""Printing: tables for people, JSON for programs, lines for the log. Rich is imported only when a table is drawn.

Text of strangers comes out everywhere: titles, names, answers of servers. None of it may steer a terminal.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.console import Console

# What could steer a terminal: controls (C0 but for tab and line feed, C1), ends of lines and changes of direction
# of Unicode; and halves of characters, which no stream can write.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_WIDE = 4000


def plain(value: object) -> str:
    """A value as text that moves no cursor and colours nothing."""
    return _CONTROL.sub("�", "" if value is None else str(value))


class StandardOutput:
    """Standard output for text as it was given to us: a file or a pipe gets it as it is, a terminal made harmless."""

    def write(self, text: str, /) -> int:
        return sys.stdout.write(plain(text) if sys.stdout.isatty() else text)


def say(text: str) -> None:
    typer.echo(plain(text))


def warn(text: str) -> None:
    typer.echo(f"warning: {plain(text)}", err=True)


def fail(text: object) -> None:
    """Say what went wrong; the exit code is the caller's."""
    typer.echo(f"error: {plain(text)}", err=True)


def json_text(value: object) -> str:
    """JSON for people and programs: readable, and with nothing in it that steers a terminal."""
    return _escaped(json.dumps(value, ensure_ascii=False, indent=2))


def json_line(value: object) -> str:
    """The same on one line. What JSON does not know is written as text."""
    return _escaped(json.dumps(value, ensure_ascii=False, default=str))


def _escaped(text: str) -> str:
    """JSON has C0 escaped already; the line feeds that are left are its own."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def emit_json(value: object) -> None:
    typer.echo(json_text(value))


class LineFormatter(logging.Formatter):
    """One record, one line: nothing in it can pose as another record or steer the terminal that shows the log."""

    def format(self, record: logging.LogRecord) -> str:
        return " ⏎ ".join(plain(super().format(record)).splitlines())


def console(*, err: bool = False) -> Console:
    """A console that cuts nothing off where the output is no terminal."""
    from rich.console import Console

    stream = sys.stderr if err else sys.stdout
    return Console(stderr=err, highlight=False, markup=False, width=None if stream.isatty() else _WIDE)


def table(titles: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str, title: str = "") -> None:
    """Print rows under titles, or `empty` where there are none."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    if not rows:
        say(empty)
        return
    out = console()
    drawn = Table(box=box.SIMPLE_HEAD if out.is_terminal else None, title=title or None, title_justify="left")
    for name in titles:
        drawn.add_column(name, overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(plain(cell)) for cell in row))
    out.print(drawn)


def when(moment: int | None) -> str:
    """A time in ms as local time."""
    if moment is None:
        return ""
    return dt.datetime.fromtimestamp(moment / 1000).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def iso(moment: int | None) -> str | None:
    """A time in ms as ISO 8601 in UTC, for JSON."""
    return dt.datetime.fromtimestamp(moment / 1000, dt.UTC).isoformat() if moment is not None else None


def span(seconds: float | None) -> str:
    """A length of time: 0:05, 12:30, 2:10:00, 3 d 4 h."""
    if seconds is None:
        return ""
    whole = max(0, round(seconds))
    if whole >= 86400:
        return f"{whole // 86400} d {whole % 86400 // 3600} h"
    minutes, rest = divmod(whole, 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"
