"""Killing the program at random moments, again and again, until all is out; and what came of it, by the receivers'
journal.

    python -m tests.acceptance.killing --kills 500 [--database postgresql] [--seed N]

A life is one `dispatch run --once`. Issues come through the inbox, so that every stage is met: starting, taking in,
planning, claiming, sending, settling. The moment of a kill is so many acceptances away, or a time after the start
(near the first acceptance more often than elsewhere), or in the planning of an issue, by the lines of the log.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from dispatch import archive
from dispatch.delivery import integrity
from subscribers.database import SCHEMA, Database
from tests.acceptance.conftest import Command
from tests.acceptance.owed import Reader, Verdict, issue_text, judge, write_readers
from tests.acceptance.receivers import CHANNELS, CONNECTIONS, Journal, Receivers, receivers
from tests.postgres import postgres_server

READERS = 120
PATIENCE = 120.0  # seconds that nothing takes, on whatever machine
PACE = 0.016  # seconds that a receiver takes over a message: so that a kill finds some on their way
_FIRST_ISSUE = 901
_ADDED, _PLANNED = " is added", "deliveries planned"  # what the log says when an issue is taken in, and planned
_PLANNING = 0.02  # seconds between the two
_JUST_AFTER = 0.03


class Life:
    """A process of the program from start to end, with what it logs. It does not outlive the `with`."""

    def __init__(self, dispatch: Command, journal: Journal, *words: str) -> None:
        self._command = [sys.executable, "-m", "dispatch", "run", *words]
        self._dispatch = dispatch
        self._journal = journal
        self.lines: list[str] = []
        self.over = False  # the process has ended, and whatever shares its standard error

    def __enter__(self) -> Life:
        self.process = subprocess.Popen(
            self._command,
            cwd=self._dispatch.folder,
            env=self._dispatch.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self.began = len(self._journal)
        self._listener = threading.Thread(target=self._listen, name="standard error")
        self._listener.start()
        return self

    def _listen(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self._journal.tell(lambda line=line: self.lines.append(line))  # type: ignore[misc]  # bound now
        self.process.wait()
        self._journal.tell(lambda: setattr(self, "over", True))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._listener.join()
        assert self.process.stderr
        self.process.stderr.close()

    @property
    def accepted(self) -> int:
        """How many messages were accepted since it began."""
        return len(self._journal) - self.began

    def until(self, reached: Callable[[], bool], seconds: float = PATIENCE) -> bool:
        """Wait for something, or for the end of the process; whether it is so."""
        self._journal.until(lambda: self.over or reached(), seconds)
        return reached()

    def says(self, words: str) -> bool:
        """Whether the log has a line with these words."""
        return any(words in line for line in self.lines)

    def kill(self) -> bool:
        """SIGKILL; whether that was what ended it."""
        self.process.kill()
        return self.process.wait() == -signal.SIGKILL

    def end(self) -> None:
        """It ends by itself, and well; it may take its time for as long as something goes out."""
        seen = -1
        while not self.until(lambda: self.over) and seen != self.accepted:
            seen = self.accepted
        assert self.over, "it does not end"
        said = "".join(self.lines)
        assert self.process.returncode == 0, said
        assert "Traceback" not in said, said


@dataclass
class Office:
    """An installation with readers, and the receivers it sends to."""

    dispatch: Command
    receivers: Receivers
    readers: list[Reader]
    issues: list[int] = field(default_factory=list)

    @property
    def journal(self) -> Journal:
        return self.receivers.journal

    @property
    def url(self) -> str:
        return self.dispatch.environment["DISPATCH_DATABASE__URL"]

    def drop(self) -> int:
        """Put the next issue into the inbox; its number."""
        number = _FIRST_ISSUE + len(self.issues)
        inbox = self.dispatch.folder / "inbox"
        inbox.mkdir(exist_ok=True)
        (self.dispatch.folder / "next.md").write_text(issue_text(number), encoding="utf-8")
        (self.dispatch.folder / "next.md").rename(inbox / f"{number}.md")
        self.issues.append(number)
        return number

    @property
    def deliveries(self) -> int:
        """How many are owed of all issues dropped so far."""
        return len(self.issues) * sum(reader.digests() * len(reader.addresses) for reader in self.readers)

    def verdict(self) -> Verdict:
        return judge(self.journal.entries, self.readers, self.issues)

    def ledger_faults(self) -> list[str]:
        """What is wrong with the ledger when all is over."""
        with closing(Database.open(self.url, (SCHEMA, archive.SCHEMA))) as db:
            states = {
                row["state"]: row["n"] for row in db.all("SELECT state, COUNT(*) AS n FROM deliveries GROUP BY 1")
            }
            leases = [row["name"] for row in db.all("SELECT name FROM leases")]
            faults = [*integrity.structure(db), *map(str, integrity.examine(db))]
        if states != {"sent": self.deliveries}:
            faults.append(f"deliveries are {states}, not {self.deliveries} sent")
        return faults + [f"the lease {name} is left" for name in leases]


def office(folder: Path, url: str, to: Receivers, readers: int, **settings: str) -> Office:
    """A new installation at a database."""
    settings = {
        "DISPATCH_DATABASE__URL": url,
        "DISPATCH_INTAKE__FOLDER": str(folder / "inbox"),
        "DISPATCH_PUBLISH__APPROVAL": "automatic",
        **to.settings(),
        **settings,
    }
    made = Office(Command(folder, settings), to, [Reader(number) for number in range(readers)])
    write_readers(folder / "readers.csv", made.readers, to.hooks_url)
    made.dispatch("subscribers", "import", "readers.csv", "--confirmed")
    return made


@dataclass
class Report:
    """What came of a campaign."""

    seed: int
    database: str
    kills: int = 0
    sending: int = 0  # kills of a process that had sent something
    deliveries: int = 0
    messages: int = 0
    seconds: float = 0.0
    left: int = 0  # messages accepted after the last kill
    # Messages that may come twice: one a connection for each kill of a process that had sent on that channel.
    bounds: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CHANNELS, 0))
    verdict: Verdict = field(default_factory=Verdict)
    faults: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        within = all(count <= self.bounds[channel] for channel, count in self.verdict.repeats.items())
        return within and not (self.verdict.missing or self.verdict.wrong or self.faults)

    def __str__(self) -> str:
        each = [f"{count} of {self.bounds[channel]} {channel}" for channel, count in self.verdict.repeats.items()]
        bound = self.kills * CONNECTIONS * len(CHANNELS)
        lines = [
            f"{self.database}: {self.deliveries} deliveries in {self.messages} messages, {self.kills} kills"
            f" ({self.sending} while sending, {self.left} messages left after the last) in {self.seconds:.0f} s;"
            f" seed {self.seed}",
            f"missing {len(self.verdict.missing)}, wrong {len(self.verdict.wrong)},"
            f" repeats {self.verdict.repeated} (at most {bound}; {', '.join(each)}),"
            f" faults of the ledger {len(self.faults)}",
        ]
        return "\n".join(lines + [*self.verdict.missing[:20], *self.verdict.wrong[:20], *self.faults[:20]])


class Campaign:
    """So many kills, then a last run to the end."""

    def __init__(self, at: Office, kills: int, issues: int, seed: int) -> None:
        self._office = at
        self._wanted = kills
        self._issues = issues
        self._chance = random.Random(seed)
        # For each kill whether it waits for acceptances, or for a time.
        self._deck = [number < kills * 7 // 10 for number in range(kills)]
        self._chance.shuffle(self._deck)
        self._start = 1.0  # seconds from a start to the first acceptance, as last seen
        self.report = Report(seed, at.url.partition(":")[0])
        self._seen = dict.fromkeys(CHANNELS, 0)
        self._each = sum(len(reader.owed(0)) for reader in at.readers)  # messages of an issue on each channel
        # What the receivers take of each channel in a life: something is left for the last one, however slow a machine
        # is with the kill.
        self._most = issues * self._each * 7 // 10 // kills
        assert self._most > CONNECTIONS, "too few readers for so many kills"

    def run(self, tell: Callable[[Report], None] = lambda report: None) -> Report:
        began, journal = time.monotonic(), self._office.journal
        while self.report.kills < self._wanted:
            self._live()
            tell(self.report)
        journal.turn()
        with self._life() as life:
            self._bound()
            before = len(journal)
            life.end()
        self.report.left = len(journal) - before
        self.report.seconds = time.monotonic() - began
        self._judge()
        return self.report

    def _life(self) -> Life:
        return Life(self._office.dispatch, self._office.journal, "--once")

    def _live(self) -> None:
        """One life that is killed."""
        fresh = len(self._office.issues) * self._wanted <= self.report.kills * self._issues
        if fresh:
            self._office.drop()
        self._office.journal.turn(self._most)
        with self._life() as life:
            self._bound()
            self._moment(life, fresh=fresh)
            assert life.kill(), f"it ended before it was killed: {''.join(life.lines)}"
            self.report.kills += 1
            self.report.sending += life.accepted > 0

    def _bound(self) -> None:
        """What the life that was killed before this one may have sent without a record: nothing where it sent nothing.
        Called when this one has hardly begun, and the receivers are through with what they had."""
        for channel, seen in self._seen.items():
            self._seen[channel] = self._office.journal.of(channel)
            self.report.bounds[channel] += CONNECTIONS * (self._seen[channel] > seen)

    def _moment(self, life: Life, *, fresh: bool) -> None:
        """Returns when the time has come to kill it."""
        chance = self._chance
        if fresh:  # a new issue: it is planned only now
            assert life.until(lambda: life.says(_ADDED)), life.lines
            life.until(lambda: life.says(_PLANNED), chance.uniform(0, _PLANNING))
        elif self._deck[self.report.kills]:
            self._sends(life, chance.choice(CHANNELS), chance.randint(1, self._most - CONNECTIONS))
            life.until(lambda: False, chance.uniform(0, _JUST_AFTER))
        else:
            low = chance.choice((0.0, 0.8))
            life.until(lambda: False, self._start * chance.uniform(low, 1.1))

    def _sends(self, life: Life, channel: str, count: int) -> None:
        """Returns when the life has sent so many messages of a channel."""
        began, journal = time.monotonic(), self._office.journal
        until = journal.of(channel) + count
        if life.until(lambda: life.accepted > 0):
            self._start = time.monotonic() - began
        assert life.until(lambda: journal.of(channel) >= until), life.lines

    def _judge(self) -> None:
        report, at = self.report, self._office
        report.deliveries, report.messages = at.deliveries, len(at.journal)
        report.verdict, report.faults = at.verdict(), at.ledger_faults()


def seed_of_environment() -> int:
    """The seed that is asked for (`DISPATCH_TEST_SEED`), else any."""
    return int(os.environ.get("DISPATCH_TEST_SEED") or random.randrange(10**9))


@contextmanager
def _database(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'work.db'}"
        return
    with postgres_server() as server:
        yield server.create()


def _tell(report: Report) -> None:
    if report.kills % 25 == 0:
        print(f"{report.kills} kills, {report.sending} while sending", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--seed", type=int, default=seed_of_environment())
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(_database(options.database, folder))
        at = office(folder, url, stack.enter_context(receivers(PACE)), READERS)
        issues = max(4, options.kills // 8)  # each kill leaves enough for the next
        report = Campaign(at, options.kills, issues, options.seed).run(_tell)
    print(report)
    sys.exit(not report.ok)


if __name__ == "__main__":
    main()
