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

sys.path.pop(0)  # this folder's `email` is not the standard library's
sys.path.insert(0, str(Path(__file__).parents[1]))

import argparse
import json
import signal
import statistics
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from benchmarks.sending.peers import SMTP_SOURCE, Peer, at_hand, nodemailer
from benchmarks.sending.product import Office, Sent, Setting, knows_dkim
from benchmarks.sending.signing import CORES, signatures_a_second
from benchmarks.sending.sink import Sink

WAYS = ((64, 1), (128, 1), (200, 2))  # connections in all, and processes that share them
DELAY, FAR_CONNECTIONS = 0.010, 10
_SIGNATURE = "DKIM-Signature:"
PROMISED = {
    "product_to_smtp_source": 0.6,
    "product_to_best_peer": 3.0,
    "one_message_a_round_trip": 0.9,
    "dkim_to_rsa_limit": 0.9,
}


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is sent."""

    turns: int
    tried: int  # messages by which connections and processes are chosen, and the fewest of a turn
    seconds: float  # that a turn of the product shall take
    peers: float  # of a peer's usual number of messages
    signing: float  # seconds for which signatures are counted
    far: int  # messages where replies come late
    memory: tuple[int, int]  # recipients
    most: float  # seconds that a run of the product may take; it is stopped then


FULL = Scale(3, 10_000, 5.0, 1.0, 1.0, 10_000, (10_000, 1_000_000), 900.0)
QUICK = Scale(1, 3_000, 1.0, 0.2, 0.4, 3_000, (10_000, 100_000), 5.0)


@dataclass
class Bench:
    """The measuring, step by step; `tell` says what is done."""

    scale: Scale
    office: Office
    sink: Sink
    tell: Callable[[str], None]
    signs: bool = False
    start_cpu: dict[int, float] = field(default_factory=dict)  # seconds of the processor for a single message
    figures: dict[str, Any] = field(default_factory=dict)
    rates: dict[str, list[float]] = field(default_factory=dict)
    cpus: dict[str, list[float]] = field(default_factory=dict)
    sinks: dict[str, list[float]] = field(default_factory=dict)

    def choose(self) -> Setting:
        """The numbers of connections and processes with which the product is fastest here."""
        for processes in {processes for _, processes in WAYS}:
            alone = Setting(WAYS[0][0], processes=processes)
            self.start_cpu[processes] = self.office.run(1, alone, self.sink).cpu
        self.signs = self._signs()
        tried = {}
        for connections, processes in WAYS:
            self.tell(f"product with {connections} connections in {processes} processes")
            setting = Setting(connections, processes=processes)
            tried[setting] = self.office.run(self.scale.tried, setting, self.sink).rate
        best = max(tried, key=lambda setting: tried[setting])
        self.figures["tried"] = {
            f"{setting.connections} in {setting.processes}": round(rate) for setting, rate in tried.items()
        }
        self.figures["connections"], self.figures["processes"] = best.connections, best.processes
        self.figures["messages"] = max(int(round(tried[best] * self.scale.seconds, -3)), self.scale.tried)
        return best

    def _signs(self) -> bool:
        """Whether a signature comes out where a key is set."""
        if knows_dkim() and _SIGNATURE in self.office.run(1, Setting(WAYS[0][0], signed=True), self.sink).sample:
            return True
        self.tell("the product is not run with DKIM: this version does not sign")
        return False

    def turn(self, setting: Setting, others: Sequence[Peer], sample: Path) -> None:
        """Everybody once."""
        sent = self.product("product", setting)
        sample.write_bytes(sent.sample.encode("latin-1"))
        if self.signs:
            self.product("product-dkim", replace(setting, signed=True))
        for peer in others:
            self.peer(peer, sample)
        self.tell("RSA-2048 signatures")
        self.rates.setdefault("rsa-2048", []).append(signatures_a_second(self.scale.signing))

    def product(self, name: str, setting: Setting, sink: Sink | None = None) -> Sent:
        """A run that counts as a sender of that name."""
        self.tell(name)
        sent = self.office.run(self.figures["messages"], setting, sink or self.sink, self.scale.most)
        if setting.signed != (_SIGNATURE in sent.sample):
            sys.exit(f"{name}: messages are {'not ' if setting.signed else ''}signed")
        self.figures.setdefault("message_bytes", round(sent.message_bytes))
        self._count(
            name,
            sent.rate,
            (sent.cpu - self.start_cpu[setting.processes]) / sent.messages,
            sent.sink_cpu / sent.messages,
        )
        return sent

    def peer(self, peer: Peer, sample: Path) -> None:
        """A turn of another sender, whose messages must all arrive."""
        self.tell(peer.name)
        self.sink.report()
        count = max(round(peer.messages * self.scale.peers), 100)
        took = peer.send(self.sink.port, count, sample)
        report = self.sink.report()
        if report["accepted"] != count:
            sys.exit(f"{peer.name} sent {report['accepted']} messages and not {count}")
        self._count(peer.name, count / took.seconds, took.cpu / count, report["cpu"] / count)

    def _count(self, name: str, rate: float, cpu: float, sink: float) -> None:
        for kept, value in ((self.rates, rate), (self.cpus, cpu * 1e6), (self.sinks, sink * 1e6)):
            kept.setdefault(name, []).append(value)

    def far(self) -> float:
        """Messages a second over the one a round trip that each connection can have."""
        self.tell(f"product with replies {DELAY * 1000:.0f} ms away")
        with Sink("--delay", str(DELAY)) as sink:
            sent = self.office.run(self.scale.far, Setting(FAR_CONNECTIONS), sink, self.scale.most)
        delay = round(sent.delay * 1000, 2)
        self.figures["far"] = {"connections": FAR_CONNECTIONS, "delay_ms": delay, "rate": round(sent.rate)}
        return sent.rate * DELAY / FAR_CONNECTIONS

    def memory(self, setting: Setting) -> float:
        """The peak for most recipients over that for the fewest."""
        told = {}
        for readers in self.scale.memory:
            self.tell(f"memory with {readers:,} recipients")
            sent = self.office.run(readers, setting, self.sink, self.scale.most)
            told[str(readers)] = {"peak_mb": round(sent.peak_mb, 1), "sent": sent.messages, "rate": round(sent.rate)}
        peaks = [entry["peak_mb"] for entry in told.values()]
        self.figures["memory"] = told
        self.figures["sender_peak_mb"] = max(peaks)
        return peaks[-1] / peaks[0]

    def ratio(self, name: str, other: str) -> float:
        """The median, over the turns, of the rates of two senders in the same turn."""
        turns = zip(self.rates[name], self.rates[other], strict=True)
        return statistics.median(one / two for one, two in turns)

    def dkim(self) -> float:
        """The median, over the turns, of what is reached of the limit by signatures."""
        turns = zip(self.rates["product-dkim"], self.rates["product"], self.rates["rsa-2048"], strict=True)
        return statistics.median(signed * (1 / rsa + 1 / plain) for signed, plain, rsa in turns)

    def senders(self) -> dict[str, dict[str, float]]:
        """The medians of each sender."""
        return {
            name: {
                "rate": round(statistics.median(rates)),
                "cpu_us": round(statistics.median(self.cpus[name])),
                "sink_us": round(statistics.median(self.sinks[name])),
            }
            for name, rates in self.rates.items()
            if name in self.cpus
        }


def measure(scale: Scale, tell: Callable[[str], None]) -> dict[str, Any]:
    """All of it, as ratios and figures."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="email-")))
        bench = Bench(scale, Office(folder), stack.enter_context(Sink()), tell)
        others = [*at_hand(tell), *nodemailer(folder, tell)]
        setting = bench.choose()
        for turn in range(scale.turns):
            tell(f"turn {turn + 1} of {scale.turns}")
            bench.turn(setting, others, folder / "sample.eml")
        ratios = _ratios(bench, [peer.name for peer in others])
        ratios["one_message_a_round_trip"] = bench.far()
        ratios["memory_1m_to_10k"] = bench.memory(replace(setting, processes=1))  # that only sends: no pages, no watch
        if scale is FULL:
            other = replace(setting, processes=3 - setting.processes)
            bench.product(f"product, {other.processes} processes", other)
            bench.product("product, TLS", replace(setting, tls=True), stack.enter_context(Sink("--tls")))
    figures = {**bench.figures, "rsa_2048": round(statistics.median(bench.rates["rsa-2048"])), "cores": CORES}
    return {
        "ratios": {name: round(ratio, 3) for name, ratio in ratios.items()},
        "figures": {**figures, "senders": bench.senders()},
    }


