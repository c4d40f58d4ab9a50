"""The command `dispatch`: its commands, and how errors are told.

Exit codes: 0 done, 1 the work failed, 2 the call or a setting is wrong, 130 interrupted. Importing this module
imports no channel, no database and no reader.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from dispatch import __version__
from dispatch.cli import (
    audit,
    bounces,
    catalog,
    control,
    database,
    deliveries,
    demo,
    doctor,
    edit,
    email,
    ingest,
    init,
    issues,
    keys,
    lanes,
    report,
    revisions,
    run,
    search,
    sources,
    status,
    subscribers,
    tag,
    webhooks,
)
from dispatch.cli.context import Session
from dispatch.errors import DispatchError, UsageError
from dispatch.output import fail

cli = typer.Typer(
    name="dispatch",
    help="Sends each reader just their part of a periodical bulletin, by email, Telegram and webhook.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"huoju-dispatch {__version__}")
        raise typer.Exit


@cli.callback()
def start(
    ctx: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="The settings (else DISPATCH_CONFIG, else ./dispatch.toml)."),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    ctx.obj = Session(config)


cli.command("init")(init.init)
cli.command("ingest")(ingest.ingest)
for command in (edit.edit, control.pause, control.resume, control.cancel):
    issues.commands.command()(command)
for shown in (revisions.diff, revisions.original, revisions.dismiss):
    issues.commands.command()(shown)
cli.add_typer(issues.commands, name="issues")
cli.add_typer(subscribers.commands, name="subscribers")
cli.add_typer(deliveries.commands, name="deliveries")
cli.add_typer(bounces.commands, name="bounces")
cli.add_typer(webhooks.commands, name="webhooks")
cli.add_typer(lanes.commands, name="lanes")
cli.add_typer(sources.commands, name="sources")
cli.command("report")(report.report)
cli.add_typer(email.commands, name="email")
cli.add_typer(catalog.commands, name="catalog")
cli.add_typer(database.commands, name="database")
cli.add_typer(keys.commands, name="keys")
cli.command("audit")(audit.audit)
cli.command("search")(search.search)
cli.command("tag")(tag.tag)
cli.command("run")(run.run)
cli.command("status")(status.status)
cli.command("doctor")(doctor.doctor)
cli.command("demo")(demo.demo)


def main() -> None:
    """The console command."""
    try:
        cli(args=_config_first(_readable(sys.argv[1:])), prog_name="dispatch")
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output went away
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        sys.exit(_tell(error))


def _readable(arguments: list[str]) -> list[str]:
    """The words of the call; Python turns bytes that are no text into halves of characters, which nothing can write."""
    for place, word in enumerate(arguments, start=1):
        if not word.isascii() and word != word.encode("utf-8", "replace").decode():
            raise UsageError(f"word {place} of the call is not in UTF-8; rename the file or correct the locale")
    return arguments


def _config_first(arguments: list[str]) -> list[str]:
    """Let `--config FILE` stand anywhere, as people write it."""
    for index, word in enumerate(arguments):
        if word == "--":
            break
        if word == "--config" and index + 1 < len(arguments):
            return [*arguments[index : index + 2], *arguments[:index], *arguments[index + 2 :]]
        if word.startswith("--config="):
            return [word, *arguments[:index], *arguments[index + 1 :]]
    return arguments


def _tell(error: BaseException) -> int:
    """Say an error in its own words and give the exit code; what is none of ours is a bug and keeps its traceback."""
    from subscribers.errors import SubscriberError

    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, (DispatchError, SubscriberError)):
        fail(error)
        return error.exit_code
    if isinstance(error, OSError):
        fail(error)
        return 1
    raise error
