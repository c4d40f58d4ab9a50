"""Progress of a send, on a terminal and in a log."""

from __future__ import annotations

import logging
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from dispatch.model import Rejected, Retry, Sent
from dispatch.output import span
from dispatch.progress import sending
from tests.delivery.test_attempt_log import attempt


def test_a_log_gets_a_line_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with sending() as tick:
        for second in range(21):
            tick(attempt(Sent(), started_at=second * 1000, duration_ms=0))
    assert [record.getMessage() for record in caplog.records] == [
        "sent so far: email 11 (1.1/s)",
        "sent so far: email 21 (1.1/s)",
    ]


def test_what_is_left_is_told_where_it_is_known(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with sending({"email": 100}) as tick:
        tick.expect({"email": 50, "telegram": 3})
        tick(attempt(Sent(), final=False, duration_ms=0))
        tick(attempt(Retry("later"), started_at=1_000, duration_ms=0))
        tick(attempt(Rejected("no"), final=False, started_at=2_000, duration_ms=0))
        for _ in range(9):
            tick(attempt(Sent(), started_at=9_000, duration_ms=0))
        tick(attempt(Retry("later"), started_at=10_000, duration_ms=0))
    [record] = caplog.records
    assert record.getMessage() == (
        "sent so far: email 10 of 50 (1.0/s, 0:40 left, 2 to be tried again); telegram 0 of 3"
    )


def test_a_terminal_gets_a_bar_a_channel() -> None:
    code = (
        "from dispatch.progress import sending\n"
        "from dispatch.model import Sent\n"
        "from tests.delivery.test_attempt_log import attempt\n"
        "with sending({'email': 4}) as tick:\n"
        "    for number in range(4): tick(attempt(Sent(), started_at=number))\n"
    )
    master, slave = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "140"},
        cwd=Path(__file__).resolve().parents[1],
        stderr=slave,
        timeout=60,
        check=False,
    )
    os.close(slave)
    seen = os.read(master, 65536).decode()
    assert done.returncode == 0
    assert "email" in seen
    assert "4/4" in seen
    assert "left" in seen


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0:00"),
        (65, "1:05"),
        (3_599.6, "1:00:00"),
        (7_322, "2:02:02"),
        (90_000, "1 d 1 h"),
        (-4, "0:00"),
        (None, ""),
    ],
)
def test_lengths_of_time_in_words(seconds: float | None, words: str) -> None:
    assert span(seconds) == words
