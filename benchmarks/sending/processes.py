"""Running a sender as a process of its own: how long it took, what it cost, and how much memory it had."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_PEAK_UNIT = 1024 if platform.system() == "Linux" else 1024**2  # of ru_maxrss, in a megabyte


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of a process: seconds of the clock and of the processor (with those of its own processes), and the
    most memory that it, or one of its own, had at a time. `stopped` where it was told to end before it did."""

    code: int
    seconds: float
    cpu: float
    peak_mb: float
    out: str
    err: str
    stopped: bool


def run(
    command: Sequence[str],
    *,
    folder: Path | None = None,
    env: Mapping[str, str] | None = None,
    most: float,
    until: Callable[[], bool] | None = None,
) -> Ended:
    """Run to the end; after `most` seconds, or as soon as `until` says so, it is asked to end (SIGTERM), and made to
    (SIGKILL) when it takes another 40 seconds.

    A process inherits the peak of who starts it, so this one must be a small one.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.monotonic()
        process = subprocess.Popen(command, cwd=folder, env=env, stdout=out, stderr=err, stdin=subprocess.DEVNULL)
        over, stopped = threading.Event(), threading.Event()
        watch = threading.Thread(target=_watch, args=(process.pid, most, until, over, stopped))
        watch.start()
        try:
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # its number is nobody else's until wait4
        except BaseException:
            process.kill()  # nothing is left behind by one who ends this
            raise
        finally:
            over.set()
            watch.join()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        took = time.monotonic() - began
        return Ended(
            code=process.returncode,
            seconds=took,
            cpu=usage.ru_utime + usage.ru_stime,
            peak_mb=usage.ru_maxrss / _PEAK_UNIT,
            out=_text(out),
            err=_text(err),
            stopped=stopped.is_set(),
        )


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")


def _watch(
    pid: int, most: float, until: Callable[[], bool] | None, over: threading.Event, stopped: threading.Event
) -> None:
    """End the process when its time has come. `over` is set as soon as it has been waited for."""
    end = time.monotonic() + most
    while time.monotonic() < end and not (until and until()):
        if over.wait(0.05):
            return
    stopped.set()
    for number, patience in ((signal.SIGTERM, 40.0), (signal.SIGKILL, 5.0)):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        if over.wait(patience):
            return
