"""Several processes on one database: the work is shared, one of them does what only one may, and whoever dies or is
told to stop leaves nothing undone."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.acceptance.conftest import free_port
from tests.acceptance.killing import PACE, Life, Office
from tests.acceptance.lives import Running, all_out, holder, leases, quick, runs, sends_now, states
from tests.acceptance.receivers import CHANNELS, CONNECTIONS, Receivers, receivers
from tests.marks import both_databases

READERS = 40
HELD = 5  # messages of each channel that are taken before a connection has to wait for its answer


@pytest.fixture
def to() -> Iterator[Receivers]:
    with receivers(PACE) as found:
        yield found


def sqlite(folder: Path) -> str:
    return f"sqlite:///{folder / 'work.db'}"


def finished(at: Office) -> None:
    """What was left goes out with the next start."""
    with Life(at.dispatch, at.journal, "--once") as life:
        life.end()


def judged(at: Office, repeats: int) -> None:
    """Everybody has everything, and at most so many messages of a channel twice."""
    verdict = at.verdict()
    assert not verdict.missing
    assert not verdict.wrong
    assert max(verdict.repeats.values()) <= repeats
    assert at.ledger_faults() == []


def answers(page: str) -> bool:
    try:
        return httpx.get(page, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


@both_databases
def test_two_programs_share_a_database_and_one_takes_over_from_the_other(
    tmp_path: Path, database_url: str, to: Receivers
) -> None:
    listen = f"127.0.0.1:{free_port()}"
    pages = {"DISPATCH_WEB__BASE_URL": f"http://{listen}", "DISPATCH_WEB__LISTEN": listen}
    at = quick(tmp_path, database_url, to, READERS, **pages)
    with Running(at) as one, Running(at) as two:
        one.ready()
        two.ready()
        number = at.drop()
        one.becomes(lambda: all_out(at))
        assert sum(at.verdict().repeats.values()) == 0
        watches, serves = holder(at, "scheduler"), holder(at, "web")
        assert {watches, serves} <= {one.pid, two.pid}
        first, second = (one, two) if serves == one.pid else (two, one)
        page = f"http://{listen}/issues/huoju/{number}/1"
        assert answers(page)
        assert first.until(held(at)), first.told
        assert first.kill()
        at.journal.take()
        second.becomes(lambda: answers(page))
        at.drop()
        second.becomes(lambda: all_out(at))
        assert holder(at, "scheduler") == holder(at, "web") == second.pid
        second.stop()
    judged(at, CONNECTIONS)


def test_a_worker_that_is_killed_is_started_again(tmp_path: Path, to: Receivers) -> None:
    at = quick(tmp_path, sqlite(tmp_path), to, READERS, DISPATCH_ENGINE__PROCESSES="2")
    with Running(at) as life:
        worker = with_worker(life)
        in_mid_send(life, at)
        os.kill(worker, signal.SIGKILL)
        life.becomes(lambda: len(life.workers) == 2 and sends_now(at, life.workers[1]))
        at.journal.take()
        life.becomes(lambda: all_out(at))
        life.stop()
    judged(at, CONNECTIONS)


def test_no_worker_outlives_the_first_process(tmp_path: Path, to: Receivers) -> None:
    at = quick(tmp_path, sqlite(tmp_path), to, READERS, DISPATCH_ENGINE__PROCESSES="2")
    with Running(at) as life:
        worker = with_worker(life)
        in_mid_send(life, at)
        assert life.kill()
        assert life.until(lambda: life.says("the first process has ended")), life.told
        at.journal.take()
        assert life.ended() == -signal.SIGKILL
        assert not runs(worker)
    assert not all_out(at), "all was out before the kill"
    finished(at)
    judged(at, CONNECTIONS)


def held(at: Office) -> Callable[[], bool]:
    """Drop an issue, of which the receivers take a little for now: whether that is so far."""
    before = {channel: at.journal.of(channel) for channel in CHANNELS}
    at.journal.take(HELD)
    at.drop()
    return lambda: all(at.journal.of(channel) == before[channel] + HELD for channel in CHANNELS)


def in_mid_send(life: Running, at: Office, processes: int = 2) -> None:
    """Returns when every process waits for receivers that take no more for now."""
    assert life.until(held(at)), life.told
    life.becomes(
        lambda: len(life.workers) == processes - 1 and all(sends_now(at, pid) for pid in (life.pid, *life.workers))
    )


def with_worker(life: Running) -> int:
    """The worker, when it watches like the first."""
    assert life.until(lambda: sum("watching" in line for line in life.lines) == 2), life.told
    return life.workers[0]


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_finishes_what_is_in_flight(
    tmp_path: Path, to: Receivers, number: signal.Signals, processes: int
) -> None:
    at = quick(tmp_path, sqlite(tmp_path), to, READERS, DISPATCH_ENGINE__PROCESSES=str(processes))
    with Running(at) as life:
        life.ready()
        in_mid_send(life, at, processes)
        life.signal(number)
        assert life.until(lambda: life.says("stopping: ")), life.told
        at.journal.take()
        assert life.ended() == 0, life.told
    assert leases(at) == []
    assert "sending" not in states(at)
    assert not all_out(at), "all was out before the stop"
    finished(at)
    judged(at, 0)


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that takes connections, and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield int(server.getsockname()[1])


def stalled(folder: Path, to: Receivers, silent: int, processes: int, shutdown: float) -> Office:
    more = {
        "DISPATCH_ENGINE__PROCESSES": str(processes),
        "DISPATCH_ENGINE__SHUTDOWN": str(shutdown),
        "DISPATCH_EMAIL__PORT": str(silent),
    }
    return quick(folder, sqlite(folder), to, 10, **more)


def in_hand(life: Running, at: Office, processes: int) -> None:
    """Returns when every process waits for the silent server."""
    life.ready()
    at.drop()
    life.becomes(
        lambda: len(life.workers) == processes - 1 and all(sends_now(at, pid) for pid in (life.pid, *life.workers))
    )
    life.signal(signal.SIGTERM)
    assert life.until(lambda: life.says("stopping: "))


@pytest.mark.parametrize("processes", [1, 2])
def test_a_stop_does_not_wait_for_a_receiver_that_never_answers(
    tmp_path: Path, to: Receivers, silent: int, processes: int
) -> None:
    at = stalled(tmp_path, to, silent, processes, 0.5)
    with Running(at) as life:
        in_hand(life, at, processes)
        assert life.ended() == 0, life.told
    assert leases(at) == []
    assert "sending" not in states(at)
    assert states(at)["queued"] > 0
    assert at.journal.of("email") == 0
    at.dispatch.environment["DISPATCH_EMAIL__PORT"] = str(to.smtp_port)
    finished(at)  # what was given back needs not be waited for
    judged(at, 0)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_second_signal_leaves_at_once(tmp_path: Path, to: Receivers, silent: int, processes: int) -> None:
    at = stalled(tmp_path, to, silent, processes, 3600)
    with Running(at) as life:
        in_hand(life, at, processes)
        life.signal(signal.SIGTERM)
        assert life.ended() == 130, life.told
    at.dispatch.environment["DISPATCH_EMAIL__PORT"] = str(to.smtp_port)
    finished(at)
    judged(at, CONNECTIONS)
