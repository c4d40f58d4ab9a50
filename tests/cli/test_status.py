"""`dispatch status`, in a process of its own: on a terminal, in a file, as JSON."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dispatch import archive
from dispatch.delivery.leases import new_owner
from subscribers.database import SCHEMA, Database

HOSTILE = "webhook:\x1b[2Jevil"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An installation with a lane at work, one at rest, and a queue that no settings serve."""
    db = Database.open(f"sqlite:///{tmp_path / 'dispatch.db'}", (SCHEMA, archive.SCHEMA))
    now = time.time_ns() // 1_000_000
    try:
        with db.transaction():
            _fill(db, now)
    finally:
        db.close()
    return tmp_path


def _fill(db: Database, now: int) -> None:
    db.run(
        "INSERT INTO lanes (name, queue, breaker, rest_ms, not_before, changed_at, reason, sent, retried, failed,"
        " busy_ms)"
        " VALUES ('email:default', 'email', 'closed', 0, 0, 0, '', 90, 7, 3, 2500),"
        " (:hostile, :hostile, 'open', 900000, :later, :now, 'nobody answers', 0, 0, 0, 0)",
        {"later": now + 900_000, "now": now, "hostile": HOSTILE},
    )
    db.run(
        "INSERT INTO bots (bot, username, name, updates, trouble, trouble_at, replies_unknown)"
        " VALUES (42, 'a_bot', 'default', 'webhook', 'the Bot API refuses', :now, 5)",
        {"now": now},
    )
    owner = new_owner()
    for name in (f"process/{owner}", "scheduler", "lane/email:default/0", "bot/default"):
        db.run(
            "INSERT INTO leases (name, owner, since, until) VALUES (:name, :owner, :now, :until)",
            {"name": name, "owner": owner, "now": now, "until": now + 900_000},
        )
    for number, queue in enumerate(("email", "email", "telegram")):
        db.run(
            "INSERT INTO messages (key, kind, channel, queue, priority, state, due_at, expires_at, created_at)"
            " VALUES (:key, 'digest', :queue, :queue, 1, 'queued', :now, 0, 0)",
            {"key": str(number), "queue": queue, "now": now},
        )
    db.run(
        "INSERT INTO lane_minutes (minute, lane, sent, retried, failed, busy_ms)"
        " VALUES (:minute, 'email:default', 90, 7, 3, 1)",
        {"minute": now // 60_000},
    )


def environment(**more: str) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("DISPATCH_")}
    email = {"DISPATCH_EMAIL__HOST": "127.0.0.1", "DISPATCH_EMAIL__FROM_ADDRESS": "news@bulletin.test"}
    return {**plain, **email, **more}


def call(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "dispatch", "status", *words],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done


def test_json_tells_all_of_it(folder: Path) -> None:
    done = call(folder, "--json")
    assert done.returncode == 0
    found = json.loads(done.stdout)
    [process] = found["processes"]
    assert (process["roles"], process["lanes"]) == (["scheduler"], 1)
    queues: dict[str, dict[str, Any]] = {queue["queue"]: queue for queue in found["queues"]}
    assert (queues["email"]["due"], queues["email"]["off"], queues["telegram"]["off"]) == (2, False, True)
    [lane] = queues["email"]["lanes"]
    assert (lane["runs"], lane["hour"]) == (1, {"sent": 90, "retried": 7, "failed": 3})
    assert lane["attempts"] == {"sent": 90, "retried": 7, "failed": 3, "busy_ms": 2500}
    [resting] = queues[HOSTILE]["lanes"]
    assert (resting["state"], resting["reason"]) == ("resting", "nobody answers")


def test_tables_name_lanes_at_work_at_rest_and_off(folder: Path) -> None:
    printed = call(folder).stdout
    rows = {line.split()[0]: line for line in printed.splitlines() if line.strip()}
    assert "2" in rows["email:default"].split()
    assert "off: no settings" in rows["telegram"]
    assert "resting until" in rows["webhook:�[2Jevil"]
    assert "nobody answers" in rows["webhook:�[2Jevil"]
    assert "\x1b" not in printed


def test_an_empty_installation_says_what_to_do(tmp_path: Path) -> None:
    Database.open(f"sqlite:///{tmp_path / 'dispatch.db'}", (SCHEMA, archive.SCHEMA)).close()
    done = call(tmp_path)
    assert done.returncode == 0
    assert "no process is running: dispatch run" in done.stdout


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_watching_without_a_terminal_prints_lines_until_it_is_interrupted(folder: Path, words: tuple[str, ...]) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "dispatch", "status", "--watch", *words],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        line = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    if words:
        assert json.loads(line)["queues"]
    else:
        assert "email running" in line
        assert "telegram off: no settings" in line


def test_watching_on_a_terminal_redraws_and_leaves_it_well(folder: Path) -> None:
    master, slave = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "dispatch", "status", "--watch"],
        cwd=folder,
        env=environment(TERM="xterm-256color", COLUMNS="160", LINES="40"),
        stdin=slave,
        stdout=slave,
        stderr=subprocess.PIPE,
    ) as process:
        os.close(slave)
        seen = ""
        for piece in pieces(master):
            seen += piece
            if seen.count("dispatch status") == 2:  # drawn, and drawn again
                process.send_signal(signal.SIGINT)
                break
        seen += "".join(pieces(master))
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")
    assert "email:default" in seen
    assert "\x1b[2Jevil" not in seen
    assert seen.rstrip().endswith("\x1b[?25h")  # the cursor is back


def pieces(terminal: int) -> Iterator[str]:
    """What a program writes on a terminal, until it ends."""
    while True:
        ready, _, _ = select.select([terminal], [], [], 60)
        assert ready, "nothing was drawn"
        try:
            data = os.read(terminal, 65536)
        except OSError:  # the other end is closed
            return
        if not data:
            return
        yield data.decode("utf-8", "replace")


def test_the_bots_are_told_in_words_and_as_json(folder: Path) -> None:
    said = call(folder).stdout
    for words in ("default (@a_bot)", "in trouble", "webhook", "none yet", "bot default gets no updates since"):
        assert words in said
    [bot] = json.loads(call(folder, "--json").stdout)["bots"]
    assert bot["trouble_at"]
    assert {name: bot[name] for name in ("name", "state", "updates", "handled_at", "waiting", "unknown")} == {
        "name": "default", "state": "in trouble", "updates": "webhook", "handled_at": None, "waiting": 0, "unknown": 5,
    }  # fmt: skip
