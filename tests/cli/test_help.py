"""What `--help` says of each command in one line is a whole sentence."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from dispatch.cli.main import cli


@pytest.mark.parametrize("group", ["subscribers", "issues", "deliveries", "lanes", "catalog"])
def test_no_line_of_the_list_of_commands_is_cut_off(group: str) -> None:
    done = CliRunner().invoke(cli, [group, "--help"], terminal_width=80)
    commands = done.stdout.partition("Commands:")[2].strip().splitlines()
    assert len(commands) >= 2
    assert [line for line in commands if line.endswith("...")] == []
