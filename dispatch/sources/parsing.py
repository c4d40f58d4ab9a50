"""What strangers wrote, read in a process of its own: what hangs, crashes or takes all memory there is ended there."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from dispatch.errors import IntakeError

_SECONDS = 20.0
_MOST_ANSWER = 8_000_000
_FAILED = 3  # the exit code with a reason in words


async def parse(what: str, data: bytes, options: Mapping[str, Any], *, command: Sequence[str] = ()) -> bytes:
    """What `dispatch.sources.parse` makes of the data, as JSON. Raises IntakeError, with what was wrong."""
    process = await asyncio.create_subprocess_exec(
        *(command or (sys.executable, "-P", "-m", "dispatch.sources.parse")),
        what,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=_environment(),
        start_new_session=True,  # a Ctrl-C on the terminal is ours to act upon
    )
    answer = b""
    try:
        async with asyncio.timeout(_SECONDS):
            head = json.dumps(options).encode() + b"\n"
            _, answer = await asyncio.gather(_write(process, head + data), _read(process))
            await process.wait()
    except TimeoutError:
        raise IntakeError("it takes too long to read; it is damaged or made to do harm") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode == _FAILED:
        raise IntakeError(answer[:500].decode("utf-8", "replace"))
    if process.returncode or len(answer) > _MOST_ANSWER:
        raise IntakeError("it cannot be read; it is damaged or made to do harm")
    return answer


async def _write(process: asyncio.subprocess.Process, data: bytes) -> None:
    if process.stdin is None:
        raise RuntimeError("a process without a pipe")
    with contextlib.suppress(ConnectionError):  # it ended before it had read all: its exit code says why
        process.stdin.write(data)
        await process.stdin.drain()
        process.stdin.close()
        await process.stdin.wait_closed()


async def _read(process: asyncio.subprocess.Process) -> bytes:
    if process.stdout is None:
        raise RuntimeError("a process without a pipe")
    data = bytearray()
    while chunk := await process.stdout.read(65_536):
        data += chunk
        if len(data) > _MOST_ANSWER:
            process.kill()
            break
    return bytes(data)


def _environment() -> dict[str, str]:
    """Nothing of ours but where the program is: settings may stand in the environment, with passwords."""
    return {
        "PYTHONPATH": os.pathsep.join(place for place in sys.path if place),
        "PATH": os.defpath,
        "PYTHONIOENCODING": "utf-8",
    }
