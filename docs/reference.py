"""Makes docs/commands.md from the command line itself: python docs/reference.py"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main

from dispatch.cli.main import cli

HEAD = """# Commands

Made from the program by `python docs/reference.py`; a test compares the two.

Every command takes `--help`. `--config FILE` may stand anywhere in the line. Exit codes: 0 done (warnings leave it
0), 1 the work failed, 2 the call or a setting is wrong, 130 interrupted.
"""


def reference() -> str:
    """The whole page."""
    root = typer.main.get_command(cli)
    return HEAD + "".join(_sections(root, "dispatch"))


def _sections(command: Any, name: str) -> Iterator[str]:
    commands = getattr(command, "commands", None)
    if commands is None:
        yield _section(command, name)
        return
    for word, sub in commands.items():
        yield from _sections(sub, f"{name} {word}")


def _section(command: Any, name: str) -> str:
    arguments = [item for item in command.params if item.param_type_name == "argument"]
    shown = [item for item in command.params if item.param_type_name == "option" and not item.hidden]
    options = [item for item in shown if item.name != "help"]
    usage = " ".join([name, *(item.metavar or item.name.upper() for item in arguments)])
    lines = [f"\n## {usage}\n", f"\n{inspect.cleandoc(command.help or '')}\n"]
    rows = [(_names(item), item.help or "") for item in options]
    if rows:
        lines.append("\n| option | meaning |\n|---|---|\n")
        lines += [f"| `{names}` | {words} |\n" for names, words in rows]
    return "".join(lines)


def _names(option: Any) -> str:
    names = " / ".join([*option.opts, *option.secondary_opts])
    value = "" if option.is_flag else " " + (option.metavar or option.name.upper())
    return (names + value).replace("|", "\\|")


if __name__ == "__main__":
    Path(__file__).with_name("commands.md").write_text(reference(), encoding="utf-8")
