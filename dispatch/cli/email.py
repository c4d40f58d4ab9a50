"""`dispatch email`: try out how mail goes out."""

from __future__ import annotations

import typer

from dispatch.cli import email_test

commands = typer.Typer(help="Try out how mail goes out.", no_args_is_help=True)
commands.command("test")(email_test.send_test)
