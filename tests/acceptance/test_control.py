"""Pausing, resuming and cancelling what a running dispatch sends, and a test sent beside it.

The receivers' gate makes the moment certain: while it is shut, every connection waits for an answer.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import SAMPLE, Command
from tests.acceptance.killing import PACE, PATIENCE, Office
from tests.acceptance.lives import Running, all_out, quick, rows
from tests.acceptance.owed import COLUMNS, Reader, judge
from tests.acceptance.receivers import CHANNELS, CONNECTIONS, Accepted, Journal, Receivers, receivers

READERS = 20
PAGE = 2
# Of a channel: what the connections have, what waits for them, and the page that was claimed to follow it.
IN_HAND = CONNECTIONS + 2 * PAGE


class Gate:
    """Before the journal: while it is shut, what arrives waits, and its sender for the answer."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._add = journal.add
        self._shut = True
        self._waiting = 0
        journal.add = self._pass  # type: ignore[method-assign]  # the servers know no gate

    def _pass(self, entry: Accepted) -> bool:
        self._journal.tell(lambda: self._count(1))
        self._journal.until(lambda: not self._shut, PATIENCE)
        self._journal.tell(lambda: self._count(-1))
        return self._add(entry)

    def _count(self, more: int) -> None:
        self._waiting += more

    def open(self) -> None:
        self._journal.tell(lambda: setattr(self, "_shut", False))

    @property
    def busy(self) -> bool:
        """Whether a message of every connection waits."""
        return self._waiting == len(CHANNELS) * CONNECTIONS


@pytest.fixture
def to() -> Iterator[Receivers]:
    with receivers(PACE) as found:
        yield found


@pytest.fixture
def gate(to: Receivers) -> Iterator[Gate]:
    found = Gate(to.journal)
    yield found
    found.open()


@pytest.fixture
def at(tmp_path: Path, to: Receivers) -> Office:
    url = f"sqlite:///{tmp_path / 'work.db'}"
    # No sender gives up while the gate is shut, however slow the machine is.
    patient = {f"DISPATCH_{channel.upper()}__TIMEOUT": str(PATIENCE) for channel in CHANNELS}
    return quick(tmp_path, url, to, READERS, DISPATCH_ENGINE__PAGE=str(PAGE), **patient)


def under_way(life: Running, at: Office, gate: Gate) -> str:
    """The issue that is being sent just now, with a message in every connection."""
    life.ready()
    number = at.drop()
    assert life.until(lambda: gate.busy), life.told
    return str(number)


def status_when(at: Office, reached: Callable[[Any], bool]) -> Any:
    """The status, when it is so."""
    until = time.monotonic() + PATIENCE
    while not reached(found := at.dispatch("status", "--json").json):
        assert time.monotonic() < until, found
    return found


def at_rest(found: Any) -> bool:
    """Nothing is being sent, and nothing may be."""
    planned = all(issue["planning_ended"] for issue in found["issues"])
    return planned and not any(queue["due"] + queue["later"] + queue["sending"] for queue in found["queues"])


def owed(readers: Sequence[Reader], issue: str) -> int:
    """The messages that readers are owed of an issue on each channel."""
    return sum(len(reader.owed(int(issue))) for reader in readers)


def missing(at: Office) -> Counter[tuple[str, str]]:
    """How many messages nobody has got, by channel and issue."""
    words = (line.replace(":", "").split() for line in at.verdict().missing)
    return Counter((channel, issue) for channel, _, issue, *_ in words)


def judged(at: Office) -> None:
    """Everybody has everything, nobody has anything twice."""
    verdict = at.verdict()
    assert not verdict.missing
    assert not verdict.wrong
    assert not verdict.repeated
    assert at.ledger_faults() == []


def next_goes_out(at: Office) -> None:
    """Another issue goes out, and of the first not one message more: what goes on is not slow, it is over."""
    before = missing(at)
    at.drop()
    status_when(at, lambda found: found["issue_states"].get("sent") == 1)
    assert missing(at) == before


def test_a_paused_issue_waits_and_a_resumed_one_goes_on(at: Office, gate: Gate) -> None:
    with Running(at) as life:
        number = under_way(life, at, gate)
        assert "is paused" in at.dispatch("issues", "pause", number).out
        gate.open()
        found = status_when(at, at_rest)
        assert [issue["state"] for issue in found["issues"]] == ["paused"]
        assert set(found["paused_messages"]) == set(CHANNELS)
        for channel in CHANNELS:
            assert missing(at)[channel, number] >= owed(at.readers, number) - IN_HAND
        next_goes_out(at)
        assert "is resumed" in at.dispatch("issues", "resume", number).out
        life.becomes(lambda: all_out(at))
        life.stop()
    judged(at)


