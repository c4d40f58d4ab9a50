"""Read damaged files by the thousand: `make fuzz`, or `python -m tests.intake.fuzz --files 10000`.

Each is read in a process of its own as strangers' files are. What ends in anything but an issue or a clear sentence is
told with its number, and kept in a folder.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from dispatch.errors import IntakeError
from dispatch.intake.sandbox import Limits, Sandbox
from tests.intake.damage import damaged

LIMITS = Limits(seconds=30, memory_mb=512, processes=2)
_SIGNS = {
    "Traceback": "a traceback",
    "\n": "more than a line",
    "please report": "an error that nobody foresaw",
    "took longer": "too long",
    "the reader stopped": "a crash",
    "no sound answer": "no sound answer",
    "without end": "no sound answer",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file; `failure` says what is wrong with that, "" where nothing is."""

    seed: int
    kind: str
    name: str
    words: str
    failure: str
    seconds: float


def read(sandbox: Sandbox, folder: Path, seed: int) -> Outcome:
    """Read the damaged file of a number, which stays in the folder where it ended as none should."""
    file = damaged(seed)
    path = folder / file.name
    path.write_bytes(file.data)
    begun = time.perf_counter()
    try:
        sandbox.issue(path, path.name)
        words, wrong = "an issue", ""
    except IntakeError as error:
        words = str(error)
        wrong = failure(path.name, words)
    except Exception as error:
        words, wrong = repr(error), "no error of ours"
    if not wrong:
        path.unlink()
    return Outcome(seed, file.kind, file.name, words, wrong, time.perf_counter() - begun)


def failure(name: str, words: str) -> str:
    """What is wrong with an error, as an end of a damaged file."""
    if not words.startswith(f"{name}: "):
        return "does not name the file"
    return next((what for sign, what in _SIGNS.items() if sign in words), "")


def _outcomes(seeds: range, folder: Path) -> Iterator[Outcome]:
    sandbox = Sandbox(None, LIMITS)
    left = iter(seeds)
    try:
        with ThreadPoolExecutor(LIMITS.processes) as threads:
            while page := list(islice(left, 50)):
                yield from threads.map(lambda seed: read(sandbox, folder, seed), page)
    finally:
        sandbox.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000, help="how many")
    parser.add_argument("--first", type=int, default=1_000_000, help="the number of the first")
    parser.add_argument("--keep", type=Path, help="where files stay that failed (else a new folder)")
    asked = parser.parse_args()
    folder = asked.keep or Path(tempfile.mkdtemp(prefix="dispatch-fuzz-"))
    folder.mkdir(parents=True, exist_ok=True)
    console, counts, failures, slowest = Console(), Counter[tuple[str, str]](), list[Outcome](), 0.0
    with Progress(console=console) as progress:
        bar = progress.add_task("damaged files", total=asked.files)
        for found in _outcomes(range(asked.first, asked.first + asked.files), folder):
            counts[found.kind, found.failure or ("an issue" if found.words == "an issue" else "refused")] += 1
            slowest = max(slowest, found.seconds)
            if found.failure:
                failures.append(found)
                console.print(f"{found.seed} {found.kind} {found.name}: {found.failure}: {found.words}", markup=False)
            progress.advance(bar)
    console.print(_table(counts))
    console.print(f"{sum(counts.values())} files, the slowest in {slowest:.1f} s; {len(failures)} failed", markup=False)
    if failures:
        console.print(f"kept in {folder}; seeds: {' '.join(str(found.seed) for found in failures)}", markup=False)
    elif not asked.keep:
        folder.rmdir()
    return 1 if failures else 0


def _table(counts: Counter[tuple[str, str]]) -> Table:
    ends = sorted({end for _, end in counts})
    table = Table("damage", *ends)
    for kind in sorted({kind for kind, _ in counts}):
        table.add_row(kind, *(str(counts[kind, end] or "") for end in ends))
    table.add_row("all", *(str(sum(count for (_, of), count in counts.items() if of == end)) for end in ends))
    return table


if __name__ == "__main__":
    sys.exit(main())
