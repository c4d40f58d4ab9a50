"""What a process that reads strangers' files gives up of its own accord, before it meets the first of them.

Each is done where the system has it: Linux has all, other systems some. The limit of time is kept by the process that
asked, on every system.
"""

from __future__ import annotations

import math
import os
import sys
from contextlib import suppress
from pathlib import Path

# linux/prctl.h and linux/sched.h
_SET_PARENT_DEATH_SIGNAL, _SET_DUMPABLE, _SET_NO_NEW_PRIVILEGES = 1, 4, 38
_NEW_IPC, _NEW_USER, _NEW_NETWORK = 0x08000000, 0x10000000, 0x40000000
_KILL = 9

_OPEN_FILES = 64
_LIBRARIES = 512_000_000  # bytes of address space that code and its tables may take, beside what is worked with


def confine() -> None:
    """Give up what reading does not need: the network, further rights, files to write, and outliving the parent.

    To be called first: a namespace can only be left while there is one thread.
    """
    if sys.platform == "win32":
        return
    if sys.platform == "linux":
        _leave_namespaces()
        _promise()
    import resource

    os.nice(10)
    for kind, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
    ):
        # How many processes there may be is not limited: the system counts those of all the user's programs.
        with suppress(OSError, ValueError):
            resource.setrlimit(kind, (most, most))


def limit_memory(megabytes: int) -> None:
    """Let the process take so many megabytes beyond what it has now."""
    if sys.platform == "win32":
        return
    import resource

    mapped, data = _sizes()
    room = megabytes * 1_000_000
    for kind, most in ((resource.RLIMIT_DATA, data + room), (resource.RLIMIT_AS, mapped + room + _LIBRARIES)):
        with suppress(OSError, ValueError):
            resource.setrlimit(kind, (most, most))


def limit_time(seconds: float) -> None:
    """Let the process compute for so many seconds from now; then the system ends it. It is the second line: whoever
    asked counts by the clock, unless it is no more."""
    if sys.platform == "win32":
        return
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    most = math.ceil(used.ru_utime + used.ru_stime + seconds) + 1
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CPU, (most, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _sizes() -> tuple[int, int]:
    """The bytes that are mapped, and those of them that are data (proc(5), statm). 0 where nothing tells."""
    try:
        fields = Path("/proc/self/statm").read_text(encoding="ascii").split()
        page = os.sysconf("SC_PAGE_SIZE")
        return int(fields[0]) * page, int(fields[5]) * page
    except OSError:
        return 0, 0


def _leave_namespaces() -> None:
    """Go where there is no network and nothing to be root of. Many containers do not allow it: then it stays."""
    import ctypes

    ctypes.CDLL(None).unshare(_NEW_USER | _NEW_NETWORK | _NEW_IPC)


def _promise() -> None:
    """Die with the parent, gain no rights by running anything, and be looked into by nobody of the same user."""
    import ctypes

    prctl = ctypes.CDLL(None).prctl
    prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    prctl(_SET_DUMPABLE, 0, 0, 0, 0)
    prctl(_SET_PARENT_DEATH_SIGNAL, _KILL, 0, 0, 0)  # last: a change of rights takes it back
