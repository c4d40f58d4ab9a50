"""The processes that sign."""

from __future__ import annotations

import asyncio
import logging
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvloop
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import dispatch.channels.email.signing_worker as program
from dispatch.channels.email.dkim import SigningKey, body_hash
from dispatch.channels.email.signing import SigningError, SigningPool
from dispatch.channels.email.signing_worker import READY, frame, unframe
from tests.channels.test_dkim import RECORDS, verified_by_dkimpy

RSA = SigningKey("bulletin.example", "p1", rsa.generate_private_key(65537, 2048))
ED25519 = SigningKey("bulletin.example", "p2", Ed25519PrivateKey.generate())
BODY = b"body\r\n"
LONG = 30.0  # seconds after which a test gives up; nothing here takes that long


@asynccontextmanager
async def pool(workers: int = 2, keys: tuple[SigningKey, ...] = (ED25519,)) -> AsyncIterator[SigningPool]:
    made = SigningPool(keys, workers)
    try:
        async with asyncio.timeout(LONG):
            yield made
    finally:
        await made.close()


def head(number: int) -> bytes:
    return f"From: news@bulletin.example\r\nTo: reader{number}@example.org\r\nSubject: {number}\r\n".encode()


async def is_verified(made: SigningPool, number: int) -> bool:
    signature = await made.sign(head(number), body_hash(BODY))
    return verified_by_dkimpy(signature + head(number) + b"\r\n" + BODY) == [True]


@pytest.fixture(autouse=True)
def records(monkeypatch: pytest.MonkeyPatch) -> None:
    for key in (RSA, ED25519):
        monkeypatch.setitem(RECORDS, key.record_name, key.record)


async def _many() -> None:
    async with pool(keys=(RSA,)) as made:
        assert made.pids == []
        assert all(await asyncio.gather(*(is_verified(made, number) for number in range(200))))
        assert 1 <= len(made.pids) <= 2
        pids = made.pids
    assert not any(exists(pid) for pid in pids)


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_each_message_gets_its_own_signature(loop: object) -> None:
    with asyncio.Runner(loop_factory=loop) as runner:  # type: ignore[arg-type] # either of them makes a loop
        runner.run(_many())


async def test_one_after_the_other_takes_one_process() -> None:
    async with pool() as made:
        for number in range(5):
            await made.sign(head(number), body_hash(BODY))
        assert len(made.pids) == 1


