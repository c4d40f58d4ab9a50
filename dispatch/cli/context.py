"""What every command starts with: the settings, and the program made of them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from dispatch.app import App
    from dispatch.settings import Settings

# The commands that work without a database and make one. All others would find nothing in a new one: who calls them in
# the wrong folder is told so, and no empty database is left there.
_BEGINNING = ("init", "ingest", "run", "subscribers add", "subscribers import", "database restore")


@dataclass
class Session:
    """One call of the command line; whether it may `begin` a database."""

    config: Path | None = None
    begins: bool = True

    @cached_property
    def settings(self) -> Settings:
        from dispatch.settings import load_settings

        return load_settings(self.config)

    @cached_property
    def app(self) -> App:
        from dispatch.app import App
        from dispatch.logs import set_up

        set_up(self.settings.log)
        return App(self.settings, begins=self.begins)


def session(ctx: typer.Context) -> Session:
    found = ctx.find_root().obj
    made = found if isinstance(found, Session) else Session()
    made.begins = ctx.command_path.partition(" ")[2] in _BEGINNING
    return made


def user() -> str:
    """Who is at the keyboard, for the record of approvals."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return f"uid {os.getuid()}" if hasattr(os, "getuid") else "unknown"
