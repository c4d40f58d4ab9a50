"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

Limit = Annotated[
    int | None,
    typer.Option("--limit", metavar="N", min=0, help="At most so many; 0: all. 1000, but all with --json."),
]

APPRISE = "An address of Apprise's; -: read it from standard input."
