"""`dispatch init`: a folder to start from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from dispatch.cli.context import Session
from dispatch.output import say


def init(
    directory: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where to put it.", show_default=False)] = Path(),
) -> None:
    """Write a commented dispatch.toml and make an empty database and an inbox folder. What is there stays."""
    from dispatch.assets import config_dir

    directory.mkdir(parents=True, exist_ok=True)
    file = directory / "dispatch.toml"
    if file.exists():
        say(f"{file} is there already and stays as it is")
    else:
        _write_private(file, (config_dir() / "dispatch.toml").read_bytes())
        say(f"wrote {file}")
    session = Session(file)
    with session.app.database() as db:
        say(f"database {db.where}")
    inbox = session.settings.intake.folder
    inbox.mkdir(parents=True, exist_ok=True)
    say(f"inbox {inbox}")
    say("next: fill in [email], [telegram] or [webhook], then:")
    say(f"  dispatch --config {file} doctor")
    say(f"  dispatch --config {file} subscribers add --email you@example.com --follow all --confirmed")
    say(f"  dispatch --config {file} run")


def _write_private(file: Path, data: bytes) -> None:
    """For its owner alone from the first moment: passwords and tokens are written into it."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(data)
