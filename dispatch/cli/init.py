"""`dispatch init`: a folder to start from."""

from __future__ import annotations

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
        file.write_bytes((config_dir() / "dispatch.toml").read_bytes())
        file.chmod(0o600)  # passwords and tokens are written into it
        say(f"wrote {file}")
    session = Session(file)
    with session.app.database() as db:
        say(f"database {db.path}")
    inbox = session.settings.intake.folder
    inbox.mkdir(parents=True, exist_ok=True)
    say(f"inbox {inbox}")
    say("next: fill in [email], [telegram] or [webhook], then:")
    say(f"  dispatch --config {file} doctor")
    say(f"  dispatch --config {file} subscribers add --email you@example.com --follow all --confirmed")
    say(f"  dispatch --config {file} run")