def _ratios(bench: Bench, others: Sequence[str]) -> dict[str, float]:
    """Those of the senders that took turns; a sender that this machine has not is in none."""
    ratios = {}
    libraries = [name for name in others if name != SMTP_SOURCE]
    if SMTP_SOURCE in others:
        ratios["product_to_smtp_source"] = bench.ratio("product", SMTP_SOURCE)
    best = max(libraries, key=lambda name: statistics.median(bench.rates[name]))
    bench.figures["best_peer"] = best
    ratios["product_to_best_peer"] = bench.ratio("product", best)
    if "product-dkim" in bench.rates:
        ratios["dkim_to_rsa_limit"] = bench.dkim()
    return ratios


def show(measured: dict[str, Any]) -> None:
    figures = measured["figures"]
    tried = ", ".join(f"{rate:,} with {way}" for way, rate in figures["tried"].items())
    way = f"{figures['connections']} connections in {figures['processes']} processes"
    print(f"{figures['message_bytes']:,} bytes a message; the product with {way} ({tried})")
    print(f"{'sender':<22}{'messages/s':>12}{'CPU µs each':>13}{'sink µs':>9}")
    for name, row in figures["senders"].items():
        print(f"{name:<22}{row['rate']:>12,}{row['cpu_us']:>13,}{row['sink_us']:>9,}")
    far = figures["far"]
    print(f"replies {far['delay_ms']} ms away, {far['connections']} connections: {far['rate']:,} messages a second")
    print(f"RSA-2048 signatures: {figures['rsa_2048']:,} a second by {figures['cores']} processes")
    for readers, row in figures["memory"].items():
        print(f"{int(readers):,} recipients ({row['sent']:,} sent): peak {row['peak_mb']} MB")
    for name, value in measured["ratios"].items():
        print(f"{name}: {value}" + (f" (at least {PROMISED[name]})" if name in PROMISED else ""))