def test_a_paused_channel_holds_up_no_other(at: Office, gate: Gate) -> None:
    with Running(at) as life:
        number = under_way(life, at, gate)
        at.dispatch("issues", "pause", number, "--channel", "telegram")
        gate.open()
        found = status_when(at, at_rest)
        assert set(found["paused_messages"]) == {"telegram"}
        assert [hold["channel"] for hold in found["issues"][0]["holds"]] == ["telegram"]
        assert set(missing(at)) == {("telegram", number)}
        assert missing(at)["telegram", number] >= owed(at.readers, number) - IN_HAND
        next_goes_out(at)
        at.dispatch("issues", "resume", number, "--channel", "telegram")
        life.becomes(lambda: all_out(at))
        life.stop()
    judged(at)


def test_a_paused_column_holds_up_no_other(at: Office, gate: Gate) -> None:
    column = COLUMNS[1]
    apart = [reader for reader in at.readers if not reader.bundled]
    others = {address for reader in at.readers if reader.bundled for address in reader.addresses.values()}
    with Running(at) as life:
        number = under_way(life, at, gate)
        at.dispatch("issues", "pause", number, "--column", column)
        gate.open()
        status_when(at, at_rest)
        late = missing_of(at, apart, others)
        assert late
        assert all(line.endswith(" [1]") for line in late)
        at.dispatch("issues", "resume", number, "--column", column)
        status_when(at, lambda found: not found["paused_messages"] and at_rest(found))
        life.stop()
    assert not missing_of(at, apart, others)
    assert at.ledger_faults() == []


def missing_of(at: Office, readers: Sequence[Reader], others: set[str]) -> list[str]:
    """What these readers have not got. All that they did get is right, and came once; what the others get of a bundle
    that was paused in part is another matter."""
    verdict = judge([entry for entry in at.journal.entries if entry.address not in others], readers, at.issues)
    assert not verdict.wrong
    assert not verdict.repeated
    return verdict.missing


def test_a_cancelled_issue_ends_and_says_why(at: Office, gate: Gate) -> None:
    with Running(at) as life:
        number = under_way(life, at, gate)
        assert "is cancelled" in at.dispatch("issues", "cancel", number).out
        gate.open()
        status_when(at, lambda found: at_rest(found) and not any(issue["owed"] for issue in found["issues"]))
        for channel in CHANNELS:
            assert missing(at)[channel, number] >= owed(at.readers, number) - IN_HAND
        next_goes_out(at)
        life.stop()
    ends = at.dispatch("deliveries", "list", "--issue", number, "--json").json
    assert {row["state"] for row in ends} == {"sent", "cancelled"}
    assert {row["reason"] for row in ends if row["state"] == "cancelled"} == {"issue cancelled"}
    verdict = at.verdict()
    # A long chat text may have been cut off between two of its messages.
    assert [fault for fault in verdict.wrong if not fault.startswith("telegram") or "too much: []" not in fault] == []
    assert not verdict.repeated
    assert [fault for fault in at.ledger_faults() if not fault.startswith("deliveries are ")] == []


def test_what_cannot_be_done_is_said(bare: Command) -> None:
    bare("ingest", str(SAMPLE))

    def refused(*words: str, code: int) -> str:
        return bare("issues", *words, expect=code).err

    assert "has no column 无此栏目; it has " in refused("pause", "534", "--column", "无此栏目", code=2)
    assert "channel 'fax': allowed are email, telegram" in refused("resume", "534", "--channel", "fax", code=2)
    assert "535" in refused("pause", "535", code=1)
    assert "there is nothing to pause" in refused("pause", "534", "--channel", "email", code=1)
    assert "is held, not paused" in refused("resume", "534", code=1)
    assert "is not paused; paused are: none" in refused("resume", "534", "--channel", "email", code=1)


def test_a_test_is_sent_beside_a_running_dispatch(at: Office, to: Receivers, gate: Gate) -> None:
    probe = Reader(606)  # nobody's; it is owed every column whole, each in a message of its own
    addresses = {**probe.addresses, "webhook": to.hooks_url + probe.addresses["webhook"]}
    with Running(at) as life, ThreadPoolExecutor() as pool:
        number = under_way(life, at, gate)
        tests = {
            address: pool.submit(at.dispatch, "issues", "send", number, "--to", address)
            for address in addresses.values()
        }
        queued = "SELECT COUNT(*) FROM messages WHERE kind = 'test'"
        life.becomes(lambda: rows(at, queued) == [(len(addresses) * len(COLUMNS),)])
        gate.open()
        for address, done in tests.items():
            assert f"test to {address}: messages sent: {len(COLUMNS)}" in done.result().out
        life.becomes(lambda: all_have(at, [*at.readers, probe]))
        life.stop()
    assert at.ledger_faults() == []


def all_have(at: Office, readers: Sequence[Reader]) -> bool:
    """Whether everybody has everything; nobody has anything twice, or what is another's."""
    verdict = judge(at.journal.entries, readers, at.issues)
    assert not verdict.repeated
    return not (verdict.missing or verdict.wrong)
