"""Options that several commands have."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

Limit = Annotated[
    int | None,
    typer.Option("--limit", metavar="N", min=0, help="At most so many; 0: all. 1000, but all with --json."),
]

APPRISE = "An address of Apprise's; -: read it from standard input."


def from_input(texts: Sequence[str] | None) -> list[str]:
    """Addresses as they were given, `-` for a line of standard input each: what is secret in an address belongs neither
    into a shell's history nor into a list of processes."""
    return [sys.stdin.readline().strip() if text == "-" else text for text in texts or ()]