def one(name: str, messages: int, connections: int) -> dict[str, Any]:
    """A single sender once, with so many messages: what it did and what the sink had of it."""
    with tempfile.TemporaryDirectory(prefix="email-") as folder, Sink() as sink:
        office, setting = Office(Path(folder)), Setting(connections, signed=name == "product-dkim")
        if name.startswith("product"):
            return _told(office.run(messages, setting, sink))
        sample = Path(folder) / "sample.eml"
        sample.write_bytes(office.run(1, setting, sink).sample.encode("latin-1"))
        others = nodemailer(Path(folder), _progress) if name.startswith("nodemailer") else at_hand(_progress)
        (peer,) = [peer for peer in others if peer.name == name]
        took = peer.send(sink.port, messages, sample)
        report = sink.report()
        return {"accepted": report["accepted"], "rate": messages / took.seconds, "cpu_us": took.cpu / messages * 1e6}


def _told(sent: Sent) -> dict[str, Any]:
    told = asdict(sent)
    del told["sample"]
    return {**told, "rate": sent.rate}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="less of everything, within a minute")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--one", nargs=3, metavar=("SENDER", "N", "CONNECTIONS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # what was started is ended too
    if options.one:
        print(json.dumps(one(options.one[0], int(options.one[1]), int(options.one[2]))))
        return
    measured = measure(QUICK if options.quick else FULL, _quiet if options.json else _progress)
    print(json.dumps(measured, indent=2)) if options.json else show(measured)


def _progress(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def _quiet(words: str) -> None:
    """Nothing is told where JSON is wanted."""


if __name__ == "__main__":
    main()
