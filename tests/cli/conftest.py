"""The commands in this process, over a ledger that the test has filled."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from dispatch.assets import config_dir
from dispatch.cli.main import cli
from dispatch.delivery import claims, settles
from dispatch.delivery.clock import SystemClock
from dispatch.delivery.ledger import Attempt
from dispatch.errors import DispatchError
from dispatch.model import Outcome, Sent
from subscribers.errors import SubscriberError
from tests.delivery.conftest import Desk

Answer = Callable[[str], Outcome]


class Office:
    """A ledger, and `dispatch` as the administrator calls it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.desk = Desk(folder / "ledger.db")
        self.desk.clock.ms = SystemClock().now()  # the commands read the machine's

    def __call__(self, *words: str, expect: int = 0) -> Result:
        """Call it; an error is told as the console command tells it, by its exit code."""
        done = CliRunner().invoke(cli, list(words))
        error = done.exception
        if isinstance(error, DispatchError | SubscriberError):
            assert error.exit_code == expect, error
        elif error is not None and not isinstance(error, SystemExit):
            raise error
        else:
            assert done.exit_code == expect, done.output
        return done

    def json(self, *words: str) -> Any:
        return json.loads(self(*words, "--json").stdout)

    def settle(self, answer: Answer = lambda address: Sent(code="250"), channel: str = "email") -> None:
        """Send what is due, to receivers that answer so."""
        for work in claims.claim(self.desk.db, channel, 100, "me", self.desk.clock.now(), 300_000):
            outcome = answer(work.address)
            made = Attempt(
                work, 0, outcome, self.desk.clock.now(), 20, True, f"id-{work.message_id}", f"{channel}:one",
                self.desk.clock.now() + 60_000,
            )  # fmt: skip
            settles.settle(self.desk.db, [made], self.desk.clock.now())


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DISPATCH_DATABASE__URL", f"sqlite:///{tmp_path / 'ledger.db'}")
    office = Office(tmp_path)
    yield office
    office.desk.db.close()


@pytest.fixture
def sampled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    """An archive with the bundled issue, as `ingest` took it in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DISPATCH_DATABASE__URL", f"sqlite:///{tmp_path / 'sampled.db'}")
    sampled = Office(tmp_path)
    sampled.desk.db.close()
    sampled("ingest", str(config_dir() / "samples" / "huoju-2022-05.md"))
    return sampled
