"""`dispatch demo`: all of it, on loopback only."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where to leave the received messages.")] = Path(
        "demo"
    ),
) -> None:
    """Take the bundled issue through all of it with sample subscribers and receivers on this machine."""
    from dispatch.demo import run_demo

    if not run_demo(out):
        raise typer.Exit(1)
