"""What a process that reads strangers' files is kept from: a program of the test tries it."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from dispatch.intake.lockdown import landlock_version
from dispatch.intake.sandbox import Limits, Sandbox

SAMPLE = Path(__file__).resolve().parents[2] / "config" / "samples" / "huoju-2022-05.md"
pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"),
    reason="only Linux on x86_64 and aarch64 has the filter",
)
LANDLOCK = pytest.mark.skipif(not landlock_version(), reason="the kernel has no Landlock")

_BEGIN = """
import ctypes, json, os, pathlib, signal, socket, subprocess, sys, threading
from dispatch.intake.confinement import confine
from dispatch.intake.lockdown import lock_down
folder = pathlib.Path(sys.argv[1])
confine(); lock_down([folder / "given"])
found = {}
def attempt(name, act):
    try:
        found[name] = str(act())
    except OSError as error:
        found[name] = os.strerror(error.errno)
def thread():
    seen = []
    one = threading.Thread(target=lambda: seen.append("ran")); one.start(); one.join()
    return seen[0]
"""
_DENIED = ("Operation not permitted", "Permission denied")


def tried(folder: Path, program: str) -> dict[str, str]:
    environment = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    words = (sys.executable, "-P", "-c", _BEGIN + textwrap.dedent(program) + "\nprint(json.dumps(found))", str(folder))
    done = subprocess.run(words, env=environment, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return {str(name): str(value) for name, value in json.loads(done.stdout).items()}


def test_it_starts_signals_and_reaches_nobody(tmp_path: Path) -> None:
    found = tried(
        tmp_path,
        """
        attempt("fork", os.fork)
        attempt("run", lambda: subprocess.run(["/bin/true"]))
        attempt("become", lambda: os.execv("/bin/true", ["true"]))
        attempt("kill the parent", lambda: os.kill(os.getppid(), 0))
        attempt("kill a group", lambda: os.kill(0, 0))
        attempt("network", lambda: socket.socket(socket.AF_INET))
        attempt("neighbours", lambda: socket.socket(socket.AF_UNIX))
        import resource
        attempt("limits of the parent", lambda: resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE))
        attempt("rights of a file", lambda: os.chmod(folder, 0o777))
        attempt("times of a file", lambda: os.utime(folder))
        """,
    )
    assert len(found) == 10
    assert [name for name, what in found.items() if what not in _DENIED] == []


def test_it_may_have_threads_and_give_up(tmp_path: Path) -> None:
    found = tried(
        tmp_path,
        """
        attempt("thread", thread)
        attempt("itself", lambda: os.kill(os.getpid(), 0))
        import resource
        attempt("limit", lambda: resource.setrlimit(resource.RLIMIT_CPU, (50, 60)))
        """,
    )
    assert found == {"thread": "ran", "itself": "None", "limit": "None"}


@LANDLOCK
def test_it_reads_nothing_but_the_installation_and_what_it_was_given(tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "parks.csv").write_text("mine")
    (tmp_path / "dispatch.toml").write_text("secret")
    found = tried(
        tmp_path,
        """
        attempt("settings", (folder / "dispatch.toml").read_text)
        attempt("list", lambda: os.listdir(folder))
        attempt("users", pathlib.Path("/etc/passwd").read_text)
        attempt("parent", pathlib.Path(f"/proc/{os.getppid()}/environ").read_bytes)
        attempt("rename", lambda: (folder / "dispatch.toml").rename(folder / "x"))
        attempt("remove", (folder / "dispatch.toml").unlink)
        attempt("cut", lambda: os.truncate(folder / "dispatch.toml", 0))
        attempt("cut on opening", lambda: os.open(folder / "dispatch.toml", os.O_WRONLY | os.O_TRUNC))
        attempt("make", (folder / "new").touch)
        attempt("link", lambda: (folder / "new").symlink_to("/"))
        attempt("folder", (folder / "new").mkdir)
        attempt("write what was given", lambda: (folder / "given" / "parks.csv").open("r+"))
        attempt("given", (folder / "given" / "parks.csv").read_text)
        """,
    )
    assert found.pop("given") == "mine"
    assert len(found) == 12
    assert [name for name, what in found.items() if what not in _DENIED] == []
    assert (tmp_path / "dispatch.toml").read_text() == "secret"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dispatch.toml", "given"]


def test_the_program_that_reads_is_locked(tmp_path: Path) -> None:
    box = Sandbox(None, Limits())
    try:
        box.issue(SAMPLE, "a.md")
        tasks = Path(f"/proc/{os.getpid()}/task").iterdir()
        children = [pid for task in tasks for pid in (task / "children").read_text().split()]
        found = [Path(f"/proc/{pid}/status").read_text() for pid in children]
    finally:
        box.close()
    assert any("Seccomp:\t2" in status for status in found)
