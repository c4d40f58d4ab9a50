"""`dispatch email`: what sending email needs besides the settings."""

from __future__ import annotations

import typer

from dispatch.cli import dkim_key, email_test

commands = typer.Typer(help="The keys that sign mail, and a mail to try a relay.", no_args_is_help=True)
commands.command("dkim-key")(dkim_key.dkim_key)
commands.command("test")(email_test.send_test)
