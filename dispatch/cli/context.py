"""What every command starts with: the settings, and the program made of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from dispatch.app import App
    from dispatch.settings import Settings
    from subscribers.audit import Act
    from subscribers.database import Database

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

    def act(self) -> Act:
        """What is done now, by who is at the keyboard."""
        from subscribers.audit import Act, Way

        return Act(self.app.clock.now(), user(), Way.COMMAND)

    def note(
        self,
        db: Database,
        action: str,
        subject: str,
        subject_id: int | str = "",
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Put on record what is done. Called inside the transaction that does it."""
        from subscribers import audit

        audit.record(db, self.act(), action, subject, subject_id, detail)


def session(ctx: typer.Context) -> Session:
    found = ctx.find_root().obj
    made = found if isinstance(found, Session) else Session()
    made.begins = ctx.command_path.partition(" ")[2] in _BEGINNING
    return made


def user() -> str:
    """The operating system's user at the keyboard, for the record: who became root by sudo is named too."""
    import getpass

    if not hasattr(os, "getuid"):  # Windows
        return getpass.getuser()
    import pwd  # not the environment's word, which anybody can set

    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = f"uid {os.getuid()}"
    before = os.environ.get("SUDO_USER", "") if os.getuid() == 0 else ""
    return f"{name} ({before} by sudo)" if before and before != name else name
