"""`dispatch email`: what sending email needs besides the settings."""

from __future__ import annotations

import typer

from dispatch.cli import dkim_key

commands = typer.Typer(help="The keys that sign mail.", no_args_is_help=True)
commands.command("dkim-key")(dkim_key.dkim_key)


@commands.callback()
def _group() -> None:
    """The keys that sign mail."""  # with a callback it is a group, also while it has one command only
