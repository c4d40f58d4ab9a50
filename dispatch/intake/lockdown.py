"""What the system keeps a process from that reads strangers' files, once it has all that it begins with.

Landlock leaves it files of the installation to read, and none to write or to run; a filter of system calls (seccomp)
leaves it no process to start, no network, and nobody to signal or look into. Both are Linux's, of x86_64 and aarch64,
and each is left out where the kernel does not have it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

_PACKAGE = Path(__file__).resolve().parents[1]

# What libraries read while they work, beside Python and its packages: other libraries, fonts, the number of processors.
_OF_THE_SYSTEM = (
    *("/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share", "/lib", "/lib64", "/nix/store"),
    *("/etc/ld.so.cache", "/etc/localtime", "/etc/mime.types", "/etc/fonts"),
    *("/dev/null", "/dev/urandom", "/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu"),
)

# linux/landlock.h
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION = 1  # a flag: tell which interface there is
_PATH_BENEATH = 1
_READ_FILE, _READ_FOLDER = 1 << 2, 1 << 3
_RIGHTS = ((1, (1 << 13) - 1), (2, 1 << 13), (3, 1 << 14), (5, 1 << 15))  # on files, and since which interface
_NETWORK, _NETWORK_SINCE = 3, 4  # TCP: bind, connect
_SCOPES, _SCOPES_SINCE = 3, 6  # abstract sockets and signals beyond the process

# linux/prctl.h, linux/seccomp.h, linux/bpf_common.h, linux/audit.h
_SET_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 38, 22, 2
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _MACHINE, _FIRST = 0, 4, 16  # places in what a filter sees: the call, the machine, its first argument
_THREAD = 0x00010000  # CLONE_THREAD
_OTHER_TABLE = 0x40000000  # calls of x32, which have numbers of their own

# The numbers of the calls (asm/unistd.h). First what is refused: to run or look into anything, sockets, signals by
# other ways, namespaces and mounts, keys, and changes to files that Landlock does not know.
_REFUSED: Final = (
    *("execve", "execveat", "fork", "vfork", "ptrace", "process_vm_readv", "process_vm_writev"),
    *("socket", "connect", "tkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"),
    *("pidfd_open", "pidfd_send_signal", "pidfd_getfd", "bpf", "io_uring_setup", "perf_event_open", "userfaultfd"),
    *("unshare", "setns", "mount", "add_key", "request_key", "keyctl"),
    *("truncate", "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat"),
    *("utime", "utimes", "futimesat", "utimensat", "setxattr", "lsetxattr", "fsetxattr"),
    *("removexattr", "lremovexattr", "fremovexattr"),
)
_COMMON = {
    "pidfd_open": 434,
    "pidfd_send_signal": 424,
    "pidfd_getfd": 438,
    "io_uring_setup": 425,
    "fchmodat2": 452,
    "clone3": 435,
}
_X86_64 = {
    "execve": 59,
    "execveat": 322,
    "fork": 57,
    "vfork": 58,
    "clone": 56,
    "ptrace": 101,
    "process_vm_readv": 310,
    "process_vm_writev": 311,
    "socket": 41,
    "connect": 42,
    "kill": 62,
    "tkill": 200,
    "tgkill": 234,
    "rt_sigqueueinfo": 129,
    "rt_tgsigqueueinfo": 297,
    "bpf": 321,
    "perf_event_open": 298,
    "userfaultfd": 323,
    "unshare": 272,
    "setns": 308,
    "mount": 165,
    "add_key": 248,
    "request_key": 249,
    "keyctl": 250,
    "truncate": 76,
    "chmod": 90,
    "fchmod": 91,
    "fchmodat": 268,
    "chown": 92,
    "fchown": 93,
    "lchown": 94,
    "fchownat": 260,
    "utime": 132,
    "utimes": 235,
    "futimesat": 261,
    "utimensat": 280,
    "setxattr": 188,
    "lsetxattr": 189,
    "fsetxattr": 190,
    "removexattr": 197,
    "lremovexattr": 198,
    "fremovexattr": 199,
    "prlimit64": 302,
}
_AARCH64 = {
    "execve": 221,
    "execveat": 281,
    "clone": 220,
    "ptrace": 117,
    "process_vm_readv": 270,
    "process_vm_writev": 271,
    "socket": 198,
    "connect": 203,
    "kill": 129,
    "tkill": 130,
    "tgkill": 131,
    "rt_sigqueueinfo": 138,
    "rt_tgsigqueueinfo": 240,
    "bpf": 280,
    "perf_event_open": 241,
    "userfaultfd": 282,
    "unshare": 97,
    "setns": 268,
    "mount": 40,
    "add_key": 217,
    "request_key": 218,
    "keyctl": 219,
    "truncate": 45,
    "fchmod": 52,
    "fchmodat": 53,
    "fchownat": 54,
    "fchown": 55,
    "utimensat": 88,
    "setxattr": 5,
    "lsetxattr": 6,
    "fsetxattr": 7,
    "removexattr": 14,
    "lremovexattr": 15,
    "fremovexattr": 16,
    "prlimit64": 261,
}
_MACHINES = {"x86_64": (0xC000003E, _X86_64), "aarch64": (0xC00000B7, _AARCH64)}


def lock_down(readable: Iterable[Path] = ()) -> None:
    """Keep this process from all but its work for good; `readable` are files and folders that it may read beside the
    program's own.

    To be called while there is one thread, which those that come after take it from.
    """
    if sys.platform != "linux" or platform.machine() not in _MACHINES or sys.maxsize < 1 << 32:
        return
    library = ctypes.CDLL(None, use_errno=True)
    library.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0)  # without it, neither is to be had
    _lock_files(library, (*_installation(), *readable))
    _lock_calls(library)


def landlock_version() -> int:
    """The interface of Landlock that the kernel has, 0 without any."""
    if sys.platform != "linux":
        return 0
    return max(0, int(ctypes.CDLL(None, use_errno=True).syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION)))


def _installation() -> Iterator[Path]:
    """Where code is, with what comes with it. A folder of the search path may also be one in which somebody works, with
    settings and a database: it has to be a folder of installed packages."""
    yield from (_PACKAGE, _PACKAGE.with_name("subscribers"), _PACKAGE.with_name("config"))
    for prefix in {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}:
        yield from (Path(prefix, name) for name in ("lib", "lib64"))
    for place in map(Path, filter(None, sys.path)):
        if place.name in ("site-packages", "dist-packages") or any(place.glob("*.dist-info")):
            yield place
    yield from map(Path, filter(None, os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)))
    yield from map(Path, _OF_THE_SYSTEM)


def _lock_files(library: ctypes.CDLL, readable: Iterable[Path]) -> None:
    version = landlock_version()
    if not version:
        return
    rights = sum(bits for since, bits in _RIGHTS if version >= since)
    rules = struct.pack("=Q", rights)
    if version >= _NETWORK_SINCE:
        rules += struct.pack("=Q", _NETWORK)
    if version >= _SCOPES_SINCE:
        rules += struct.pack("=Q", _SCOPES)
    ruleset = library.syscall(_CREATE_RULESET, rules, ctypes.c_size_t(len(rules)), 0)
    if ruleset < 0:
        return
    for path in readable:
        with suppress(OSError):  # there is none
            _let_read(library, ruleset, path)
    library.syscall(_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def _let_read(library: ctypes.CDLL, ruleset: int, path: Path) -> None:
    place = os.open(path, getattr(os, "O_PATH", 0) | os.O_CLOEXEC)
    rights = _READ_FILE | _READ_FOLDER if path.is_dir() else _READ_FILE
    library.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", rights, place), 0)
    os.close(place)


class _Program(ctypes.Structure):
    """struct sock_fprog"""

    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))


def _lock_calls(library: ctypes.CDLL) -> None:
    machine, numbers = _MACHINES[platform.machine()]
    steps = b"".join(_filter(machine, {**_COMMON, **numbers}))
    program = _Program(len(steps) // 8, steps)
    library.prctl(_SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0)


def _filter(machine: int, numbers: dict[str, int]) -> Iterator[bytes]:
    refuse = _REFUSE | errno.EPERM
    yield _step(_LOAD, _MACHINE) + _step(_EQUAL, machine, 1, 0) + _step(_RETURN, _KILL)
    yield _step(_LOAD, _NUMBER) + _step(_AT_LEAST, _OTHER_TABLE, 0, 1) + _step(_RETURN, refuse)
    for name in _REFUSED:
        if name in numbers:
            yield _step(_EQUAL, numbers[name], 0, 1) + _step(_RETURN, refuse)
    # A filter cannot see the flags of clone3: libraries do with clone then, where a thread is told from a process.
    yield _step(_EQUAL, numbers["clone3"], 0, 1) + _step(_RETURN, _REFUSE | errno.ENOSYS)
    yield _only(numbers["clone"], _ANY_BIT, _THREAD, refuse)
    for name in ("kill", "tgkill"):
        yield _only(numbers[name], _EQUAL, os.getpid(), refuse)  # itself: so a library gives up
    yield _only(numbers["prlimit64"], _EQUAL, 0, refuse)
    yield _step(_RETURN, _ALLOW)


def _only(number: int, test: int, value: int, refuse: int) -> bytes:
    """A call that goes through where its first argument passes a test."""
    found = _step(_EQUAL, number, 0, 4) + _step(_LOAD, _FIRST) + _step(test, value, 1, 0)
    return found + _step(_RETURN, refuse) + _step(_RETURN, _ALLOW)


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """struct sock_filter"""
    return struct.pack("=HBBI", code, if_true, if_false, value)