async def test_a_process_that_is_killed_fails_its_messages_alone_and_is_replaced(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with pool(workers=1) as made:
        await made.sign(head(0), body_hash(BODY))
        [killed] = made.pids
        os.kill(killed, signal.SIGSTOP)  # it takes no more, so that the message is surely with it
        waiting = asyncio.ensure_future(made.sign(head(1), body_hash(BODY)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        with caplog.at_level(logging.ERROR):
            os.kill(killed, signal.SIGKILL)
            with pytest.raises(SigningError) as caught:
                await waiting
        assert not caught.value.lasting
        assert f"the signing process {killed} ended" in caplog.text
        await made.sign(head(2), body_hash(BODY))
        assert len(made.pids) == 1
        assert made.pids != [killed]


async def test_all_that_waits_is_answered_when_processes_die_again_and_again() -> None:
    async with pool() as made:
        await made.sign(head(0), body_hash(BODY))
        for _ in range(3):
            answers = [asyncio.ensure_future(made.sign(head(number), body_hash(BODY))) for number in range(300)]
            await asyncio.sleep(0)
            for pid in made.pids:
                os.kill(pid, signal.SIGKILL)
            done = await asyncio.gather(*answers, return_exceptions=True)
            assert all(isinstance(item, bytes | SigningError) for item in done)
        assert (await made.sign(head(1), body_hash(BODY))).startswith(b"DKIM-Signature: ")


async def test_a_message_that_cannot_be_signed_spoils_no_other() -> None:
    async with pool() as made:
        asked = [made.sign(b"To: a@b\r\n" if number == 3 else head(number), body_hash(BODY)) for number in range(6)]
        done = await asyncio.gather(*asked, return_exceptions=True)
        assert [isinstance(item, SigningError) for item in done] == [number == 3 for number in range(6)]
        refused = done[3]
        assert isinstance(refused, SigningError)
        assert (refused.lasting, "From" in str(refused)) == (True, True)


async def test_who_gives_up_waiting_disturbs_nobody() -> None:
    async with pool() as made:
        given_up = asyncio.ensure_future(made.sign(head(1), body_hash(BODY)))
        other = asyncio.ensure_future(made.sign(head(2), body_hash(BODY)))
        await asyncio.sleep(0)
        given_up.cancel()
        assert (await other).startswith(b"DKIM-Signature: ")


async def test_a_closed_pool_answers_at_once() -> None:
    made = SigningPool([ED25519])
    waiting = asyncio.ensure_future(made.sign(head(1), body_hash(BODY)))
    await asyncio.sleep(0)
    await made.close()
    with pytest.raises(SigningError, match="stopped"):
        await waiting
    with pytest.raises(SigningError, match="stopped"):
        await made.sign(head(1), body_hash(BODY))


async def test_no_process_can_be_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    async with pool() as made:
        done = await asyncio.gather(*(made.sign(head(n), body_hash(BODY)) for n in range(3)), return_exceptions=True)
        assert [type(item) for item in done] == [SigningError] * 3


async def test_those_that_run_sign_on_where_no_more_can_be_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with pool() as made:
        await made.sign(head(0), body_hash(BODY))
        monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
        for _ in range(5):
            done = await asyncio.gather(*(made.sign(head(number), body_hash(BODY)) for number in range(40)))
            assert all(signature.startswith(b"DKIM-Signature: ") for signature in done)
        assert len(made.pids) == 1
    assert caplog.text.count("could not be started") == 1


async def test_a_process_that_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    async with pool() as made:
        with pytest.raises(SigningError, match="before it was ready"):
            await made.sign(head(1), body_hash(BODY))


async def test_no_key_is_told() -> None:
    secret = ED25519.pack()[2]
    async with pool() as made:
        await made.sign(head(1), body_hash(BODY))
        [pid] = made.pids
        if sys.platform == "linux":
            shown = of_process(pid, "cmdline") + of_process(pid, "environ")
            assert b"signing_worker" in shown
            assert secret not in shown
        assert repr(made) == "<SigningPool of 1 processes>"


def of_process(pid: int, what: str) -> bytes:
    return Path(f"/proc/{pid}/{what}").read_bytes()


def exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


_PARENT = """
import asyncio, sys
from tests.channels.test_signing import ED25519, head
from dispatch.channels.email.signing import SigningPool

async def main():
    made = SigningPool([ED25519], 1)
    await made.sign(head(1), bytes(32))
    print(*made.pids, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="how to wait for the end of a process that is not one's own child")
def test_a_process_ends_when_the_one_that_started_it_is_killed() -> None:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", _PARENT], stdout=subprocess.PIPE, env=env) as parent:
        assert parent.stdout
        with os.fdopen(os.pidfd_open(int(parent.stdout.readline()))) as worker:
            assert not select.select([worker], [], [], 0)[0]
            parent.kill()
            assert select.select([worker], [], [], LONG)[0], "it is still there"


def test_a_process_loads_nothing_of_the_program_and_stops_for_no_signal() -> None:
    code = f"""
import atexit, runpy, sys
foreign = ("dispatch", "subscribers", "pydantic", "jinja2")
atexit.register(lambda: print([name for name in sys.modules if name.startswith(foreign)], file=sys.stderr))
runpy.run_path({program.__file__!r}, run_name="__main__")
"""
    with subprocess.Popen(
        [sys.executable, "-P", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(frame(ED25519.pack()))
        process.stdin.flush()
        assert process.stdout.read(len(frame([READY]))) == frame([READY])
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        said, told = process.communicate(frame([head(1), body_hash(BODY)]), timeout=LONG)
        found = unframe(said)
        assert found
        assert found[0][0].startswith(b"DKIM-Signature: ")
        assert told.decode().strip() == "[]"
        assert process.returncode == 0


def test_frames_are_taken_apart_wherever_they_are_cut() -> None:
    whole = frame([b"a", b"", b"bcd"])
    assert [unframe(whole[:size]) for size in range(len(whole))] == [None] * len(whole)
    assert unframe(whole + b"more") == ([b"a", b"", b"bcd"], len(whole))


async def test_a_process_that_is_frozen_is_replaced() -> None:
    """It lives, and answers nothing: its messages fail when it has had them for too long."""
    made = SigningPool([RSA], 1, patience=0.3)
    try:
        async with asyncio.timeout(LONG):
            assert await is_verified(made, 1)
            [frozen] = made.pids
            os.kill(frozen, signal.SIGSTOP)
            with pytest.raises(SigningError):
                await made.sign(head(2), body_hash(BODY))
            assert await is_verified(made, 3)
            assert made.pids != [frozen]
    finally:
        await made.close()
