"""What sending by email costs: the whole product beside Postfix's own source of test mail, and beside libraries.

    benchmarks/email.py [--quick] [--json]

All send about 23 KB of Chinese HTML and text to one sink on loopback, which takes everything and costs little. The
product is `dispatch run --once` in a folder of its own, from an approved issue to the settled ledger: it plans, claims,
renders, fills in what is personal (name, signed links, reasons, Message-ID), sends, and commits each outcome to SQLite
with `synchronous = FULL` before the connection goes on. Its time is the ledger's, from the beginning of the plan to the
last outcome on the disk; the sink and the ledger must agree on every recipient.

Ratios:
    product_to_smtp_source   messages a second, the product's over those of smtp-source with 16 kept sessions (at
                             least 0.6)
    product_to_best_peer     the same over the fastest of smtplib, aiosmtplib and nodemailer (at least 3)
    one_message_a_round_trip where replies come after 10 ms, to 10 connections: over the 1,000 a second that one
                             message a round trip makes (at least 0.9)
    dkim_to_rsa_limit        with RSA-2048 signatures, over 1 / (1/R + 1/P): R signatures a second by as many processes
                             as there are cores, P messages a second without (at least 0.9)

Figures: messages a second and microseconds of the processor for each of all senders, those of the sink, the product
with other numbers of connections, with two processes and under TLS, and its peak memory for 10,000 and for 1,000,000
recipients (`sender_peak_mb`).

All senders take turns, and medians are compared, because machines drift. --quick takes one turn, fewer messages and
100,000 recipients at most, under the same names.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # not this folder: its `email` is not the standard library's

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.sending import peers
from benchmarks.sending.peers import Peer
from benchmarks.sending.product import Office, Sent, Setting
from benchmarks.sending.sink import Sink

CONNECTIONS = (16, 32, 64)
DELAY, FAR_CONNECTIONS = 0.010, 10
PROMISED = {
    "product_to_smtp_source": 0.6,
    "product_to_best_peer": 3.0,
    "one_message_a_round_trip": 0.9,
    "dkim_to_rsa_limit": 0.9,
}


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is sent. `seconds` is what a turn of the product shall take; `most` is what anything may take."""

    rounds: int
    tried: int  # messages by which the number of connections is chosen
    seconds: float
    fewest: int
    peers: float  # of a peer's usual number of messages
    far: int
    memory: tuple[int, int]
    most: float


FULL = Scale(3, 5_000, 5.0, 5_000, 1.0, 5_000, (10_000, 1_000_000), 900.0)
QUICK = Scale(1, 1_000, 1.0, 1_000, 0.25, 2_000, (10_000, 100_000), 8.0)


@dataclass
class Bench:
    """The measuring, step by step; `tell` says what is done."""

    scale: Scale
    office: Office
    sink: Sink
    tell: Callable[[str], None]
    start_cpu: float = 0.0  # seconds of the processor that the product takes for a single message
    figures: dict[str, Any] = field(default_factory=dict)
    rates: dict[str, list[float]] = field(default_factory=dict)
    cpus: dict[str, list[float]] = field(default_factory=dict)
    sinks: dict[str, list[float]] = field(default_factory=dict)

    def choose(self) -> Setting:
        """The number of connections with which the product is fastest here."""
        self.start_cpu = self.office.run(1, Setting(CONNECTIONS[0]), self.sink).cpu
        tried = {}
        for connections in CONNECTIONS:
            self.tell(f"product, {connections} connections")
            tried[connections] = self.office.run(self.scale.tried, Setting(connections), self.sink).rate
        best = max(tried, key=lambda connections: tried[connections])
        self.figures["connections_tried"] = {str(key): round(rate) for key, rate in tried.items()}
        self.figures["connections"] = best
        wanted = tried[best] * self.scale.seconds
        self.figures["messages"] = max(round(wanted, -3), self.scale.fewest)
        return Setting(best)

    def product(self, name: str, setting: Setting) -> Sent:
        """A run that counts as a sender of that name."""
        self.tell(name)
        sent = self.office.run(int(self.figures["messages"]), setting, self.sink)
        self.figures.setdefault("message_bytes", round(sent.message_bytes))
        self._count(name, sent.rate, (sent.cpu - self.start_cpu) / sent.messages, sent.sink_cpu / sent.messages)
        return sent

    def peer(self, peer: Peer, sample: Path) -> None:
        """A turn of another sender, whose messages must all arrive."""
        self.tell(peer.name)
        self.sink.report()
        count = max(round(peer.messages * self.scale.peers), 100)
        ended = peer.run(self.sink.port, count, sample)
        took = self.sink.report()
        if took["accepted"] != count:
            sys.exit(f"{peer.name} sent {took['accepted']} messages and not {count}")
        self._count(peer.name, count / ended.seconds, ended.cpu / count, took["cpu"] / count)

    def _count(self, name: str, rate: float, cpu: float, sink: float) -> None:
        for kept, value in ((self.rates, rate), (self.cpus, cpu * 1e6), (self.sinks, sink * 1e6)):
            kept.setdefault(name, []).append(value)

    def ratio(self, name: str, other: str) -> float:
        """The median, over the turns, of the rates of two senders in the same turn."""
        turns = zip(self.rates[name], self.rates[other], strict=True)
        return statistics.median(one / two for one, two in turns)


def one(name: str, messages: int, connections: int) -> dict[str, Any]:
    """A single sender once, with so many messages: what it did and what the sink had of it."""
    with tempfile.TemporaryDirectory(prefix="email-") as folder, Sink() as sink:
        sent = Office(Path(folder)).run(messages, Setting(connections, signed=name == "product-dkim"), sink)
        if name in ("product", "product-dkim"):
            return _told(sent)
        sample = Path(folder) / "sample.eml"
        sample.write_bytes(sent.sample.encode("latin-1"))
        (peer,) = [peer for peer in peers.found(Path(folder), print) if peer.name == name]
        took = peer.run(sink.port, messages, sample)
        report = sink.report()
        return {"accepted": report["accepted"], "rate": messages / took.seconds, "cpu_us": took.cpu / messages * 1e6}


def _told(sent: Sent) -> dict[str, Any]:
    found = asdict(sent)
    del found["sample"]
    return {**found, "rate": sent.rate}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="less of everything, within a minute")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--one", nargs=3, metavar=("SENDER", "N", "CONNECTIONS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(one(options.one[0], int(options.one[1]), int(options.one[2]))))


if __name__ == "__main__":
    main()
