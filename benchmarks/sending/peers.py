"""The other senders: Postfix's smtp-source, and the libraries that a sender is usually built on.

    benchmarks/sending/peers.py NAME PORT MESSAGES SAMPLE    sends, and prints seconds and seconds of the processor

`ready` senders have the bytes of a message in hand and only exchange the recipient in them; `built` ones make each
message from its text and HTML first, as the library's manual shows. All keep their connections.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[2]) if __name__ == "__main__" else sys.path[0]

from benchmarks.sending import processes

SESSIONS = 16
_MOST = 120.0  # seconds that a turn may take


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds of the clock and of the processor, from the first connection to the last answer."""

    seconds: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Peer:
    """Another sender, and how many messages its turn usually has."""

    name: str
    messages: int
    send: Callable[[int, int, Path], Took]  # port, messages, file with a sample

    def run(self, port: int, messages: int, sample: Path) -> Took:
        return self.send(port, messages, sample)


def _smtp_source(port: int, messages: int, sample: Path) -> Took:
    """As many bytes a message as the sample has; each recipient and To is another's (-N)."""
    command = ["smtp-source", "-4", "-d", "-N", "-s", str(SESSIONS), "-m", str(messages)]
    command += ["-l", str(max(sample.stat().st_size - 140, 1)), "-f", "news@example.org", "-t", "reader@example.org"]
    ended = processes.run([*command, f"127.0.0.1:{port}"], most=_MOST)
    if ended.code:
        sys.exit(f"smtp-source: {ended.err}")
    return Took(ended.seconds, ended.cpu)


def smtp_source() -> Peer | None:
    """Postfix's source of test mail, where it is installed."""
    return Peer("smtp-source", 60_000, _smtp_source) if shutil.which("smtp-source") else None


def found(folder: Path, tell: Callable[[str], None]) -> list[Peer]:
    """The other senders that this machine has; `tell` says which it has not."""
    every = [smtp_source()]
    return [peer for peer in every if peer]
